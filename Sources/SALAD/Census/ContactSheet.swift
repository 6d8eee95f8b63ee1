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
    for (place, letter) in text.uppercased().prefix(most).enumerated() {
      for (row, bits) in SmallLetters.rows(of: letter).enumerated() {
        for column in 0..<SmallLetters.width where bits >> (SmallLetters.width - 1 - column) & 1 == 1 {
          for dy in 0..<scale {
            for dx in 0..<scale {
              let left = x + (place * SmallLetters.advance + column) * scale + dx
              if left < width { rows[y + row * scale + dy][left] = Self.ink }
            }
          }
        }
      }
    }
  }
}

/// Capital letters, digits and some signs of 3 x 5 dots.
private enum SmallLetters {
  static let (width, height, advance) = (3, 5, 4)

  /// From the top, three bits each; of an unknown letter a frame.
  static func rows(of letter: Character) -> [Int] {
    (shapes[letter] ?? "75557").map { $0.wholeNumberValue ?? 0 }
  }

  /// A digit a row: 4 the left dot, 2 the middle, 1 the right.
  private static let shapes: [Character: String] = [
    "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644", "G": "34553", "H": "55755",
    "I": "72227", "J": "11152", "K": "55655", "L": "44447", "M": "57755", "N": "57775", "O": "25552", "P": "65644",
    "Q": "25563", "R": "65655", "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255",
    "Y": "55222", "Z": "71247", "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717",
    "6": "74757", "7": "71122", "8": "75757", "9": "75717", "-": "00700", ".": "00002", "_": "00007", "/": "11244",
    ":": "02020", ",": "00024", "+": "02720", "=": "07070", "(": "24442", ")": "21112", "%": "51245", "#": "57575",
    " ": "00000", ">": "42124", "<": "12421",
  ]
}
