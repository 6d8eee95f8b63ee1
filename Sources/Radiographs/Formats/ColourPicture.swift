/// A picture in red, green and blue: what is drawn for people.
public struct ColourPicture: Sendable, Equatable {
  /// Shares of red, green and blue, each 0...255.
  public struct Colour: Sendable, Equatable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

    /// 0 black, 255 white.
    public init(gray: UInt8) { self.init(gray, gray, gray) }
  }

  public let width: Int
  public let height: Int
  /// (height, width, 3), row by row from the top.
  public private(set) var samples: [UInt8]

  /// - Parameters:
  ///   - width: in pixels, 1 or more.
  ///   - height: in pixels, 1 or more.
  ///   - colour: of all pixels.
  public init(width: Int, height: Int, filledWith colour: Colour) {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height)")
    self.width = width
    self.height = height
    samples = [UInt8](unsafeUninitializedCapacity: width * height * 3) { samples, count in
      count = width * height * 3
      for place in stride(from: 0, to: count, by: 3) {
        (samples[place], samples[place + 1], samples[place + 2]) = (colour.red, colour.green, colour.blue)
      }
    }
  }

  /// A gray picture; `Float` pixels are rounded to the nearest of the 256 grays.
  public init(_ radiograph: Radiograph) {
    self.init(width: radiograph.width, height: radiograph.height, filledWith: Colour(gray: 0))
    for (place, gray) in radiograph.grays.enumerated() {
      for sample in 3 * place..<3 * place + 3 { samples[sample] = gray }
    }
  }

  /// The pixel at x from the left and y from the top; what lies outside is not drawn.
  public subscript(x: Int, y: Int) -> Colour {
    get {
      let place = 3 * (y * width + x)
      return Colour(samples[place], samples[place + 1], samples[place + 2])
    }
    set {
      guard (0..<width).contains(x), (0..<height).contains(y) else { return }
      let place = 3 * (y * width + x)
      (samples[place], samples[place + 1], samples[place + 2]) = (newValue.red, newValue.green, newValue.blue)
    }
  }

  /// Draws another picture with its upper left corner at x and y.
  public mutating func draw(_ picture: ColourPicture, x: Int, y: Int) {
    for row in 0..<picture.height {
      for column in 0..<picture.width { self[x + column, y + row] = picture[column, row] }
    }
  }

  /// Each pixel as a square of `factor` x `factor`.
  public func enlarged(_ factor: Int) -> ColourPicture {
    var enlarged = ColourPicture(width: width * factor, height: height * factor, filledWith: Colour(gray: 0))
    for y in 0..<enlarged.height {
      for x in 0..<enlarged.width { enlarged[x, y] = self[x / factor, y / factor] }
    }
    return enlarged
  }

  /// An 8-bit PNG. Equal pixels give equal bytes under one version of zlib.
  ///
  /// - Parameter name: for the sentence of the error.
  /// - Throws: `RadiographError` when there is no memory for it.
  public func png(name: String) throws -> [UInt8] {
    try PNG.encoded(samples, width: width, height: height, channels: 3, name: name)
  }
}
