import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

// The one global: a signal's disposition belongs to the process, and its handler can reach nothing else.
private let receivedSignal = Atomic<Int32>(0)

/// A signal asked this process to stop: what work of many items throws between two of them.
public struct StopRequest: Error, CustomStringConvertible, Sendable, Equatable {
  public let signal: String

  public var description: String { "\(signal) asked to stop" }
}

/// Signals as a wish to stop at the end of the item, such as a step or an image: SIGUSR1, SIGTERM, SIGINT, a lost terminal's SIGHUP, and SIGXCPU and
/// SIGXFSZ of limits that are reached.
public enum Signals {
  /// From now on they are noted instead of ending the process; a second SIGINT ends it at once. A SIGHUP that is ignored, as
  /// `nohup` has it, stays ignored, and so does a SIGXFSZ.
  public static func listen() {
    for signal in [SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGXCPU, SIGXFSZ] {
      if signal == SIGHUP || signal == SIGXFSZ, isIgnored(signal) { continue }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in receivedSignal.store(number, ordering: .relaxed) }
      // A system call that a signal interrupts goes on.
      action.sa_flags = SA_RESTART | (signal == SIGINT ? Int32(bitPattern: UInt32(SA_RESETHAND)) : 0)
      sigaction(signal, &action, nil)
    }
  }

  /// Broken pipes and files beyond their limit become errors of the call that writes (`EPIPE`, `EFBIG`).
  static func makeWritesFail() {
    signal(SIGPIPE, SIG_IGN)
    // A handler that does nothing, so that `listen` can tell it from what whoever started this has ignored.
    if !isIgnored(SIGXFSZ) { signal(SIGXFSZ) { _ in } }
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    // Handlers are compared as addresses: SIG_IGN is 1.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Throws where this process was asked to stop: between two items of long work that would be begun anew.
  public static func throwIfReceived() throws(StopRequest) {
    if let name = receivedName { throw StopRequest(signal: name) }
  }

  /// The signal that this rank received, nil when none.
  public static var received: Int32? {
    let signal = receivedSignal.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }

  /// `SIGTERM`; nil when none was received.
  public static var receivedName: String? {
    received.map { signal in
      let names = [
        SIGUSR1: "SIGUSR1", SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGHUP: "SIGHUP", SIGXCPU: "SIGXCPU",
        SIGXFSZ: "SIGXFSZ",
      ]
      return names[signal] ?? "signal \(signal)"
    }
  }
}
