/// White of a data set's 16-bit images: what the largest value over all of them needs.
public struct GreyRange: Sendable, Equatable {
  /// 255, 1,023, 4,095, 16,383 or 65,535; nil where no image has 16 bits.
  public let largestValue: Int?
  /// What is to be said of it, in one sentence; nil: nothing.
  public let note: String?

  /// - Parameter images: all of the data set.
  public init(_ images: [ScannedImage]) {
    let bits = images.compactMap(\.sampleBits)
    largestValue = bits.max().map { 1 << $0 - 1 }
    guard let largestValue else {
      note = nil
      return
    }
    let counts = Dictionary(grouping: bits) { $0 }.mapValues(\.count).sorted { $0.key < $1.key }
    if counts.count > 1 {
      let list = counts.map { "\($0.key) bits (\($0.value))" }.joined(separator: ", ")
      note = "16-bit images use \(list): \(largestValue) is white in all of them, unless --grey-range says otherwise"
    } else if largestValue < 65535 {
      note = "16-bit images use \(counts[0].key) bits: \(largestValue) is white, unless --grey-range says otherwise"
    } else {
      note = nil
    }
  }
}
