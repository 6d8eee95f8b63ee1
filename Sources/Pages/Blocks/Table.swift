/// Rows under heads, the first column naming the rows.
public struct Table: Sendable {
  public var caption: String
  public var heads: [String]
  /// Each as long as `heads`.
  public var rows: [[String]]
  /// Rows that the table had; those beyond `mostRows` are not shown, which it says.
  private let total: Int

  /// More would make a page of a table.
  public static let mostRows = 60

  /// - Parameters:
  ///   - caption: what it tells.
  ///   - heads: of the columns; the first one names the rows.
  ///   - rows: each as long as `heads`.
  public init(_ caption: String, heads: [String], rows: [[String]]) {
    for row in rows {
      precondition(row.count == heads.count, "a row of \(row.count) cells below \(heads.count) heads")
    }
    self.caption = caption
    self.heads = heads
    self.rows = Array(rows.prefix(Self.mostRows))
    total = rows.count
  }

  /// In a frame of its own that can be moved by keys where it is wider than the screen; the caption stays where it is.
  var html: HTML {
    let left = total - rows.count
    let more: HTML = left > 0 ? "<p class=\"more\">and \(Figures.count(left, "row")) more</p>" : ""
    return """
      <p class="name">\(caption)</p>\
      <div class="wide" role="region" tabindex="0" aria-label="\(caption)"><table aria-label="\(caption)">\
      <thead><tr>\(heads.map { "<th scope=\"col\">\($0)</th>" as HTML })</tr></thead>\
      <tbody>\(rows.map(row))</tbody></table></div>\(more)
      """
  }

  private func row(_ cells: [String]) -> HTML {
    let rest = cells.dropFirst().map { "<td>\($0)</td>" as HTML }
    return "<tr><th scope=\"row\">\(cells[0])</th>\(Array(rest))</tr>"
  }
}
