#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the system refused: which operation, on what, and why.
///
/// Its sentence is `PATH: cannot be written: No space left on device`; callers with other words take its parts.
public struct SystemError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was to happen, as the end of "cannot be ...".
  public enum Operation: String, Sendable {
    case openForReading = "opened"
    case openForWriting = "created"
    case openForLocking = "opened for locking"
    case read, written
    case examine = "examined"
    case list = "listed"
    case synchronise = "written to the disk"
    case shorten = "shortened"
    case lock = "locked"
    case map = "mapped into memory"
    case makeFolder = "made"
    case move = "moved"
    case permit = "given its permissions"
    case remove = "removed"
    case close = "closed"
    case startThread = "started"
    case startProgram = "run"
    case listen = "listened at"
  }

  public let operation: Operation
  public let path: String
  /// An `errno`.
  public let code: Int32
  /// What was found where a file was expected: `a pipe`. nil: the system itself refused.
  public let found: String?

  public init(_ operation: Operation, _ path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
    found = nil
  }

  init(_ operation: Operation, _ path: String, found: FileStatus) {
    self.operation = operation
    self.path = path
    self.found = found.kindInWords
    code = found.kind == .folder ? EISDIR : EINVAL
  }

  /// The system's words: `No space left on device`; or ours, `expected a file, found a pipe`.
  public var reason: String { found.map { "expected a file, found \($0)" } ?? String(cString: strerror(code)) }

  public var description: String {
    found == nil ? "\(path): cannot be \(operation.rawValue): \(reason)" : "\(path): \(reason)"
  }

  public var isMissing: Bool { code == ENOENT }
  public var isForbidden: Bool { code == EACCES || code == EPERM }

  /// The one place where a return code becomes an error. A call that a signal interrupted is made again.
  ///
  /// - Parameter call: a system call, negative when it fails.
  @discardableResult
  static func check<Code: SignedInteger>(
    _ operation: Operation, _ path: String, _ call: () -> Code
  ) throws(SystemError) -> Code {
    while true {
      let result = call()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw SystemError(operation, path, code: code) }
    }
  }
}
