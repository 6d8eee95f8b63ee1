import Foundation
import Platform

/// What `salad doctor` prints: a row a rank, and what is wrong with them.
public struct DoctorReport: Encodable, Sendable {
  let ranks: [RankReport]
  let findings: [DoctorFinding]

  /// What the command ends with.
  public var status: ExitStatus { DoctorFinding.status(of: findings) }

  public init(ranks: [RankReport]) {
    self.ranks = ranks
    findings = DoctorFinding.all(of: ranks)
  }

  enum CodingKeys: CodingKey { case ranks, findings, status }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(ranks, forKey: .ranks)
    try values.encode(findings, forKey: .findings)
    try values.encode(status, forKey: .status)
  }

  /// One JSON object on one line.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }

  // MARK: - For people

  /// A row a rank, then what ranks have in common or differ in, then the findings.
  public func text() -> String {
    var lines = table
    lines.append("")
    for (name, value) in properties {
      let groups = DoctorFinding.groups(ranks, by: value)
      for group in groups where !group.value.isEmpty {
        lines.append("\(name): \(group.value)\(groups.count > 1 ? " (\(DoctorFinding.text(group.ranks)))" : "")")
      }
    }
    lines += sums + [""]
    lines += findings.map { "\($0.status == .success ? "note" : "fault"): \($0.sentence)" }
    if findings.isEmpty { lines.append("nothing is wrong") }
    return lines.map { PlainText.of($0) + "\n" }.joined()
  }

  private var table: [String] {
    let header = ["rank", "host", "cores", "SMT", "workers", "memory", "free", "GFLOP/s", "clock", "write", "fsync"]
    let rows = ranks.map { rank -> [String] in
      [
        "\(rank.rank)", rank.host, "\(rank.boundCores) of \(rank.cores)",
        rank.hardwareThreads > rank.cores ? "\(rank.hardwareThreads / rank.cores) a core" : "no",
        "\(rank.workers)", ByteText.of(rank.hostMemory), ByteText.of(rank.memory),
        rank.productRate.map { String(format: "%.0f", $0 / 1e9) } ?? "-",
        rank.rank == 0 ? "0" : Self.time(rank.clockSkew),
        rank.run?.writeRate.map { ByteText.of(Int($0)) + "/s" } ?? "-",
        rank.run?.syncTime.map(Self.time) ?? "-",
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        .trimmingTrailingSpaces()
    }
  }

  private var properties: [(String, (RankReport) -> String)] {
    [
      ("CPU", \.cpu), ("instruction set", Self.instructionSet), ("salad", \.version), ("oneDNN", \.oneDNN),
      ("BLAS", { $0.blas ?? "" }), ("MPI", \.mpi), ("transports", { $0.transports.joined(separator: ", ") }),
      ("interfaces", { $0.interfaces.map { "\($0.name) \($0.network)" }.joined(separator: ", ") }),
      ("interfaces in use", { $0.interfacesInUse.joined(separator: ", ") }), ("limits", Self.limits),
      ("control group", { $0.processorTime.map { "the time of \($0) cores" } ?? "" }),
      ("run", { $0.run.map { "\($0.path), \(ByteText.of($0.freeBytes ?? 0)) free" } ?? "" }),
      ("data", { $0.data.map { "\($0.path), \($0.images) images" } ?? "" }),
      ("fingerprint", { $0.data?.fingerprint ?? "" }),
    ]
  }

  /// `avx2, of avx512_bf16 that the CPU has`
  private static func instructionSet(_ rank: RankReport) -> String {
    let hasMore = !rank.bestLevel.isEmpty && !rank.instructionSet.hasPrefix(rank.bestLevel)
    return rank.instructionSet + (hasMore ? ", of \(rank.bestLevel) that the CPU has" : "")
  }

  private static func limits(_ rank: RankReport) -> String {
    let limits = rank.limits
    return [
      limits.addressSpace.map { "address space \(ByteText.of($0))" }, limits.data.map { "data \(ByteText.of($0))" },
      limits.fileSize.map { "file \(ByteText.of($0))" }, limits.openFiles.map { "\($0) open files" },
      limits.threads.map { "\($0) threads" },
    ].compactMap { $0 }.joined(separator: ", ")
  }

  private var sums: [String] {
    let latency = ranks.compactMap(\.allReduceLatency).max()
    let bandwidth = ranks.compactMap(\.allReduceBandwidth).min()
    guard let latency, let bandwidth else { return [] }
    return ["sum over all ranks: 8 bytes in \(Self.time(latency)), 64 MB at \(ByteText.of(Int(bandwidth)))/s"]
  }

  /// Such as `1.5 ms`.
  private static func time(_ seconds: Double) -> String {
    let (value, unit) =
      abs(seconds) < 1e-3 ? (seconds * 1e6, "us") : abs(seconds) < 1 ? (seconds * 1e3, "ms") : (seconds, "s")
    return String(format: abs(value) < 10 ? "%.1f %@" : "%.0f %@", value, unit)
  }
}

extension String {
  fileprivate func trimmingTrailingSpaces() -> String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
