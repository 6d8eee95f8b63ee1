import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The process's standard streams, which are never fatal.
///
/// What is said on standard error is written as far as it can be: a full disk, a closed pipe, a lost terminal or a pipe
/// that nobody reads loses sentences and nothing else. The result on standard output is written whole, or the error says
/// why not. No signal comes of either, and a pipe that a neighbour made non-blocking is waited for.
public enum StandardStreams {
  // The globals: descriptors belong to the process, and so does whether anybody reads them.
  private static let resultDescriptor = Mutex<Int32>(STDOUT_FILENO)
  private static let sentences = LossyStream(descriptor: STDERR_FILENO, patience: 1000)
  private static let quiet = Atomic(false)

  /// Once, before anything else is opened: keeps standard output for results alone.
  ///
  /// - Whatever a library prints to standard output goes to standard error from now on.
  /// - Of the descriptors 0, 1 and 2 those that were closed are opened on `/dev/null`, so that no file of ours gets their
  ///   number and a library's sentence in its midst; a result still fails where standard output was closed.
  /// - Broken pipes and files beyond their limit become errors of the writing call (`EPIPE`, `EFBIG`), not signals.
  public static func claim() {
    Signals.makeWritesFail()
    let wasClosed = fcntl(STDOUT_FILENO, F_GETFD) < 0
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is the one that is missing.
      _ = open("/dev/null", O_RDWR)
    }
    resultDescriptor.withLock { result in
      guard !wasClosed else {
        result = -1
        return
      }
      let kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
      guard kept >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else { return }
      result = kept
    }
  }

  /// Writes a part of the result to standard output, whole.
  public static func writeResult(_ text: String) throws(StreamError) {
    let descriptor = resultDescriptor.withLock { $0 }
    // Not for ever where nobody reads and a signal asks to stop.
    var code = EBADF
    if descriptor >= 0 {
      code = write(text, to: descriptor, patience: 500, asksFirst: true) { Signals.received == nil }
    }
    guard code == 0 else { throw StreamError(code: code) }
  }

  /// Writes to standard error, as far as that can be done.
  public static func say(_ text: String) { sentences.write(text) }

  /// Whether only what is wrong is to be said on standard error: no progress.
  public static var isQuiet: Bool { quiet.load(ordering: .relaxed) }

  /// Makes it so.
  public static func beQuiet() { quiet.store(true, ordering: .relaxed) }

  /// Whether somebody reads standard error on a terminal.
  public static var errorIsTerminal: Bool { isatty(STDERR_FILENO) != 0 }

  /// Columns of the terminal at standard error; nil where it is none, or does not say.
  public static var terminalWidth: Int? {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// write(2) until all is written.
  ///
  /// - Parameters:
  ///   - patience: milliseconds to wait for a pipe that is full, each time; negative: for ever.
  ///   - waitsOn: asked at the end of patience whether to wait on.
  ///   - asksFirst: poll(2) comes before each write, so that `patience` holds for descriptors that block as well.
  /// - Returns: 0, `EAGAIN` at the end of patience, or the errno of what ended it.
  static func write(
    _ text: String, to descriptor: Int32, patience: Int32, asksFirst: Bool = false, waitsOn: () -> Bool = { false }
  ) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      var asks = asksFirst
      while !rest.isEmpty {
        if asks {
          var code = wait(for: descriptor, patience: patience)
          while code == EAGAIN, waitsOn() { code = wait(for: descriptor, patience: patience) }
          if code != 0 { return code }
        }
        let count = systemWrite(descriptor, rest.baseAddress, asksFirst ? min(rest.count, page) : rest.count)
        if count >= 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
          asks = asksFirst
          continue
        }
        let code = errno
        switch code {
        case EINTR: continue
        case EAGAIN, EWOULDBLOCK: asks = true
        default: return code
        }
      }
      return 0
    }
  }

  /// So many bytes fit into a pipe of which poll(2) says that it takes something.
  private static let page = 4096

  /// poll(2) until a descriptor takes something: 0, `EAGAIN` when it does not in time, or an errno. What is wrong with
  /// the descriptor itself, the next write says.
  private static func wait(for descriptor: Int32, patience: Int32) -> Int32 {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // Again after a signal: a write that blocks must not come of one.
    while true {
      let ready = poll(&waiting, 1, patience)
      if ready >= 0 { return ready == 0 ? EAGAIN : 0 }
      if errno != EINTR { return errno }
    }
  }
}

/// A stream whose sentences may be lost, but hold nobody up, whether the descriptor blocks or not.
final class LossyStream: Sendable {
  private let descriptor: Int32
  private let patience: Int32
  /// Whether the last sentence was given up: the next ones wait for nothing, until one gets through.
  private let isStuck = Atomic(false)

  /// - Parameters:
  ///   - descriptor: closed by whoever opened it.
  ///   - patience: milliseconds that a sentence waits for a reader, each time.
  init(descriptor: Int32, patience: Int32) {
    self.descriptor = descriptor
    self.patience = patience
  }

  /// - Returns: 0, or the errno of what ended it.
  @discardableResult
  func write(_ text: String) -> Int32 {
    let isStuck = isStuck.load(ordering: .relaxed)
    let code = StandardStreams.write(text, to: descriptor, patience: isStuck ? 0 : patience, asksFirst: true)
    self.isStuck.store(code == EAGAIN, ordering: .relaxed)
    return code
  }
}

/// Why a result could not be written.
public struct StreamError: Error, CustomStringConvertible, Sendable, Equatable {
  /// An errno.
  public let code: Int32

  /// A signal asked to stop while nobody read.
  public var isStopped: Bool { code == EAGAIN }

  public var description: String {
    isStopped
      ? "a signal asked to stop while nobody read standard output: the result is not whole"
      : code == EBADF
        ? "standard output is closed: the result has no place to go"
        : "standard output: the result cannot be written: \(String(cString: strerror(code)))"
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  #if canImport(Darwin)
    Darwin.write(descriptor, bytes, count)
  #else
    Glibc.write(descriptor, bytes, count)
  #endif
}
