// n = rows, F = features of a row

/// The plane in which rows spread most: their first two principal components. In double and in one order of operations, so
/// that equal rows give equal bits.
struct PrincipalPlane: Sendable, Equatable {
  /// F: the rows' mean.
  let centre: [Double]
  /// Two directions of F numbers, of length 1 and at right angles; the largest component of each is positive.
  let axes: [[Double]]
  /// Of the rows' whole variance, how much lies along each; in 0...1.
  let shares: [Double]

  /// - Parameters:
  ///   - rows: (n, F).
  ///   - features: F.
  /// - Returns: nil where fewer than three rows, or rows that do not differ, span no plane.
  init?(_ rows: [Float], features: Int) {
    let count = rows.count / features
    guard count >= 3 else { return nil }
    var centre = [Double](repeating: 0, count: features)
    for place in rows.indices { centre[place % features] += Double(rows[place]) }
    for index in centre.indices { centre[index] /= Double(count) }

    var covariance = Self.covariance(rows, centre, count: count)
    let trace = (0..<features).reduce(0) { $0 + covariance[$1 * features + $1] }
    guard trace.isFinite, trace > 0 else { return nil }
    var (axes, shares) = ([[Double]](), [Double]())
    for _ in 0..<2 {
      guard features > axes.count else { return nil }
      let (axis, variance) = Self.principal(covariance, features, notAlong: axes)
      // What is left of a covariance of one direction is rounding.
      guard variance > 1e-12 * trace else { return nil }
      axes.append(axis)
      shares.append(variance / trace)
      for i in 0..<features {
        for j in 0..<features { covariance[i * features + j] -= variance * axis[i] * axis[j] }
      }
    }
    self.centre = centre
    self.axes = axes
    self.shares = shares
  }

  /// Where each row lies in the plane.
  ///
  /// - Parameter rows: (n, F).
  func places(of rows: [Float]) -> [(x: Double, y: Double)] {
    rows.withUnsafeBufferPointer { rows in
      stride(from: 0, to: rows.count, by: centre.count).map { start in
        var place = (x: 0.0, y: 0.0)
        for index in centre.indices {
          let difference = Double(rows[start + index]) - centre[index]
          place.x += difference * axes[0][index]
          place.y += difference * axes[1][index]
        }
        return place
      }
    }
  }

  /// (F, F), over n.
  private static func covariance(_ rows: [Float], _ centre: [Double], count: Int) -> [Double] {
    let features = centre.count
    var covariance = [Double](repeating: 0, count: features * features)
    var row = [Double](repeating: 0, count: features)
    covariance.withUnsafeMutableBufferPointer { covariance in
      for start in stride(from: 0, to: rows.count, by: features) {
        for index in 0..<features { row[index] = Double(rows[start + index]) - centre[index] }
        row.withUnsafeBufferPointer { row in
          for i in 0..<features {
            let (value, line) = (row[i], i * features)
            for j in i..<features { covariance[line + j] += value * row[j] }
          }
        }
      }
      for i in 0..<features {
        for j in i..<features {
          covariance[i * features + j] /= Double(count)
          covariance[j * features + i] = covariance[i * features + j]
        }
      }
    }
    return covariance
  }

  private static let mostIterations = 2000

  /// Direction and size of the largest eigenvalue of a symmetric matrix, by power iteration.
  private static func principal(
    _ matrix: [Double], _ features: Int, notAlong others: [[Double]]
  ) -> (axis: [Double], variance: Double) {
    // The longest column is not at right angles to it, but by bad luck.
    let start = (0..<features).max { matrix[$0 * features + $0] < matrix[$1 * features + $1] }!
    var axis = normalised(Array(matrix[start * features..<(start + 1) * features]), notAlong: others)
    for _ in 0..<mostIterations {
      let next = normalised(product(matrix, axis), notAlong: others)
      let cosine = zip(axis, next).reduce(0) { $0 + $1.0 * $1.1 }
      axis = next
      if cosine > 1 - 1e-14 { break }
    }
    let variance = zip(axis, product(matrix, axis)).reduce(0) { $0 + $1.0 * $1.1 }
    if let largest = axis.max(by: { abs($0) < abs($1) }), largest < 0 { axis = axis.map { -$0 } }
    return (axis, variance)
  }

  private static func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    matrix.withUnsafeBufferPointer { matrix in
      vector.indices.map { row in
        var sum = 0.0
        for column in vector.indices { sum += matrix[row * vector.count + column] * vector[column] }
        return sum
      }
    }
  }

  private static func normalised(_ vector: [Double], notAlong others: [[Double]]) -> [Double] {
    var vector = vector
    for other in others {
      let along = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
      for index in vector.indices { vector[index] -= along * other[index] }
    }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : vector
  }
}
