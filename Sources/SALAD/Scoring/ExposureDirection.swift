// F = features of an image

/// The direction in which other exposures move images' features, taken out of them in part: another hospital's normal images
/// would otherwise lie off all prototypes along it.
///
///     f' = f - damping (f . u) u
///
/// u is the principal axis of the moves that `Exposure.others` cause in training images. docs/ablation.md has the trials.
struct ExposureDirection: Equatable {
  /// u: F numbers, of length 1; zeros where exposures move nothing. Double, so that text keeps every bit.
  let axis: [Double]
  /// In 0...1: 0 takes nothing out, 1 all.
  let damping: Double

  /// - Parameter features: (rows, F).
  func damp(_ features: inout [Float]) {
    features.withUnsafeMutableBufferPointer { features in
      for start in stride(from: 0, to: features.count, by: axis.count) {
        var share = 0.0
        for index in axis.indices { share += Double(features[start + index]) * axis[index] }
        share *= damping
        for index in axis.indices {
          features[start + index] = Float(Double(features[start + index]) - share * axis[index])
        }
      }
    }
  }

  /// The axis along which rows are longest in the mean square, by power iteration from the longest of them; zeros where all
  /// rows are. Local; one order of operations, so that all ranks find the same bits.
  ///
  /// - Parameter rows: (rows, F).
  static func principalAxis(of rows: [Float], count features: Int) -> [Double] {
    rows.withUnsafeBufferPointer { rows in
      func row(_ start: Int, along axis: [Double]) -> Double {
        var sum = 0.0
        for index in 0..<features { sum += Double(rows[start + index]) * axis[index] }
        return sum
      }
      let starts = stride(from: 0, to: rows.count, by: features)
      var (axis, longest) = ([Double](repeating: 0, count: features), 0.0)
      for start in starts {
        let vector = rows[start..<start + features].map(Double.init)
        let square = vector.reduce(0) { $0 + $1 * $1 }
        if square > longest { (axis, longest) = (normalised(vector), square) }
      }
      guard longest > 0 else { return axis }
      for _ in 0..<mostIterations {
        var next = [Double](repeating: 0, count: features)
        for start in starts {
          let weight = row(start, along: axis)
          for index in 0..<features { next[index] += weight * Double(rows[start + index]) }
        }
        next = normalised(next)
        let cosine = zip(axis, next).reduce(0) { $0 + $1.0 * $1.1 }
        axis = next
        if cosine > 1 - 1e-12 { break }
      }
      return axis
    }
  }

  private static let mostIterations = 200

  private static func normalised(_ vector: [Double]) -> [Double] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : vector
  }
}
