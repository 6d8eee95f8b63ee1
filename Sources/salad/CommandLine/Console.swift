import Platform
import SALAD

/// The two standard streams.
enum Console {
  /// Writes a part of the result to standard output, whole.
  ///
  /// - Throws: `SaladError` 74 when it cannot be written, 75 when a signal came while nobody read it.
  static func output(_ text: String) throws {
    do {
      try StandardStreams.writeResult(text)
    } catch {
      throw SaladError(error.isStopped ? .interrupted : .inputOutput, error.description)
    }
  }

  /// Writes one line to standard error, whole: ranks write at the same time.
  static func complain(_ sentence: String) { complain(lines: PlainText.of(sentence)) }

  /// Writes lines that are to stay lines.
  static func complain(lines: String) {
    let lines = lines.split(separator: "\n", omittingEmptySubsequences: false).map { PlainText.of(String($0)) }
    StandardStreams.say("salad: \(lines.joined(separator: "\n"))\n")
  }
}
