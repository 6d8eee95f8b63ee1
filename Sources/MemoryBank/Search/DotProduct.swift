/// Dot products of float vectors in double, in one fixed order: what the search ranks rows by.
///
/// The product of two floats is exact in double, so that only the additions round, whether the CPU fuses them or not.
/// Equal rows have equal similarities to the bit, wherever they stand.
enum DotProduct {
  /// The clear version, which defines the result and tests `ck_bank_dots`: 8 lanes, then a tree.
  static func clear(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count, "a dot product of \(a.count) and \(b.count) elements")
    var lanes = [Double](repeating: 0, count: 8)
    for element in a.indices {
      lanes[element % 8] += Double(a[element]) * Double(b[element])
    }
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
  }
}
