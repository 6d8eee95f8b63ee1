import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Sentences for the person who started the command, on standard error of rank 0.
public struct Log: Sendable {
  private let isShown: Bool
  private let isTerminal: Bool

  /// - Parameter isShown: true on the one rank that speaks.
  public init(isShown: Bool) {
    self.isShown = isShown
    isTerminal = isatty(STDERR_FILENO) != 0
  }

  /// Writes `salad: SENTENCE`.
  public func note(_ sentence: String) {
    guard isShown else { return }
    // On a terminal a progress bar may stand on the line.
    FileHandle.standardError.write(Data(((isTerminal ? "\r\u{1B}[K" : "") + "salad: \(sentence)\n").utf8))
  }
}
