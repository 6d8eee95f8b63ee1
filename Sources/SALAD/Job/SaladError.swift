/// How `salad` ends, after sysexits.h.
public enum ExitStatus: Int32, Sendable, Codable {
  case success = 0
  /// Flags, sizes, another configuration or version, a run that already exists.
  case usage = 64
  /// Missing, empty or unreadable data; a damaged shard; another fingerprint.
  case badData = 65
  /// Numbers that are not finite, a stuck collective, a defect.
  case internalError = 70
  /// No room, read-only, or any other failure to read or write.
  case inputOutput = 74
  /// Stopped by a signal with a checkpoint saved.
  case interrupted = 75
}

/// An error that ends the command: one sentence that says what to do next, and the exit status.
public struct SaladError: Error, CustomStringConvertible, Sendable {
  public let status: ExitStatus
  public let description: String

  public init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }
}
