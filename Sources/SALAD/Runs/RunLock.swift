import Platform

/// An exclusive lock on a file, which the kernel releases when the process ends, however it ends.
///
/// The file itself stays: removing it would let two jobs hold locks on two files of one name.
struct RunLock: ~Copyable, Sendable {
  private let file: FileDescriptor

  /// How this process calls itself.
  static var holder: String { "process \(Host.processNumber) on \(Host.name)" }

  /// Waits for the lock, then writes who holds it into the file.
  ///
  /// - Parameters:
  ///   - path: the lock's file, made where it is missing. No other code may open it: closing any descriptor of a file
  ///     drops the process's locks on it.
  ///   - seconds: how long to wait before giving up.
  /// - Throws: `SaladError` 64 naming the holder when it does not let go.
  init(path: String, waiting seconds: Double) throws {
    file = try FileSystem.translating {
      let file = try FileDescriptor(path, for: .locking)
      let deadline = ContinuousClock.now + .seconds(seconds)
      while try !file.tryLock() {
        guard ContinuousClock.now < deadline else {
          let holder = try file.readAll()
          let who = holder.isEmpty ? "another job" : String(decoding: holder, as: UTF8.self)
          throw SaladError(
            .usage,
            "\(Files.folder(of: path)): expected a run that no other job is working on, found it locked by "
              + "\(who): wait for its end, or choose another folder")
        }
        try Signals.throwIfReceived()
        Host.pause(microseconds: 100_000)
      }
      try file.truncate(to: 0)
      try file.write(Array(Self.holder.utf8))
      return file
    }
  }
}
