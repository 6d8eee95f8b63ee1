import Foundation
import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The cores and the memory of this host, and this rank's part of them.
public struct HostResources: Sendable {
  /// Ranks on this host.
  public let ranks: Int
  /// Cores in the union of its ranks' affinity masks: what mpirun bound them to.
  public let boundCores: Int
  /// Cores that whoever started this process may use, at least `boundCores`.
  public let allowedCores: Int
  /// Bytes that this rank may take of the memory that was free at the start.
  public let memory: Int

  /// All ranks.
  public init(communicator: Communicator) throws {
    let host = try communicator.splitByHost()  // all ranks
    var mask = Self.affinityMask(of: "self")
    try host.allReduce(&mask, .max)  // all ranks of a host
    ranks = host.size
    let bound = mask.count { $0 != 0 }
    boundCores = bound > 0 ? bound : ProcessInfo.processInfo.activeProcessorCount
    allowedCores = max(boundCores, Self.affinityMask(of: "\(getppid())").count { $0 != 0 })
    memory = Self.availableMemory() / host.size
  }

  /// Worker threads by default: the host's bound cores shared by its ranks, at least 1.
  public var workers: Int { max(1, boundCores / ranks) }

  /// Sentences for standard error about cores that will stay idle, none when all is well.
  ///
  /// - Parameters:
  ///   - workers: of each rank.
  ///   - ranksInAll: over all hosts.
  ///   - microBatches: in a step, B / m; nil when scoring.
  public func warnings(workers: Int, ranksInAll: Int, microBatches: Int?) -> [String] {
    var warnings: [String] = []
    if let microBatches, workers * ranksInAll > microBatches {
      warnings.append(
        "\(ranksInAll) x \(workers) workers are more than the \(microBatches) micro-batches of a step, "
          + "the others stay idle: raise --batch-size")
    }
    if allowedCores > boundCores, workers * ranks < allowedCores {
      warnings.append(
        "mpirun bound the \(ranks) rank\(ranks == 1 ? "" : "s") of this host to \(boundCores) of \(allowedCores) cores, "
          + "the others stay idle: give mpirun --bind-to none")
    }
    return warnings
  }

  /// One byte a core, 1 where the process may run; none when the kernel does not say.
  ///
  /// - Parameter process: its folder in /proc.
  private static func affinityMask(of process: String) -> [UInt8] {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let list = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
      .flatMap { $0.split(whereSeparator: \.isWhitespace).last }
    var mask = [UInt8](repeating: 0, count: mostCores)
    for core in cores(list: String(list ?? "")) where core < mostCores { mask[core] = 1 }
    return mask
  }

  private static let mostCores = 8192

  /// Cores of a list as Linux writes it: `0-2,5` is 0, 1, 2 and 5.
  static func cores(list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// Bytes of this process's memory that are in use, 0 where the kernel does not say.
  static func residentMemory() -> Int {
    let numbers = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return numbers.count > 1 ? (Int(numbers[1]) ?? 0) * Int(getpagesize()) : 0
  }

  /// Bytes free on this host: what the kernel says, or less where a control group says so.
  private static func availableMemory() -> Int {
    let lines = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let available = lines.first { $0.hasPrefix("MemAvailable:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }
      .flatMap { Int($0) }
      .map { $0 * 1024 }
    return min(available ?? 4 << 30, controlGroupMemory())
  }

  /// Bytes that this process's control groups still allow, the largest number where none says.
  private static func controlGroupMemory() -> Int {
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8))?.split(separator: "\n") ?? []
    return groups.map { line -> Int in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains("memory") else { return .max }
      // Version 2 has one hierarchy for all; version 1 one for memory, with other names.
      let isSecond = parts[1].isEmpty
      let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      let names =
        isSecond ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes")
      // A container sees its own group as the root, under a path that does not exist there; limits above count, too.
      var (folder, least) = (String(parts[2]), Int.max)
      while true {
        if let limit = number("\(root)\(folder)/\(names.0)") {
          let used = (number("\(root)\(folder)/\(names.1)") ?? 0) - reclaimable("\(root)\(folder)/memory.stat")
          least = min(least, max(0, limit - max(0, used)))
        }
        guard !folder.isEmpty else { return least }
        folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
      }
    }.min() ?? .max
  }

  /// The number that a file consists of; nil where there is none, such as `max`.
  private static func number(_ path: String) -> Int? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int($0.prefix { $0.isNumber }) }
  }

  /// Bytes of files in memory that a group gives up when it needs room.
  private static func reclaimable(_ path: String) -> Int {
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.first { $0.hasPrefix("inactive_file ") }.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
  }
}
