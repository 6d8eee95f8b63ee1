#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A program that works for this one, at the other end of a socket: it may crash or hang, and nothing of this process goes
/// with it.
///
///     let child = try ChildProcess(Host.ownProgram, ["decode-child"])
///     try child.write(question, until: .now + .seconds(10))
///     let answer = try child.read(count: 16, until: .now + .seconds(10))
///     child.end()
///
/// The child has the socket as descriptor `ChildProcess.descriptor`, nothing on standard input, and nobody who reads what it
/// says. It ends when its last reader here is gone. One thread at a time uses it.
public final class ChildProcess: @unchecked Sendable {
  // @unchecked: see above.

  /// Where the child finds its end of the socket.
  public static let descriptor: Int32 = 3

  /// Its process id.
  public let number: Int32
  private var socket: Int32
  private var hasEnded = false

  /// Why a child gave no answer.
  public enum Fault: Error, Sendable, Equatable {
    /// It closed its end: it crashed, was killed, or left.
    case gone
    /// It took longer than it may.
    case late
  }

  /// Starts it: posix_spawn(3).
  ///
  /// - Parameters:
  ///   - program: the path of an executable.
  ///   - arguments: without the program's name.
  ///   - variables: of the environment, beside this process's.
  public init(_ program: String, _ arguments: [String], variables: [String: String] = [:]) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Darwin)
      let kind = SOCK_STREAM
    #else
      let kind = Int32(SOCK_STREAM.rawValue)
    #endif
    try SystemError.check(.startProgram, program) { socketpair(AF_UNIX, kind, 0, &ends) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // The parent never waits for ever.
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    defer { close(ends[1]) }
    let (number, code) = Self.spawn(program, arguments, variables, socket: ends[1])
    guard code == 0 else {
      close(ends[0])
      throw SystemError(.startProgram, program, code: code)
    }
    self.number = number
    socket = ends[0]
  }

  deinit { end() }

  private static func spawn(
    _ program: String, _ arguments: [String], _ variables: [String: String], socket: Int32
  ) -> (number: Int32, code: Int32) {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    // In this order: dup2 of a descriptor onto itself would leave it to be closed at exec.
    let high = fcntl(socket, F_DUPFD_CLOEXEC, descriptor + 1)
    defer { close(high) }
    posix_spawn_file_actions_adddup2(&actions, high, descriptor)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    // A group of its own: Ctrl-C at the terminal is the parent's to answer. No signal stays blocked or ignored.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    #if canImport(Darwin)
      let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    #else
      let flags = Int32(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)
    #endif
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var settings =
      Host.variables.merging(variables) { _, given in given }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (words + settings).forEach { free($0) } }
    var number: pid_t = 0
    let code = posix_spawn(&number, program, &actions, &attributes, &words, &settings)
    return (number, code)
  }

  // MARK: - Talking

  /// send(2) until all bytes are written.
  public func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(Fault) {
    #if canImport(Darwin)
      let flags: Int32 = 0
    #else
      let flags = Int32(MSG_NOSIGNAL)
    #endif
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { send(socket, $0.baseAddress! + done, bytes.count - done, flags) }
      if count > 0 { done += count } else { try wait(for: POLLOUT, until: deadline) }
    }
  }

  /// recv(2) until so many bytes are there.
  public func read(count: Int, until deadline: ContinuousClock.Instant) throws(Fault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let part = bytes.withUnsafeMutableBytes { recv(socket, $0.baseAddress! + done, count - done, 0) }
      if part > 0 { done += part } else if part == 0 { throw .gone } else { try wait(for: POLLIN, until: deadline) }
    }
    return bytes
  }

  /// poll(2), after a call that failed.
  private func wait(for event: Int32, until deadline: ContinuousClock.Instant) throws(Fault) {
    let code = errno
    if code == EINTR { return }
    guard code == EAGAIN || code == EWOULDBLOCK else { throw .gone }
    let left = deadline - .now
    guard left > .zero else { throw .late }
    let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
    var request = pollfd(fd: socket, events: Int16(event), revents: 0)
    _ = poll(&request, 1, Int32(clamping: milliseconds))
  }

  /// Ends it, kill(2), and waits until it is gone.
  ///
  /// - Returns: how it ended, for a sentence: `was ended by signal 9 (Killed)`. What had crashed before says so.
  @discardableResult
  public func end() -> String {
    guard !hasEnded else { return "has ended" }
    hasEnded = true
    close(socket)
    var status: Int32 = 0
    // Who has crashed needs a moment to be gone, and its own end tells more than ours.
    var found = waitpid(number, &status, WNOHANG)
    for _ in 0..<50 where found == 0 {
      usleep(1000)
      found = waitpid(number, &status, WNOHANG)
    }
    if found == 0 { kill(number, SIGKILL) }
    while found == 0 || (found < 0 && errno == EINTR) { found = waitpid(number, &status, 0) }
    let signal = status & 0x7f
    return signal == 0
      ? "left with status \((status >> 8) & 0xff)"
      : "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
  }
}
