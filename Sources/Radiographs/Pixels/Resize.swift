/// How an image that is not square becomes square.
public enum Fit: String, Codable, Sendable, CaseIterable {
  /// Centred on a black square as wide as the longer side: left or top = floor((longer - shorter) / 2).
  case pad
  /// Stretched along the shorter side.
  case stretch
}

extension Radiograph {
  /// The image as a side x side square.
  ///
  /// Resized as Pillow's `Image.resize((side, side), Image.BILINEAR)` does it, byte for byte: a triangle filter that
  /// grows with the reduction (so it does not alias), along the rows, then along the columns. 8-bit pixels: weights in
  /// fixed point, rounded to 8 bits after each direction. Float pixels: sums in double, as Pillow's mode "F".
  /// (Pillow 13 alone takes the columns first where an image is taller than wide and taller than `side`. Padded images,
  /// being square, are the same there; stretched ones then differ from it by a gray level here and there.)
  ///
  /// Cost: height * side * t + side * side * t products, t = 2 * longer / side (at least 2) taps.
  public func resized(to side: Int, fit: Fit) -> Radiograph {
    precondition(side > 0, "a side of \(side) pixels")
    if width == side && height == side { return self }

    // Black pixels of the padding add nothing to any sum: it is enough to know where the image would lie in it.
    let longer = max(width, height)
    let columns =
      fit == .pad
      ? Resampling(from: longer, to: side, imageStart: (longer - width) / 2, imageCount: width)
      : Resampling(from: width, to: side, imageStart: 0, imageCount: width)
    let rows =
      fit == .pad
      ? Resampling(from: longer, to: side, imageStart: (longer - height) / 2, imageCount: height)
      : Resampling(from: height, to: side, imageStart: 0, imageCount: height)

    let resized: Pixels =
      switch pixels {
      case .eightBit(let values): .eightBit(rows.alongColumns(columns.alongRows(values), width: side))
      case .float(let values): .float(rows.alongColumns(columns.alongRows(values), width: side))
      }
    var result = Radiograph(width: side, height: side, pixels: resized)
    result.samples = samples
    return result
  }
}

/// Which pixels of a line, with which weights, make each pixel of the resized line.
///
/// After `precompute_coeffs` of Pillow's Resample.c. Pillow skips a direction whose size does not change; here its
/// weights are then exactly 1 and 0, which gives the same pixels.
struct Resampling {
  /// The taps of one output pixel: pixels `start ..< start + count` of the image, weights from `weightStart`.
  struct Taps {
    var start: Int
    var count: Int
    var weightStart: Int
  }

  /// Bits behind the point of a fixed-point weight: 8 bits of pixel, 2 of head-room.
  static let precision = 32 - 8 - 2  // CK_RESIZE_PRECISION, too

  let imageCount: Int
  let taps: [Taps]
  let weights: [Double]
  let fixedWeights: [Int32]

