import SALAD
import Testing

@Suite("CSV") struct CSVTests {
  @Test(
    "A field is quoted where a reader would take it for several, as bytes",
    arguments: [
      ("plain.png", "plain.png"), ("", ""), ("a b", "a b"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""),
      ("a\nb", "\"a\nb\""), ("a\r\nb", "\"a\r\nb\""), ("\"\u{301}", "\"\"\"\u{301}\""),
      ("e\u{301}.png", "e\u{301}.png"),
    ])
  func fields(text: String, field: String) {
    #expect(Array(CSV.field(text).utf8) == Array(field.utf8))
  }
}
