import Foundation
import MPI
import MemoryBank
import Platform
import SALAD
import Synchronization

/// What a verb works with on each rank.
final class Session: Sendable {
  let communicator: Communicator
  let watchdog: Watchdog
  let log: Log
  let host: HostResources

  /// Whether this rank has said that it has fewer workers than it should.
  private let hasSaidFewer = Mutex(false)

  init(communicator: Communicator, watchdog: Watchdog, log: Log, host: HostResources) {
    (self.communicator, self.watchdog, self.log, self.host) = (communicator, watchdog, log, host)
  }

  /// Threads of this rank: those asked for, or its part of the host's cores; fewer, with a warning, where the system allows
  /// no more. Local.
  func workers(_ asked: Int?) -> Int {
    let wanted = asked ?? host.workers
    let count = ThreadAllowance.workers(wanted)
    guard count < wanted else { return count }
    let isFirst = hasSaidFewer.withLock { said in
      defer { said = true }
      return !said
    }
    if isFirst {
      let place = communicator.size > 1 ? "rank \(communicator.rank) on \(Host.name): " : ""
      Console.complain(
        "\(place)\(count) worker\(count == 1 ? "" : "s") instead of \(wanted), since no more threads may be started: raise "
          + "ulimit -u or the container's limit of processes (pids.max), or give fewer --workers")
    }
    return count
  }
}

/// The one place where MPI starts and ends, and where the command decides how to exit.
enum Launch {
  /// Runs `body` on all ranks and ends all of them with the same status.
  ///
  /// A `SaladError` was agreed on by all ranks, and a `MemoryBankError` met them all: rank 0 says it, and all end in
  /// good order. Anything else happened to this rank alone: it says so and ends all of them at once.
  ///
  /// A signal ends all with 128 and its number, as if it had ended them at once, or with 75 where `--resume` goes on.
  ///
  /// - Parameters:
  ///   - timeout: seconds without progress after which the watchdog ends all ranks.
  ///   - writes: what the verb makes would be made by each of several processes that MPI does not connect: they refuse.
  ///   - resumes: whether `--resume` goes on where a signal stopped it.
  ///   - failure: what this rank failed of before MPI started, and others perhaps did not.
  ///   - threads: those that will call MPI.
  ///   - body: what the verb does.
  static func onAllRanks(
    timeout: Double, writes: Bool, resumes: Bool = false, failure: SaladError? = nil,
    threads: MPIEnvironment.Threads = .oneAtATime,
    _ body: (Session) throws -> ExitStatus
  ) -> Never {
    Allocation.explainFailures()
    Signals.listen()
    let launcher = Launcher()
    // Before MPI starts, which under srun without PMI would end this process with other words.
    var isAlone = judge(launcher.independence(worldSize: nil), writes: writes)
    let watchdog = Watchdog(rank: launcher.rank, host: Host.name, timeout: timeout)
    watchdog.enter("starting MPI", step: nil)
    watchdog.start()
    let environment: MPIEnvironment
    do {
      try MPIPrerequisites.provide()
      environment = try MPIEnvironment(threads: threads)
    } catch {
      let error = SaladError(error)
      Console.complain(error.description)
      exit(error.status.rawValue)
    }
    let communicator = environment.world
    if !isAlone { isAlone = judge(launcher.independence(worldSize: communicator.size), writes: writes) }
    watchdog.join(communicator)
    watchdog.enter("starting", step: nil)

    var status = ExitStatus.success
    var signal: Int32?
    do {
      let invocation = Invocation.current
      let log = Log(isShown: communicator.isRoot, verbosity: invocation.verbosity)
      try agree(communicator) { if let failure { throw failure } }  // all ranks
      let differences = try RankTraits(arguments: ["salad"] + invocation.words).compare(communicator)  // all ranks
      differences.warnings.forEach(log.warn)
      differences.notes.forEach(log.note)
      invocation.warnings.forEach(log.warn)
      for (flag, origin) in invocation.origins.sorted(by: { $0.key < $1.key }) {
        log.detail("\(flag) is from \(origin.place)")
      }
      let host = try HostResources(communicator: communicator)  // all ranks
      log.detail(
        "salad \(saladVersion) on \(communicator.size) rank\(communicator.size == 1 ? "" : "s"), process "
          + "\(Host.processNumber) on \(Host.name)")
      status = try body(Session(communicator: communicator, watchdog: watchdog, log: log, host: host))
      log.detail("ends with status \(status.rawValue)")
    } catch let error where error is SaladError || error is MemoryBankError {
      let error = SaladError(error)
      if communicator.isRoot { Console.complain(error.description) }
      status = error.status
      if status == .interrupted, !resumes {
        // The other ranks received none.
        signal = try? communicator.allReduce(Signals.received ?? 0, .max)  // all ranks
      }
    } catch {
      let error = SaladError((error as? LoneFailure)?.cause ?? error)
      guard communicator.size == 1 else {
        Console.complain("\(watchdog.whereabouts): \(error.description)")
        communicator.abort(error.status.rawValue)
      }
      Console.complain(error.description)
      status = error.status
    }

    watchdog.enter("leaving MPI", step: nil)
    do {
      try environment.finalize()  // all ranks
    } catch {
      Console.complain("\(watchdog.whereabouts): \(error)")
      exit(ExitStatus.internalError.rawValue)
    }
    exit(signal.map { 128 + $0 } ?? status.rawValue)
  }

  /// Says that other processes do the same work, and ends this one where it would write what they write.
  ///
  /// - Returns: whether there was something to say.
  static func judge(_ independence: String?, writes: Bool) -> Bool {
    guard let independence else { return false }
    Console.complain(independence)
    if writes { exit(ExitStatus.usage.rawValue) }
    return true
  }

  /// Whether this process says what is wrong with the command line.
  static var speaks: Bool { Launcher().speaks }
}
