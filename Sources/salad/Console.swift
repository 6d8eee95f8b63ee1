import Foundation
import SALAD

/// The two standard streams.
enum Console {
  /// Writes the result to standard output, whole.
  ///
  /// - Throws: `SaladError` 74 when it cannot be written.
  static func output(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw SaladError(.inputOutput, "standard output: the result cannot be written: \(error.localizedDescription)")
    }
  }

  /// Writes one line to standard error, whole: ranks write at the same time.
  static func complain(_ sentence: String) {
    FileHandle.standardError.write(Data("salad: \(sentence)\n".utf8))
  }
}
