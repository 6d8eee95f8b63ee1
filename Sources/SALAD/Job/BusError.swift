import MPI
import Platform
import Safetensors
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

// The other global beside that of `Signals`, for the same reason. What it points to never changes and lives as long as
// the process.
private nonisolated(unsafe) let watched = Atomic<UnsafePointer<BusError.Watched>?>(nil)

/// The bus error of a mapped file, as a sentence.
///
/// A page may be gone when it is read: the file was cut short, its disk failed, its server forgot it. No call returns an
/// error then; the kernel sends SIGBUS, and all that a user sees is a dump.
enum BusError {
  /// Made beforehand, since a signal's handler may neither allocate nor lock.
  fileprivate struct Watched {
    let addresses: Range<UInt>
    let sentence: UnsafeBufferPointer<UInt8>
  }

  /// From now on a bus error in these floats ends this process with a sentence and status 74, and mpirun ends the other
  /// ranks. Any other bus error does what it does by default.
  ///
  /// Of several calls the last counts: a command scores with one bank.
  static func explain(in floats: MappedFloats, _ communicator: Communicator) {
    let place = communicator.size > 1 ? "rank \(communicator.rank) on \(Host.name): " : ""
    let sentence =
      "salad: \(place)\(floats.path): expected \(floats.count) floats as long as they are in use, found some gone: the file "
      + "was cut short, or what stores it failed\n"
    let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: sentence.utf8.count)
    _ = text.initialize(from: sentence.utf8)
    let first = floats.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    let addresses = first..<first + UInt(floats.count * MemoryLayout<Float>.stride)
    let new = UnsafeMutablePointer<Watched>.allocate(capacity: 1)
    new.initialize(to: Watched(addresses: addresses, sentence: UnsafeBufferPointer(text)))
    watched.store(UnsafePointer(new), ordering: .releasing)

    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { _, information, _ in
      let address = UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
      if let watched = watched.load(ordering: .acquiring)?.pointee, watched.addresses.contains(address) {
        _ = write(STDERR_FILENO, watched.sentence.baseAddress, watched.sentence.count)
        _exit(ExitStatus.inputOutput.rawValue)
      }
      // The instruction fails again, now without anyone to ask.
      signal(SIGBUS, SIG_DFL)
    }
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
  }
}
