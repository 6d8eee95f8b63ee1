import Radiographs

/// The odd images of a census side by side, as one picture.
public struct ContactSheet {
  /// A row of images under one title.
  public struct Section: Sendable {
    public var title: String
    public var images: [(caption: String, path: String)]

    public init(title: String, images: [(caption: String, path: String)]) {
      self.title = title
      self.images = images
    }
  }

  private static let (tile, gap, columns, scale) = (160, 12, 6, 2)
  private static let captionHeight = 2 * (SmallLetters.height + 2) * scale + 4
  private static let titleHeight = SmallLetters.height * 3 + 2 * gap

  private var width: Int
  private var rows: [[UInt8]] = []

  /// Local. Draws the sections that have images; an image that cannot be read is a cross.
  ///
  /// - Parameters:
  ///   - sections: from the top.
  ///   - root: the folder that paths are relative to.
  public init(_ sections: [Section], root: String) throws {
    width = Self.gap + Self.columns * (Self.tile + Self.gap)
    for section in sections where !section.images.isEmpty {
      addTitle(section.title)
      for start in stride(from: 0, to: section.images.count, by: Self.columns) {
        try addRow(Array(section.images[start..<min(section.images.count, start + Self.columns)]), root: root)
      }
    }
    if rows.isEmpty { addTitle("NOTHING ODD") }
  }

  /// Writes an 8-bit gray PNG.
  public func write(to path: String) throws {
    try Radiograph(width: width, height: rows.count, pixels: .eightBit(rows.flatMap { $0 })).writePNG(to: path)
  }

  private static let (background, ink, paper) = (UInt8(40), UInt8(255), UInt8(0))

  private mutating func addTitle(_ title: String) {
    let top = extend(by: Self.titleHeight)
    draw(title, x: Self.gap, y: top + Self.gap, scale: 3, most: (width - 2 * Self.gap) / (SmallLetters.advance * 3))
  }

  private mutating func addRow(_ images: [(caption: String, path: String)], root: String) throws {
    let top = extend(by: Self.tile + Self.captionHeight + Self.gap)
    for (column, image) in images.enumerated() {
      let left = Self.gap + column * (Self.tile + Self.gap)
      let pixels = try? Radiograph(contentsOf: "\(root)/\(image.path)").resized(to: Self.tile, fit: .pad).pixels
      for y in 0..<Self.tile {
        for x in 0..<Self.tile {
          rows[top + y][left + x] =
            switch pixels {
            case .eightBit(let values): values[y * Self.tile + x]
            case .float(let values): UInt8((min(max(0, values[y * Self.tile + x]), 1) * 255).rounded())
            case nil: x == y || x + y == Self.tile - 1 ? Self.ink : Self.paper
            }
        }
      }
      let most = Self.tile / (SmallLetters.advance * Self.scale)
      let step = (SmallLetters.height + 2) * Self.scale
      draw(image.caption, x: left, y: top + Self.tile + 4, scale: Self.scale, most: most)
      // The end of a path tells more than its beginning.
      let name = image.path.split(separator: "/").last.map(String.init) ?? image.path
      let stem = name.lowercased().hasSuffix(".png") ? String(name.dropLast(4)) : name
      draw(
        String(stem.suffix(most)), x: left, y: top + Self.tile + 4 + step, scale: Self.scale, most: most)
    }
  }

  /// - Returns: where the new rows begin.
  private mutating func extend(by count: Int) -> Int {
    let top = rows.count
    rows += Array(repeating: [UInt8](repeating: Self.background, count: width), count: count)
    return top
  }

  private mutating func draw(_ text: String, x: Int, y: Int, scale: Int, most: Int) {
    SmallLetters.draw(text, scale: scale, most: most) { right, down in
      if x + right < width { rows[y + down][x + right] = Self.ink }
    }
  }
}
