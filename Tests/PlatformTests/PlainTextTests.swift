import Testing

@testable import Platform

@Suite("Plain text")
struct PlainTextTests {
  @Test(
    "What a terminal would obey is spelled out, and nothing else",
    arguments: [
      ("train/good/ü \u{E9}e\u{301} 日本 🩻.png", "train/good/ü \u{E9}e\u{301} 日本 🩻.png"),
      ("a\nb\r\n\tc", "a\\nb\\r\\n\\tc"),
      ("\u{1B}[2J\u{1B}]0;x\u{7}", "\\u{1B}[2J\\u{1B}]0;x\\u{7}"),
      ("\u{7F}\u{9B}31m\u{A0}", "\\u{7F}\\u{9B}31m\u{A0}"),
      ("a\u{202E}gnp.exe\u{2028}b\u{2069}", "a\\u{202E}gnp.exe\\u{2028}b\\u{2069}"),
      // A mark joins a line break as one Character.
      ("x\n\u{301}", "x\\n\u{301}"),
      ("back\\slash", "back\\slash"),
    ])
  func spelled(text: String, shown: String) {
    #expect(Array(PlainText.of(text).utf8) == Array(shown.utf8))
  }
}
