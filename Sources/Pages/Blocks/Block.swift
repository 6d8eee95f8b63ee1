/// What a section is made of.
public enum Block: Sendable {
  case paragraph(String)
  /// What must not be overlooked.
  case notice(String)
  case list([String])
  case facts([Fact])
  case table(Table)
  /// Plots beside one another, where there is room.
  case charts([Chart])
  case cards([Card])
  /// What is there for who asks.
  case details(String, [Block])

  var html: HTML {
    switch self {
    case .paragraph(let text): "<p>\(text)</p>"
    case .notice(let text): "<p class=\"notice\"><strong>Note.</strong> \(text)</p>"
    case .list(let items): "<ul>\(items.map { "<li>\($0)</li>" as HTML })</ul>"
    case .facts(let facts): "<div class=\"facts\">\(Fact.list(facts))</div>"
    case .table(let table): table.html
    case .charts(let charts): "<div class=\"charts\">\(charts.map(\.html))</div>"
    case .cards(let cards): "<div class=\"cards\">\(cards.map(\.html))</div>"
    case .details(let title, let blocks):
      "<details><summary>\(title)</summary>\(blocks.map(\.html))</details>"
    }
  }

  /// Pictures within.
  var pictures: Int {
    switch self {
    case .cards(let cards): cards.reduce(0) { $0 + $1.pictures.count + $1.comparisons.count }
    case .details(_, let blocks): blocks.reduce(0) { $0 + $1.pictures }
    default: 0
    }
  }
}

/// A plot with words below it, and its numbers for who cannot see it or wants them.
public struct Chart: Sendable {
  public var plot: Plot
  public var caption: String
  public var numbers: Table?

  /// - Parameters:
  ///   - plot: what is drawn.
  ///   - caption: how to read it.
  ///   - numbers: behind a line that opens.
  public init(_ plot: Plot, caption: String, numbers: Table? = nil) {
    self.plot = plot
    self.caption = caption
    self.numbers = numbers
  }

  var html: HTML {
    let numbers: HTML = numbers.map { "<details><summary>Numbers</summary>\($0.html)</details>" } ?? ""
    return """
      <figure class="chart"><p class="name">\(plot.title)</p>\(plot.svg)\(plot.legend)\
      <figcaption>\(caption)</figcaption>\(numbers)</figure>
      """
  }
}
