import Platform

/// Sentences for the person who started the command, on standard error of rank 0.
public struct Log: Sendable {
  private let isShown: Bool
  private let isTerminal: Bool

  /// - Parameter isShown: true on the one rank that speaks.
  public init(isShown: Bool) {
    self.isShown = isShown
    isTerminal = StandardStreams.errorIsTerminal
  }

  /// Writes `salad: SENTENCE`.
  public func note(_ sentence: String) {
    guard isShown else { return }
    let sentence = PlainText.of(sentence)
    guard isTerminal else { return StandardStreams.say("salad: \(sentence)\n") }
    // A progress bar may stand on the line.
    let lines = Self.wrapped("salad: \(sentence)", columns: StandardStreams.terminalWidth)
    StandardStreams.say("\r\u{1B}[K" + lines.map { $0 + "\n" }.joined())
  }

  /// Lines below so many columns (nil: any), broken between words; a longer word keeps a line of its own, so that a path
  /// can be copied.
  static func wrapped(_ sentence: String, columns: Int?) -> [String] {
    guard let columns, sentence.count >= columns else { return [sentence] }
    var lines: [String] = []
    for word in sentence.split(separator: " ", omittingEmptySubsequences: false) {
      if let last = lines.last, last.count + 1 + word.count < columns {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append((lines.isEmpty ? "" : "  ") + word)
      }
    }
    return lines
  }
}
