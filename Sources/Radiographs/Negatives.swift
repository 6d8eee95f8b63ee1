import Platform

/// What most of some pictures have in common: where they get brighter.
///
/// A negative - white where the others are black, as MONOCHROME1 files of scanners are when they were taken for
/// MONOCHROME2 - gets darker there: it differs from what most have in more than half of the `PictureHash.gradientBits`.
/// Measured on 400 images each of kermany-cxr and knee-xr and 285 of nih-cxr: the images themselves in at most 244, test
/// images with findings among them; their negatives in at least 270, also where they were a third of all.
public struct TypicalPicture: Sendable {
  private let gradients: SIMD8<UInt64>

  /// nil where there are few pictures, or they are of many kinds, which have little in common: half of them differ in more
  /// than 200 bits.
  public init?(of pictures: [PictureHash]) {
    guard pictures.count >= Self.fewest else { return nil }
    gradients = Self.majority(of: pictures)
    let distances = pictures.map { distance(to: $0.gradients) }
    guard distances.sorted()[distances.count / 2] <= 200 else { return nil }
  }

  /// Whether a picture looks like a negative of them.
  public func isNegative(_ picture: PictureHash) -> Bool { isNegative(picture.gradients) }

  /// Whether a picture looks like a negative of them, as it was prepared: what lies around it is left out.
  ///
  /// - Parameters:
  ///   - prepared: square.
  ///   - width: of the picture in its file.
  ///   - height: likewise.
  ///   - fit: how it was made square.
  public func isNegative(_ prepared: Radiograph, ofWidth width: Int, height: Int, fit: Fit) -> Bool {
    isNegative(PictureHash.gradients(of: fit == .pad ? prepared.inner(ofWidth: width, height: height) : prepared))
  }

  private func isNegative(_ other: SIMD8<UInt64>) -> Bool { distance(to: other) > PictureHash.gradientBits / 2 }

  private func distance(to other: SIMD8<UInt64>) -> Int { Int((other ^ gradients).nonzeroBitCount.wrappedSum()) }

  private static let fewest = 8

  /// Each bit as more than half of the pictures have it.
  private static func majority(of pictures: [PictureHash]) -> SIMD8<UInt64> {
    var counts = [Int32](repeating: 0, count: PictureHash.gradientBits)
    for picture in pictures {
      for word in 0..<8 {
        let bits = picture.gradients[word]
        for bit in 0..<64 { counts[64 * word + bit] += Int32(truncatingIfNeeded: bits >> UInt64(bit) & 1) }
      }
    }
    var majority = SIMD8<UInt64>()
    for (place, count) in counts.enumerated() where 2 * Int(count) > pictures.count {
      majority[place / 64] |= 1 << UInt64(place % 64)
    }
    return majority
  }
}

extension PictureHash {
  /// Indices of the pictures that look like negatives of most others.
  public static func negatives(among pictures: [PictureHash]) -> [Int] {
    guard let typical = TypicalPicture(of: pictures) else { return [] }
    return pictures.indices.filter { typical.isNegative(pictures[$0]) }
  }
}

extension Radiograph {
  /// The middle of a square picture: what one of `width` x `height` takes when it is padded.
  fileprivate func inner(ofWidth width: Int, height: Int) -> Radiograph {
    let long = max(width, height)
    let (columns, rows) = (max(1, self.width * width / long), max(1, self.height * height / long))
    guard columns < self.width || rows < self.height else { return self }
    let (left, top) = ((self.width - columns) / 2, (self.height - rows) / 2)
    func cut<Value>(_ values: [Value]) -> [Value] {
      (top..<top + rows).flatMap { values[$0 * self.width + left..<$0 * self.width + left + columns] }
    }
    var inner = self
    (inner.width, inner.height) = (columns, rows)
    switch pixels {
    case .eightBit(let values): inner.pixels = .eightBit(cut(values))
    case .float(let values): inner.pixels = .float(cut(values))
    }
    return inner
  }
}
