extension PictureHash {
  /// Indices of the pictures that look like negatives of most others: white where those are black, as MONOCHROME1 files
  /// of scanners are when they were taken for MONOCHROME2.
  ///
  /// A negative gets darker where the others get brighter: it differs from what most have in more than half of the
  /// `gradientBits`. Measured on 400 images each of kermany-cxr and knee-xr and 285 of nih-cxr: the images themselves in at
  /// most 244, test images with findings among them; their negatives in at least 270, also where they were a third of
  /// all. Pictures of many kinds have little in common (half of them differ in more than 200): then none is named.
  public static func negatives(among pictures: [PictureHash]) -> [Int] {
    guard pictures.count >= fewestForNegatives else { return [] }
    let most = majority(of: pictures)
    let distances = pictures.map { Int(($0.gradients ^ most).nonzeroBitCount.wrappedSum()) }
    guard distances.sorted()[distances.count / 2] <= 200 else { return [] }
    return distances.indices.filter { distances[$0] > gradientBits / 2 }
  }

  private static let fewestForNegatives = 8

  /// Each bit as more than half of the pictures have it.
  private static func majority(of pictures: [PictureHash]) -> SIMD8<UInt64> {
    var counts = [Int32](repeating: 0, count: gradientBits)
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
