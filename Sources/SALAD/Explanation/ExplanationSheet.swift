import Radiographs

// T = side of a picture on the sheet, in pixels

/// An image beside its heat map and the normal images behind its score, as one picture.
public struct ExplanationSheet {
  public private(set) var picture: ColourPicture

  private static let (gap, scale, titleScale) = (12, 2, 3)
  /// T is a multiple of the picture's side, and at least this.
  private static let leastTile = 256
  private static let line = (SmallLetters.height + 3) * scale
  private static let (paper, ink, dim) = (
    ColourPicture.Colour(gray: 24), ColourPicture.Colour(gray: 255), ColourPicture.Colour(gray: 170)
  )

  /// Local.
  ///
  /// - Parameters:
  ///   - explanation: of an image that has a score.
  ///   - verdict: what is to be said of the score beside its number: `P 0.004, FLAGGED`; nil: nothing.
  ///   - normalImage: what the network saw of the bank's image of this index; nil where it cannot be found.
  public init(_ explanation: Explanation, verdict: String?, normalImage: (Int) -> Radiograph?) {
    guard let image = explanation.image else { preconditionFailure("a sheet of an image without a score") }
    let factor = max(1, (Self.leastTile + image.width - 1) / image.width)
    let tile = image.width * factor
    let columns = (explanation.heatMap == nil ? 1 : 2) + (explanation.prototypes.map(\.count).max() ?? 0)
    let top = Self.gap + SmallLetters.height * Self.titleScale + Self.gap
    let rowHeight = tile + 3 * Self.line + Self.gap
    picture = ColourPicture(
      width: Self.gap + columns * (tile + Self.gap), height: top + max(1, explanation.prototypes.count) * rowHeight,
      filledWith: Self.paper)

    let score = explanation.score.score.map { ShortNumber.text($0) } ?? "none"
    let title = ["score \(score)", verdict, Self.last(explanation.score.path, 200)].compactMap { $0 }
    draw(title.joined(separator: "  "), x: Self.gap, y: Self.gap, scale: Self.titleScale)

    var column = 0
    func left() -> Int { Self.gap + column * (tile + Self.gap) }
    let most = tile / (SmallLetters.advance * Self.scale)
    picture.draw(ColourPicture(image).enlarged(factor), x: left(), y: top)
    draw("what the network sees", x: left(), y: top + tile + Self.gap / 2, most: most)
    column += 1
    if let heatMap = explanation.heatMap, let overlay = explanation.overlay(enlarged: factor) {
      picture.draw(overlay, x: left(), y: top)
      let hottest = heatMap.hottest
      mark(x: left() + hottest.x * factor, y: top + hottest.y * factor)
      drawScale(HeatColours(heatMap), of: heatMap, x: left(), y: top + tile + Self.gap / 2, width: tile)
      column += 1
    }
    let first = column
    for (model, prototypes) in explanation.prototypes.enumerated() {
      let y = top + model * rowHeight
      column = first
      for (place, prototype) in prototypes.enumerated() {
        if let normal = normalImage(prototype.index) {
          picture.draw(ColourPicture(normal).enlarged(factor), x: left(), y: y)
        } else {
          drawAbsence(x: left(), y: y, tile: tile)
        }
        let name = explanation.prototypes.count > 1 ? "model \(model + 1), normal \(place + 1)" : "normal \(place + 1)"
        let caption = y + tile + Self.gap / 2
        draw(name, x: left(), y: caption, most: most)
        draw(
          "distance \(ShortNumber.text(prototype.distance))  weight \(ShortNumber.text(prototype.weight))",
          x: left(), y: caption + Self.line, most: most)
        draw(Self.last(prototype.id, most), x: left(), y: caption + 2 * Self.line, most: most, colour: Self.dim)
        column += 1
      }
    }
  }

  // MARK: Parts

  /// The colours, what their ends mean, and what is hottest.
  private mutating func drawScale(_ colours: HeatColours, of heatMap: HeatMap, x: Int, y: Int, width: Int) {
    let bar = width / 2
    for column in 0..<bar {
      let colour = HeatColours.inferno(Float(column) / Float(bar - 1))
      for row in 0..<SmallLetters.height * Self.scale { picture[x + column, y + row] = colour }
    }
    let range = colours.range
    func text(_ value: Float) -> String { ShortNumber.text(Double(value)) }
    draw(text(range.lowerBound), x: x, y: y + Self.line, most: 8)
    let end = text(range.upperBound) + (colours.isShared ? "+" : "")
    draw(end, x: x + bar - end.count * SmallLetters.advance * Self.scale, y: y + Self.line, most: 8)
    draw(
      heatMap.method.rawValue, x: x + bar + Self.gap, y: y, most: (width - bar) / (SmallLetters.advance * Self.scale))
    draw(
      "hottest \(text(heatMap.hottest.value))", x: x + bar + Self.gap, y: y + Self.line,
      most: (width - bar) / (SmallLetters.advance * Self.scale))
    draw(
      colours.isShared ? "1 is typical of normal images" : "scale of this image alone", x: x, y: y + 2 * Self.line,
      most: width / (SmallLetters.advance * Self.scale), colour: Self.dim)
  }

  /// A small cross of two colours, which is seen on any ground.
  private mutating func mark(x: Int, y: Int) {
    for offset in -7...7 where abs(offset) > 2 {
      for (dx, dy) in [(offset, 0), (0, offset)] {
        picture[x + dx + 1, y + dy + 1] = ColourPicture.Colour(gray: 0)
        picture[x + dx, y + dy] = Self.ink
      }
    }
  }

  /// A frame and a sentence where the picture would be.
  private mutating func drawAbsence(x: Int, y: Int, tile: Int) {
    for place in 0..<tile {
      for (dx, dy) in [(place, 0), (place, tile - 1), (0, place), (tile - 1, place)] {
        picture[x + dx, y + dy] = Self.dim
      }
    }
    draw("picture not at hand", x: x + Self.gap, y: y + tile / 2, colour: Self.dim)
  }

  private mutating func draw(
    _ text: String, x: Int, y: Int, scale: Int = Self.scale, most: Int = .max, colour: ColourPicture.Colour = Self.ink
  ) {
    SmallLetters.draw(text, scale: scale, most: most) { right, down in picture[x + right, y + down] = colour }
  }

  // MARK: Texts

  /// The end of a path tells more than its beginning.
  private static func last(_ text: String, _ most: Int) -> String { String(text.suffix(most)) }
}
