import Testing

@testable import Pages

@Suite("HTML")
struct HTMLTests {
  @Test("Text is escaped, markup is not")
  func escaping() {
    let name = "<img src=x onerror='alert(\"1\")'>&amp;.png"
    let cell: HTML = "<td title=\"\(name)\">\(name)</td>"
    let text = "&lt;img src=x onerror=&#39;alert(&quot;1&quot;)&#39;&gt;&amp;amp;.png"
    #expect(cell.markup == "<td title=\"\(text)\">\(text)</td>")
    #expect(("<p>\(cell)</p>" as HTML).markup == "<p>\(cell.markup)</p>")
    #expect(("\([cell, cell])\(3)" as HTML).markup == cell.markup + cell.markup + "3")
  }

  @Test(
    "What a browser or an XML parser would stumble over is words",
    arguments: [
      ("a\u{0}b\u{1B}[2J", "a\\u{0}b\\u{1B}[2J"), ("a\nb\tc", "a\\nb\\tc"), ("gnp\u{202E}.exe", "gnp\\u{202E}.exe"),
      ("\u{FFFE}\u{FFFF}", "\u{FFFD}\u{FFFD}"), ("\u{85}\u{2028}", "\\u{85}\\u{2028}"), ("Ä \u{1F600}", "Ä \u{1F600}"),
    ])
  func obeyed(text: String, shown: String) { #expect(HTML(text: text).markup == shown) }

  @Test("A combining mark behind a sign hides it from nobody")
  func combining() {
    // `<` and a mark are one Character.
    #expect(HTML(text: "<\u{338}b>\u{301}").markup == "&lt;\u{338}b&gt;\u{301}")
  }
}
