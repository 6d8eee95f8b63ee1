import MPI
import Platform

/// The cores and the memory of this host, and this rank's part of them.
public struct HostResources: Sendable {
  /// Ranks on this host.
  public let ranks: Int
  /// Cores, not hardware threads, in the union of its ranks' affinity masks: what mpirun bound them to.
  public let boundCores: Int
  /// Cores that whoever started this process may use, at least `boundCores`.
  public let allowedCores: Int
  /// Cores that its ranks can keep busy: those they are bound to, or fewer where a control group gives them less time.
  public let usableCores: Int
  /// Bytes that this rank may take of the memory that was free at the start.
  public let memory: Int
  /// What leaves a process less than its part of the host; nil where nothing does.
  public let memoryLimit: MemoryLimit?

  /// All ranks.
  public init(communicator: Communicator) throws {
    let host = try communicator.splitByHost()  // all ranks
    var mask = Self.affinityMask(of: "self")
    try host.allReduce(&mask, .max)  // all ranks of a host
    let quota = try host.allReduce(Int64(ControlGroups().cores ?? Self.mostThreads), .min)  // all ranks of a host
    ranks = host.size
    let bound = Self.cores(of: mask)
    boundCores = bound > 0 ? bound : Host.activeCores
    allowedCores = max(boundCores, Self.cores(of: Self.affinityMask(of: "\(Host.parentNumber)")))
    usableCores = max(1, min(boundCores, Int(quota)))
    let share = Host.availableMemory / host.size
    memoryLimit = MemoryLimit.ofThisProcess.flatMap { $0.left < share ? $0 : nil }
    memory = memoryLimit?.left ?? share
  }

  /// Worker threads by default: the host's usable cores shared by its ranks, at least 1.
  public var workers: Int { max(1, usableCores / ranks) }

  /// Sentences for standard error about cores that will stay idle, none when all is well.
  ///
  /// - Parameters:
  ///   - workers: of each rank.
  ///   - threads: of each worker.
  ///   - ranksInAll: over all hosts.
  ///   - microBatches: in a step, B / m; nil when scoring.
  public func warnings(workers: Int, threads: Int = 1, ranksInAll: Int, microBatches: Int?) -> [String] {
    var warnings: [String] = []
    if let microBatches, workers * ranksInAll > microBatches {
      warnings.append(
        "\(ranksInAll) x \(workers) workers are more than the \(microBatches) micro-batches of a step, "
          + "the others stay idle: raise --batch-size, or let several compute one (--threads-per-micro-batch)")
    }
    if threads > 1, workers * threads * ranks > usableCores {
      warnings.append(
        "\(workers) x \(threads) threads of each of \(ranks) rank\(ranks == 1 ? "" : "s") take turns on the \(usableCores) "
          + "core\(usableCores == 1 ? "" : "s") of this host: give fewer --workers or --threads-per-micro-batch")
    }
    // Where a control group has less time for them than they are, binding takes nothing away.
    if allowedCores > boundCores, usableCores == boundCores, workers * threads * ranks < allowedCores {
      warnings.append(
        "mpirun bound the \(ranks) rank\(ranks == 1 ? "" : "s") of this host to \(boundCores) of \(allowedCores) cores, "
          + "the others stay idle: give mpirun --bind-to none")
    }
    return warnings
  }

  /// One byte a hardware thread, 1 where the process may run; none when the kernel does not say.
  ///
  /// - Parameter process: its folder in /proc.
  private static func affinityMask(of process: String) -> [UInt8] {
    var mask = [UInt8](repeating: 0, count: mostThreads)
    // Some kernels list them all, whatever the control group.
    let group = ControlGroups(process: process).hardwareThreads.map(Set.init)
    for thread in Host.hardwareThreads(of: process) where thread < mostThreads && group?.contains(thread) ?? true {
      mask[thread] = 1
    }
    return mask
  }

  private static func cores(of mask: [UInt8]) -> Int { Cores.physical(of: mask.indices.filter { mask[$0] != 0 }) }

  private static let mostThreads = 8192
}
