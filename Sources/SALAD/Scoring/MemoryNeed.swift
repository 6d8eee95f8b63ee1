import Platform

/// One kind of memory of a rank.
public struct MemoryItem: Sendable, Encodable, Equatable {
  public let name: String
  public let bytes: Int
}

/// What a work will take of each rank's memory, worked out before any of it is taken.
struct MemoryNeed {
  /// As the beginning of a sentence: `this training`.
  let work: String
  let items: [MemoryItem]
  /// What to give less of, beside fewer workers or ranks: `a smaller --micro-batch, --cache-memory or --size`.
  let cure: String?

  /// Bytes.
  var total: Int { items.reduce(0) { $0.addingReportingOverflow($1.bytes).overflow ? .max : $0 + $1.bytes } }

  /// Local. Throws `SaladError` 64 where this rank's memory, as `host` has it, does not suffice.
  func require(of host: HostResources) throws {
    if let refusal = refusal(memory: host.memory, ranksOnHost: host.ranks, limit: host.memoryLimit) {
      throw SaladError(.usage, refusal)
    }
  }

  /// Why it cannot be: a sentence; nil when it fits.
  ///
  /// - Parameters:
  ///   - memory: bytes that each of the host's ranks may take beside what it has.
  ///   - limit: of a process, where that is less than its part of the host.
  func refusal(memory: Int, ranksOnHost: Int, limit: MemoryLimit? = nil) -> String? {
    guard total > memory else { return nil }
    let largest = items.sorted { $0.bytes > $1.bytes }.prefix(2)
      .map { "\($0.name) \(ByteText.of($0.bytes))" }.joined(separator: ", ")
    if let limit {
      return "\(work) takes \(ByteText.of(total)) of memory in each process (\(largest)), and "
        + "\(ByteText.of(memory)) is left of \(ByteText.of(limit.allowed)) of \(limit.name): raise that limit, or give "
        + "fewer --workers\(cure.map { ", \($0)" } ?? "")"
    }
    let ranks = ranksOnHost == 1 ? "1 rank" : "\(ranksOnHost) ranks"
    let all = total.multipliedReportingOverflow(by: ranksOnHost)
    return
      "\(work) takes \(ByteText.of(all.overflow ? .max : all.partialValue)) of memory on a host (\(ranks), of which each "
      + "\(largest)), and \(ByteText.of(memory * ranksOnHost)) is free: give fewer "
      + "--workers or ranks a host\(cure.map { ", \($0)" } ?? ""), or a larger machine"
  }
}
