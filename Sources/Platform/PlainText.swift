/// Text that a terminal shows and does not obey.
///
/// A file may be called anything: a line break in its name makes two lines of a sentence, an escape sequence paints,
/// renames the window or hides what came before it.
public enum PlainText {
  /// The text on one line: what a terminal would obey stands as `\n`, `\t`, `\r` or `\u{1B}`.
  ///
  ///     PlainText.of("a\nb\u{1B}[2J.png")   // a\nb\u{1B}[2J.png, letter by letter
  ///
  /// Control characters (C0, DEL, C1), separators of lines and paragraphs, and what turns the direction of writing, by which
  /// `gnp.exe` looks like `exe.png`. All others stay as they are.
  public static func of(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isObeyed) else { return text }
    var shown = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": shown += "\\n"
      case "\t": shown += "\\t"
      case "\r": shown += "\\r"
      case _ where isObeyed(scalar): shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
