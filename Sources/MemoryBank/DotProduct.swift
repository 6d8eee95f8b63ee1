import CKernels

// Q = queries in a block, G = rows in a granule, D = embedding dimension, P = D rounded up to a multiple of 8

/// Dot products of float vectors in double, in one fixed order: what the search ranks rows by.
///
/// The product of two floats is exact in double, so that only the additions round, whether the CPU fuses them or not.
/// Equal rows have equal similarities to the bit, wherever they stand.
enum DotProduct {
  /// The clear version, which defines the result and tests the kernel: 8 lanes, then a tree.
  static func clear(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count, "a dot product of \(a.count) and \(b.count) elements")
    var lanes = [Double](repeating: 0, count: 8)
    for element in a.indices {
      lanes[element % 8] += Double(a[element]) * Double(b[element])
    }
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
  }
}

/// A block of queries, ready to be compared with granule after granule.
struct DotProducts {
  /// Q.
  let queries: Int
  /// Values of queries or rows so far that are not finite.
  private(set) var faults: Int64
  private let dimension: Int
  /// P.
  private let padded: Int
  /// Q rounded up to a multiple of 4, as the kernel wants.
  private let places: Int
  /// (places, P).
  private var wideQueries: [Double]
  /// (G, P).
  private var wideRows: [Double]
  /// (places, G).
  private var dots: [Double]

  /// - Parameter queries: (Q, D).
  init(queries: ArraySlice<Float>, dimension: Int) {
    self.dimension = dimension
    self.queries = queries.count / dimension
    padded = (dimension + 7) / 8 * 8
    places = (self.queries + 3) / 4 * 4
    wideQueries = [Double](repeating: 0, count: places * padded)
    wideRows = [Double](repeating: 0, count: Sharding.granule * padded)
    dots = [Double](repeating: 0, count: places * Sharding.granule)
    faults = 0
    faults = ck_bank_widen(Array(queries), self.queries, dimension, padded, &wideQueries)
  }

  /// Calls `body` with the (Q, G) similarities of all queries to these rows; those beyond the rows have no meaning.
  ///
  /// - Parameter rows: (up to G, D).
  mutating func compare(_ rows: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Double>) -> Void) {
    let count = rows.count / dimension
    precondition(count <= Sharding.granule, "\(count) rows, at most \(Sharding.granule) were expected")
    faults += ck_bank_widen(rows.baseAddress, count, dimension, padded, &wideRows)
    ck_bank_dots(wideQueries, places, wideRows, Sharding.granule, padded, &dots)
    dots.withUnsafeBufferPointer(body)
  }
}
