#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What is piped into the program.
public enum StandardInput {
  /// All of it, to its end.
  ///
  /// - Parameter limit: most bytes that are read.
  /// - Returns: nil where there are more.
  /// - Throws: `SystemError`, or `StopRequest` when a signal comes while nobody writes.
  public static func read(limit: Int) throws -> [UInt8]? { try read(STDIN_FILENO, limit: limit) }

  static func read(_ descriptor: Int32, limit: Int) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // A writer may take its time; a signal does not wait for it.
      let ready = poll(&waiting, 1, 200)
      try Signals.throwIfReceived()
      if ready == 0 || ready < 0 && errno == EINTR { continue }
      #if canImport(Darwin)
        let count = Darwin.read(descriptor, &buffer, buffer.count)
      #else
        let count = Glibc.read(descriptor, &buffer, buffer.count)
      #endif
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count >= 0 else { throw SystemError(.read, "standard input", code: errno) }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else { return nil }
      bytes += buffer[..<count]
    }
  }
}
