import CAllocation
import Platform
import SALAD

/// What becomes of an allocation that fails, whoever wanted it.
enum Allocation {
  /// From now on it ends this process with a sentence and status 74, not with a dump; mpirun ends the other ranks then.
  static func explainFailures() {
    // Few heaps: each takes 64 MB of addresses, whatever it holds. Without a limit, many are faster.
    if MemoryLimit.ofThisProcess != nil { allocation_keep_few_heaps() }
    allocation_on_failure { wanted in
      let error = SaladError(MemoryError(wanted: Int(clamping: wanted)))
      StandardStreams.say("salad: \(error.description)\n")
      Host.endProcess(error.status.rawValue)
    }
  }
}
