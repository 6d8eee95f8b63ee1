import Foundation
import MPI
import MemoryBank
import Platform
import SALAD

/// What a verb works with on each rank.
struct Session {
  let communicator: Communicator
  let watchdog: Watchdog
  let log: Log
  let host: HostResources

  /// Threads of this rank: those asked for, or its part of the host's cores.
  func workers(_ asked: Int?) -> Int { asked ?? host.workers }
}

/// The one place where MPI starts and ends, and where the command decides how to exit.
enum Launch {
  /// Runs `body` on all ranks and ends all of them with the same status.
  ///
  /// A `SaladError` was agreed on by all ranks, and a `MemoryBankError` met them all: rank 0 says it, and all end in
  /// good order. Anything else happened to this rank alone: it says so and ends all of them at once.
  ///
  /// - Parameter timeout: seconds without progress after which the watchdog ends all ranks.
  static func onAllRanks(timeout: Double, _ body: (Session) throws -> ExitStatus) -> Never {
    let environment: MPIEnvironment
    do {
      environment = try MPIEnvironment()
    } catch {
      Console.complain("\(error)")
      exit(ExitStatus.internalError.rawValue)
    }
    let communicator = environment.world
    let watchdog = Watchdog(communicator: communicator, host: environment.processorName, timeout: timeout)
    watchdog.start()

    var status = ExitStatus.success
    do {
      let log = Log(isShown: communicator.isRoot)
      try RankTraits(arguments: CommandLine.arguments).compare(communicator).forEach(log.note)  // all ranks
      let host = try HostResources(communicator: communicator)  // all ranks
      status = try body(Session(communicator: communicator, watchdog: watchdog, log: log, host: host))
    } catch let error where error is SaladError || error is MemoryBankError {
      let error = SaladError(error)
      if communicator.isRoot { Console.complain(error.description) }
      status = error.status
    } catch {
      let error = SaladError((error as? LoneFailure)?.cause ?? error)
      guard communicator.size == 1 else {
        Console.complain("\(watchdog.whereabouts): \(error.description)")
        communicator.abort(error.status.rawValue)
      }
      Console.complain(error.description)
      status = error.status
    }

    watchdog.enter("ending", step: nil)
    do {
      try environment.finalize()  // all ranks
    } catch {
      Console.complain("\(watchdog.whereabouts): \(error)")
      exit(ExitStatus.internalError.rawValue)
    }
    exit(status.rawValue)
  }

  /// Whether this process is the one that speaks before MPI has started: rank 0 as the launcher numbers it.
  static var speaks: Bool {
    let ranks = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"].compactMap(Host.variable)
    return (ranks.first ?? "0") == "0"
  }
}
