import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

// The other global beside that of `Signals`, for the same reason. What it points to never changes and lives as long as
// the process.
private nonisolated(unsafe) let watched = Atomic<UnsafePointer<BusErrors.Watched>?>(nil)

/// The bus error of a mapped file, as a sentence.
///
/// A page may be gone when it is read: the file was cut short, its disk failed, its server forgot it. No call returns an
/// error then; the kernel sends SIGBUS, and all that a user sees is a dump.
public enum BusErrors {
  /// Made beforehand, since a signal's handler may neither allocate nor lock.
  fileprivate struct Watched {
    let addresses: Range<UInt>
    let sentence: UnsafeBufferPointer<UInt8>
    let status: Int32
  }

  /// From now on a bus error at these addresses ends this process with a line on standard error and an exit status. Any
  /// other bus error does what it does by default. Of several calls the last counts.
  public static func explain(at addresses: Range<UInt>, by sentence: String, status: Int32) {
    let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: sentence.utf8.count)
    _ = text.initialize(from: sentence.utf8)
    let new = UnsafeMutablePointer<Watched>.allocate(capacity: 1)
    new.initialize(to: Watched(addresses: addresses, sentence: UnsafeBufferPointer(text), status: status))
    watched.store(UnsafePointer(new), ordering: .releasing)

    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { _, information, _ in
      let address = UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
      if let watched = watched.load(ordering: .acquiring)?.pointee, watched.addresses.contains(address) {
        _ = write(STDERR_FILENO, watched.sentence.baseAddress, watched.sentence.count)
        _exit(watched.status)
      }
      // The instruction fails again, now without anyone to ask.
      signal(SIGBUS, SIG_DFL)
    }
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
  }
}
