import PagesSupport
import Testing

@testable import Pages

@Suite("Pages")
struct PageTests {
  /// A file's name that would be markup, script, a path and a direction of writing.
  static let hostile = "</title><script>alert(1)</script>\"'&\u{202E}\u{1B}[2J\n.png"

  private var page: Page {
    let hostile = Self.hostile
    let picture = Picture(png: [1, 2, 3], width: 2, height: 2, description: hostile, caption: hostile)
    let plot = Plot(
      id: "p", title: hostile, description: hostile, x: Axis(hostile, 0...1), y: Axis(hostile, 0...1),
      layers: [
        .bars([.init(0, 1, height: 1, title: hostile)], .first, name: hostile),
        .marks([.init(0, 1, title: hostile), .init(1, 1)], .third, name: hostile),
      ])
    let table = Table(hostile, heads: [hostile, hostile], rows: [[hostile, hostile]])
    return Page(
      title: hostile, lead: hostile,
      sections: [
        Page.Section(
          id: "one", hostile,
          [
            .paragraph(hostile), .notice(hostile), .list([hostile]), .facts([Fact(hostile, hostile)]), .table(table),
            .charts([Chart(plot, caption: hostile, numbers: table)]),
            .cards([Card(title: hostile, facts: [Fact(hostile, hostile)], pictures: [picture], note: hostile)]),
            .details(hostile, [.paragraph(hostile)]),
          ]),
        Page.Section(id: "two", "Two", []),
      ], closing: hostile)
  }

  @Test("Every block is well formed, and a hostile name is a name in all of them")
  func hostile() throws {
    let elements = try PageElements(of: page.text)
    #expect(!elements.names.contains("script"))
    #expect(Set(elements.ids).count == elements.ids.count)
    // As words, whole, in texts and attributes.
    let shown = "</title><script>alert(1)</script>\"'&\\u{202E}\\u{1B}[2J\\n.png"
    #expect(elements.texts.count { $0 == shown } >= 20, "\(elements.texts)")
    #expect(elements.attributes.count { $0.value == shown } >= 2)
    #expect(!page.text.contains("\u{202E}") && !page.text.contains("\u{1B}"))
  }

  @Test("A page asks nothing of the network and forbids it")
  func selfContained() {
    let text = page.text
    #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("//"))
    #expect(text.contains("default-src &#39;none&#39;"))
    #expect(text.contains("src=\"data:image/png;base64,AQID\""))
    #expect(page.pictures == 1)
  }

  @Test("Links of the contents and labels lead to what is there; tables' heads have a scope")
  func references() throws {
    let elements = try PageElements(of: page.text)
    for (name, value) in elements.attributes {
      switch name {
      case "href": #expect(elements.ids.contains(String(value.dropFirst())), "\(value)")
      case "aria-labelledby":
        for id in value.split(separator: " ") { #expect(elements.ids.contains(String(id)), "\(id)") }
      case "scope": #expect(["row", "col"].contains(value))
      default: break
      }
    }
    #expect(elements.attributes.count { $0.name == "scope" } == elements.names.count { $0 == "th" })
    #expect(elements.names.count { $0 == "h1" } == 1 && elements.names.count { $0 == "main" } == 1)
  }

  @Test("A long table is cut, and says so")
  func longTable() {
    let rows = (0..<Table.mostRows + 3).map { ["\($0)"] }
    let table = Table("t", heads: ["n"], rows: rows).html.markup
    #expect(table.contains("and 3 rows more"))
    #expect(!Table("t", heads: ["n"], rows: Array(rows.prefix(Table.mostRows))).html.markup.contains("more"))
  }
}
