// S = side of the square images

/// How a picture, as its file has it, becomes the square that the network sees.
public struct Preparation: Sendable, Equatable {
  /// S, in pixels.
  public var side: Int
  public var fit: Fit
  /// The part of the width at the left and at the right, and of the height above and below, that is covered with black,
  /// in 0...0.25: letters that are burned in there.
  public var borderMask: Double
  /// White in files of 16 bits, above 0; nil: 65,535. Larger values are white, too.
  public var greyRange: Int?

  public init(side: Int, fit: Fit, borderMask: Double = 0, greyRange: Int? = nil) {
    precondition((0...0.25).contains(borderMask), "a border of \(borderMask) is covered: it must be in 0...0.25")
    self.side = side
    self.fit = fit
    self.borderMask = borderMask
    self.greyRange = greyRange
  }

  /// The picture at (S, S).
  public func callAsFunction(_ picture: Radiograph) -> Radiograph {
    picture.covered(borderMask).resized(to: side, fit: fit).withWhite(at: greyRange)
  }
}

extension Radiograph {
  /// The picture with floor(fraction * width) columns at the left and at the right, and as many rows of its height above
  /// and below, black.
  ///
  /// Before it is made square: what is covered is the picture's own border, not that of the padding around it.
  func covered(_ fraction: Double) -> Radiograph {
    let columns = Int(fraction * Double(width))
    let rows = Int(fraction * Double(height))
    guard columns + rows > 0 else { return self }
    var covered = self
    switch pixels {
    case .eightBit(let values): covered.pixels = .eightBit(coveredValues(values, columns: columns, rows: rows))
    case .float(let values): covered.pixels = .float(coveredValues(values, columns: columns, rows: rows))
    }
    return covered
  }

  private func coveredValues<Value: Numeric>(_ values: [Value], columns: Int, rows: Int) -> [Value] {
    var covered = [Value](repeating: 0, count: values.count)
    for y in rows..<height - rows {
      let inner = y * width + columns..<(y + 1) * width - columns
      covered.replaceSubrange(inner, with: values[inner])
    }
    return covered
  }

  /// The picture with `largestValue` of a 16-bit file as white; one whose white is known stays as it is.
  ///
  /// After it was resized, which is linear: so an image is the same whether its range was known when it was read or not.
  func withWhite(at largestValue: Int?) -> Radiograph {
    guard let largestValue, largestValue < 65535, case .sixteenBits = samples, case .float(let values) = pixels else {
      return self
    }
    let scale = 65535 / Float(largestValue)
    var stretched = self
    stretched.samples = .known
    stretched.pixels = .float(values.map { min($0 * scale, 1) })
    return stretched
  }
}
