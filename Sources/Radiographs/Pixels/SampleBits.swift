/// How many bits of a 16-bit file's samples are in use: scanners write 10, 12 or 14 bits of gray into files of 16.
///
/// 4,095 is then white, not 65,535: taken as 16 bits, such a picture is nearly black.
public struct SampleBits: Sendable, Equatable, Comparable {
  /// 8, 10, 12, 14 or 16.
  public let count: Int

  /// White: 2^count - 1.
  public var largestValue: Int { 1 << count - 1 }

  /// What a file of 16 bits uses; nil for pixels of another kind, whose white is known.
  ///
  /// As many bits as the largest value needs, rounded up to an even number of at least 8; as many as the file says its
  /// scanner had, where no value is larger. (A file written as PNG's standard asks says 12 and spreads them over 16.)
  public static func of(_ picture: Radiograph) -> SampleBits? {
    guard case .sixteenBits(let significant) = picture.samples, case .float(let values) = picture.pixels else {
      return nil
    }
    let largest = values.withUnsafeBufferPointer { values in
      var largest: Float = 0
      for value in values where value > largest { largest = value }
      return largest
    }
    return SampleBits(largestValue: Int((largest * 65535).rounded()), significant: significant)
  }

  /// - Parameter significant: bits that the file says its scanner had.
  init(largestValue: Int, significant: Int?) {
    let needed = Int.bitWidth - max(0, min(largestValue, 65535)).leadingZeroBitCount
    let bits = max(needed, significant.map { $0 >= needed ? $0 : 0 } ?? 0)
    count = min(16, max(8, (bits + 1) / 2 * 2))
  }

  public static func < (a: SampleBits, b: SampleBits) -> Bool { a.count < b.count }
}
