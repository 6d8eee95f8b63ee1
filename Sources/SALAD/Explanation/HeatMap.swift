// S = side of the picture that the network sees, in pixels; G = cells along a side of a coarser map

/// By what an image's places are judged.
public enum HeatMethod: String, Codable, Sendable, CaseIterable {
  /// The encoder's maps, cell by cell, against the same place of normal images.
  case local
  /// How much the score falls as a place moves towards the nearest normal images.
  case gradient
  /// How much the score falls when a place is painted over.
  case occlusion
  /// How far each pixel is from that of the nearest normal image: what the others must beat.
  case difference
}

/// How odd each place of an image is, on the grid of what the network sees.
public struct HeatMap: Sendable, Equatable {
  public let method: HeatMethod
  /// S.
  public let side: Int
  /// (S, S), row by row from the top, higher is odder. `local`: 1 is what a normal image has at that place in the median.
  /// `gradient`: what the score would lose in first order, 0 or more. `occlusion`: what the score loses. `difference`: in 0...1.
  public let values: [Float]

  /// - Precondition: `values` holds side x side numbers.
  public init(method: HeatMethod, side: Int, values: [Float]) {
    precondition(side > 0 && values.count == side * side, "a heat map of \(side) x \(side) with \(values.count) values")
    self.method = method
    self.side = side
    self.values = values
  }

  /// The hottest pixel, from the left and from the top: of equally hot ones the first.
  public var hottest: (x: Int, y: Int, value: Float) {
    var best = 0
    for place in values.indices where values[place] > values[best] { best = place }
    return (best % side, best / side, values[best])
  }

  /// A coarse map at (S, S): bilinear between the cells' centres, constant beyond the outermost.
  ///
  /// - Parameters:
  ///   - cells: (G, G).
  ///   - count: G, at most S.
  ///   - side: S.
  static func enlarged(_ cells: [Double], from count: Int, to side: Int) -> [Double] {
    precondition(cells.count == count * count, "\(cells.count) cells of \(count) x \(count)")
    let places = (0..<side).map { pixel -> (low: Int, high: Int, share: Double) in
      let place = min(max((Double(pixel) + 0.5) * Double(count) / Double(side) - 0.5, 0), Double(count - 1))
      let low = Int(place)
      return (low, min(low + 1, count - 1), place - Double(low))
    }
    var values = [Double](repeating: 0, count: side * side)
    for (y, row) in places.enumerated() {
      for (x, column) in places.enumerated() {
        let (above, below) = (row.low * count, row.high * count)
        let upper = cells[above + column.low] + column.share * (cells[above + column.high] - cells[above + column.low])
        let lower = cells[below + column.low] + column.share * (cells[below + column.high] - cells[below + column.low])
        values[y * side + x] = upper + row.share * (lower - upper)
      }
    }
    return values
  }
}
