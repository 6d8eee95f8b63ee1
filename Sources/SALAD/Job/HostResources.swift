import MPI
import Platform

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
    boundCores = bound > 0 ? bound : Host.activeCores
    allowedCores = max(boundCores, Self.affinityMask(of: "\(Host.parentNumber)").count { $0 != 0 })
    memory = Host.availableMemory / host.size
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
    var mask = [UInt8](repeating: 0, count: mostCores)
    for core in Host.cores(of: process) where core < mostCores { mask[core] = 1 }
    return mask
  }

  private static let mostCores = 8192
}
