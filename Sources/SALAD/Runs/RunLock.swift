#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An exclusive fcntl lock on a file, which the kernel releases when the process ends, however it ends.
///
/// The file itself stays: removing it would let two jobs hold locks on two files of one name.
struct RunLock: ~Copyable, Sendable {
  private let file: OpenFile

  /// Waits for the lock, then writes who holds it into the file.
  ///
  /// - Parameters:
  ///   - path: the lock's file, made where it is missing. No other code may open it: closing any descriptor of a file
  ///     drops the process's locks on it.
  ///   - seconds: how long to wait before giving up.
  /// - Throws: `SaladError` 64 naming the holder when it does not let go.
  init(path: String, waiting seconds: Double) throws {
    let file = try OpenFile(path, O_RDWR | O_CREAT, "opened for locking")
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      lock.l_whence = Int16(SEEK_SET)
      if fcntl(file.descriptor, F_SETLK, &lock) == 0 { break }
      let code = errno
      guard code == EAGAIN || code == EACCES || code == EINTR else {
        throw SaladError(.inputOutput, "\(path): cannot be locked: \(String(cString: strerror(code)))")
      }
      guard ContinuousClock.now < deadline else {
        var holder: [UInt8] = []
        try file.readChunks { holder += $0 }
        let who = holder.isEmpty ? "another job" : String(decoding: holder, as: UTF8.self)
        throw SaladError(
          .usage,
          "\(FileSystem.folder(of: path)): expected a run that no other job is working on, found it locked by "
            + "\(who): wait for its end, or choose another folder")
      }
      usleep(100_000)
    }
    try file.truncate(to: 0)
    try Array("process \(FileSystem.processNumber) on \(FileSystem.hostName)".utf8)
      .withUnsafeBytes { try file.write($0) }
    self.file = file
  }
}
