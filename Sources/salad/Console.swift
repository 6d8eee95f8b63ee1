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
  static func complain(_ sentence: String) {
    StandardStreams.say("salad: \(sentence)\n")
  }
}
