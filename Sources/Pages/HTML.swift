import Platform

/// Markup into which text comes escaped, by construction: a file may be called anything.
///
///     let name = "<b>.png"
///     let cell: HTML = "<td>\(name)</td>"   // <td>&lt;b&gt;.png</td>
///
/// Literals are markup, what is interpolated is text, unless it is `HTML` itself. Elements are closed as XML wants it, so
/// that any XML parser reads a page.
public struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The markup.
  public private(set) var markup: String

  public init(stringLiteral markup: String) { self.markup = markup }

  public init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }

  /// Text, escaped.
  public init(text: String) { markup = Self.escaped(text) }

  /// One after another.
  public init(_ pieces: [HTML]) { markup = pieces.map(\.markup).joined() }

  public static func + (left: HTML, right: HTML) -> HTML { HTML([left, right]) }

  public static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

  /// A literal's parts.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var markup = ""

    public init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }

    public mutating func appendLiteral(_ literal: String) { markup += literal }

    /// Text of an element or an attribute.
    public mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }

    public mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }

    public mutating func appendInterpolation(_ html: HTML) { markup += html.markup }

    public mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { markup += piece.markup } }
  }

  /// Text that no browser obeys and every XML parser takes: control characters and turns of the direction of writing stand
  /// as `\n` or `\u{202E}`.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in PlainText.of(text).unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      // No characters, and XML has none of them.
      case "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
