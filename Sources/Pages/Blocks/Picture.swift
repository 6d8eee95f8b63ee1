import Foundation

/// A picture that travels in the page itself.
public struct Picture: Sendable {
  /// Of the PNG file.
  public var png: [UInt8]
  public var width: Int
  public var height: Int
  /// What it shows, for who cannot see it.
  public var description: String
  /// Below it.
  public var caption: String

  /// No picture of a page is larger than this, in pixels a side.
  public static let mostSide = 256

  /// - Parameters:
  ///   - png: of the file.
  ///   - width: in pixels, at most `mostSide`.
  ///   - height: likewise.
  ///   - description: what it shows, for who cannot see it.
  ///   - caption: below it.
  public init(png: [UInt8], width: Int, height: Int, description: String, caption: String) {
    precondition(
      max(width, height) <= Self.mostSide, "a picture of \(width) x \(height), at most \(Self.mostSide) a side")
    self.png = png
    self.width = width
    self.height = height
    self.description = description
    self.caption = caption
  }

  var html: HTML {
    """
    <figure class="picture"><img width="\(width)" height="\(height)" alt="\(description)" \
    src="data:image/png;base64,\(Data(png).base64EncodedString())"/><figcaption>\(caption)</figcaption></figure>
    """
  }
}

/// One image with what is known of it: its pictures, facts beside them, and below pictures to compare it with.
public struct Card: Sendable {
  public var title: String
  public var facts: [Fact]
  /// Of the image itself: one or two.
  public var pictures: [Picture]
  public var comparisons: [Picture]
  /// Where there is more to say.
  public var note: String?

  /// - Parameters:
  ///   - title: its name.
  ///   - facts: what is known of it.
  ///   - pictures: of the image itself: one or two.
  ///   - comparisons: to compare it with.
  ///   - note: where there is more to say.
  public init(
    title: String, facts: [Fact], pictures: [Picture] = [], comparisons: [Picture] = [], note: String? = nil
  ) {
    self.title = title
    self.facts = facts
    self.pictures = pictures
    self.comparisons = comparisons
    self.note = note
  }

  var html: HTML {
    let note: HTML = note.map { "<p>\($0)</p>" } ?? ""
    let list = Fact.list(facts)
    let body: HTML =
      pictures.isEmpty && comparisons.isEmpty
      ? list
      : """
      <div class="pictures">\(pictures.map(\.html))<div class="\(pictures.count < 2 ? "side two" : "side")">\(list)</div>\
      \(comparisons.map(\.html))</div>
      """
    return "<article class=\"card\"><h3>\(title)</h3>\(body)\(note)</article>"
  }
}

/// A name and what it stands for.
public struct Fact: Sendable, Equatable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  static func list(_ facts: [Fact]) -> HTML {
    if facts.isEmpty { return "" }
    return "<dl>\(facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as HTML })</dl>"
  }
}