  /// - Parameters:
  ///   - from: length of the padded line.
  ///   - to: length of the resized line.
  ///   - imageStart: where the image begins in the padded line; everything around it is black.
  ///   - imageCount: length of the image's own line.
  init(from: Int, to: Int, imageStart: Int, imageCount: Int) {
    let scale = Double(from) / Double(to)
    let support = max(scale, 1)  // half the width of the triangle
    var taps: [Taps] = []
    var weights: [Double] = []
    for i in 0..<to {
      let centre = (Double(i) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), from)
      let triangle = (first..<end).map { x in
        max(1 - abs((Double(x) - centre + 0.5) * (1 / support)), 0)
      }
      let sum = triangle.reduce(0, +)
      // The sum is over the black pixels, too; then only those of the image stay.
      let inside = max(first, imageStart)..<max(min(end, imageStart + imageCount), max(first, imageStart))
      taps.append(Taps(start: inside.lowerBound - imageStart, count: inside.count, weightStart: weights.count))
      weights += inside.map { triangle[$0 - first] / sum }
    }
    self.imageCount = imageCount
    self.taps = taps
    self.weights = weights
    fixedWeights = weights.map { Int32(0.5 + $0 * Double(1 << Self.precision)) }
  }
  /// Every row resampled, rounded to 8 bits: what `alongRows` does, plainly.
  ///
  /// - Parameter pixels: (rows, imageCount).
  /// - Returns: (rows, taps.count).
  func plainAlongRows(_ pixels: [UInt8]) -> [UInt8] {
    let width = taps.count
    let height = pixels.count / imageCount
    return [UInt8](unsafeUninitializedCapacity: height * width) { result, initializedCount in
      pixels.withUnsafeBufferPointer { pixels in
        fixedWeights.withUnsafeBufferPointer { weights in
          for y in 0..<height {
            let row = UnsafeBufferPointer(rebasing: pixels[y * imageCount..<(y + 1) * imageCount])
            for (x, tap) in taps.enumerated() {
              var sum: Int32 = Self.half
              for i in 0..<tap.count {
                sum &+= Int32(row[tap.start + i]) &* weights[tap.weightStart + i]
              }
              result[y * width + x] = Self.eightBits(sum)
            }
          }
        }
      }
      initializedCount = height * width
    }
  }

  /// Every column resampled, rounded to 8 bits: what `alongColumns` does, plainly.
  ///
  /// - Parameter pixels: (imageCount, width).
  /// - Returns: (taps.count, width).
  func plainAlongColumns(_ pixels: [UInt8], width: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: taps.count * width) { result, initializedCount in
      pixels.withUnsafeBufferPointer { pixels in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { sums in
          for (y, tap) in taps.enumerated() {
            sums.initialize(repeating: Self.half)
            for i in 0..<tap.count {
              let weight = fixedWeights[tap.weightStart + i]
              let row = UnsafeBufferPointer(rebasing: pixels[(tap.start + i) * width..<(tap.start + i + 1) * width])
              for x in 0..<width { sums[x] &+= Int32(row[x]) &* weight }
            }
            for x in 0..<width { result[y * width + x] = Self.eightBits(sums[x]) }
          }
        }
      }
      initializedCount = taps.count * width
    }
  }

  /// Every row resampled, summed in double.
  ///
  /// - Parameter pixels: (rows, imageCount).
  /// - Returns: (rows, taps.count).
  func alongRows(_ pixels: [Float]) -> [Float] {
    let width = taps.count
    let height = pixels.count / imageCount
    return [Float](unsafeUninitializedCapacity: height * width) { result, initializedCount in
      pixels.withUnsafeBufferPointer { pixels in
        weights.withUnsafeBufferPointer { weights in
          for y in 0..<height {
            let row = UnsafeBufferPointer(rebasing: pixels[y * imageCount..<(y + 1) * imageCount])
            for (x, tap) in taps.enumerated() {
              var sum = 0.0
              for i in 0..<tap.count { sum += Double(row[tap.start + i]) * weights[tap.weightStart + i] }
              result[y * width + x] = Float(sum)
            }
          }
        }
      }
      initializedCount = height * width
    }
  }

  /// Every column resampled, summed in double.
  ///
  /// - Parameter pixels: (imageCount, width).
  /// - Returns: (taps.count, width).
  func alongColumns(_ pixels: [Float], width: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: taps.count * width) { result, initializedCount in
      pixels.withUnsafeBufferPointer { pixels in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: width) { sums in
          for (y, tap) in taps.enumerated() {
            sums.initialize(repeating: 0)
            for i in 0..<tap.count {
              let weight = weights[tap.weightStart + i]
              let row = UnsafeBufferPointer(rebasing: pixels[(tap.start + i) * width..<(tap.start + i + 1) * width])
              for x in 0..<width { sums[x] += Double(row[x]) * weight }
            }
            for x in 0..<width { result[y * width + x] = Float(sums[x]) }
          }
        }
      }
      initializedCount = taps.count * width
    }
  }

  /// One half in fixed point, where each sum begins: the shift that follows then rounds.
  private static let half = Int32(1) << (precision - 1)

  private static func eightBits(_ sum: Int32) -> UInt8 {
    UInt8(clamping: sum >> Int32(precision))
  }
}
