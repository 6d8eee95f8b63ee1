/// One HTML file that needs nothing else: no network, no script, no other file. It may be mailed, printed and archived.
public struct Page: Sendable {
  /// A part of the page, which its list of contents names.
  public struct Section: Sendable {
    /// Unique in its page: letters.
    public var id: String
    public var title: String
    public var blocks: [Block]

    public init(id: String, _ title: String, _ blocks: [Block]) {
      self.id = id
      self.title = title
      self.blocks = blocks
    }
  }

  public var title: String
  /// What it is, in a sentence or two.
  public var lead: String
  public var sections: [Section]
  /// At its end.
  public var closing: String

  /// - Parameters:
  ///   - title: of the page and of its window.
  ///   - lead: what it is, in a sentence or two.
  ///   - sections: from the top.
  ///   - closing: at its end.
  public init(title: String, lead: String, sections: [Section], closing: String) {
    self.title = title
    self.lead = lead
    self.sections = sections
    self.closing = closing
  }

  /// Pictures within.
  public var pictures: Int { sections.reduce(0) { $0 + $1.blocks.reduce(0) { $0 + $1.pictures } } }

  /// The file.
  public var text: String { ("<!DOCTYPE html>\n" + document + "\n" as HTML).markup }

  /// A browser is told to fetch and to run nothing, so that a name that got past the escaping would be a name still.
  private static let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

  private var document: HTML {
    """
    <html lang="en"><head><meta charset="utf-8"/>\
    <meta http-equiv="Content-Security-Policy" content="\(Self.policy)"/>\
    <meta name="viewport" content="width=device-width, initial-scale=1"/>\
    <meta name="color-scheme" content="light dark"/><meta name="robots" content="noindex"/>\
    <title>\(title)</title><style>\(HTML(stringLiteral: Style.text))</style></head>
    <body><a class="skip" href="#content">Skip to content</a>
    <header><h1>\(title)</h1><p class="lead">\(lead)</p></header>
    <nav aria-label="Contents"><ol>\(sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>" as HTML })</ol></nav>
    <main id="content" tabindex="-1">
    \(sections.map(section))</main>
    <footer><p>\(closing)</p></footer></body></html>
    """
  }

  private func section(_ section: Section) -> HTML {
    """
    <section id="\(section.id)" aria-labelledby="\(section.id)-head"><h2 id="\(section.id)-head">\(section.title)</h2>
    \(section.blocks.map { "\($0.html)\n" as HTML })</section>

    """
  }
}
