import MPI
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

// The one global: a signal's disposition belongs to the process, and its handler can reach nothing else.
private let receivedSignal = Atomic<Int32>(0)

/// SIGUSR1, SIGTERM and SIGINT as a wish to stop at the end of the step.
public enum Signals {
  /// From now on they are noted instead of ending the process; a second SIGINT ends it at once.
  public static func listen() {
    for signal in [SIGUSR1, SIGTERM, SIGINT] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in receivedSignal.store(number, ordering: .relaxed) }
      // A system call that a signal interrupts goes on.
      action.sa_flags = SA_RESTART | (signal == SIGINT ? Int32(bitPattern: UInt32(SA_RESETHAND)) : 0)
      sigaction(signal, &action, nil)
    }
  }

  /// The signal that this rank received, nil when none.
  public static var received: Int32? {
    let signal = receivedSignal.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }
  /// All ranks. Whether any of them received a signal: the same answer on all.
  static func anyRankReceivedOne(_ communicator: Communicator) throws -> Bool {
    try communicator.allReduce(UInt8(received == nil ? 0 : 1), .max) > 0  // all ranks
  }
}
