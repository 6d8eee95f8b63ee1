import COpenBLAS

// T = 32 = embeddings in a tile, G = 16 = rows in a granule, M = rows of this rank, D = embedding dimension

/// This rank's rows as whole granules, and the two products between a granule and a tile of embeddings.
///
/// Each product has one shape for ever; a short last granule is filled up with zero rows. A library may add up in
/// another order for another shape. With one shape, the bits of an element follow from its own row and column and their
/// places: neither the rank's number of rows nor the batch's size can change them.
struct Granules {
  /// T.
  static let tile = 32
  /// G.
  static let rows = Sharding.granule

  /// How many, a short last one included.
  let count: Int
  /// D.
  let dimension: Int
  private let shard: [Float]
  /// (G, D) when the last granule is short, otherwise empty.
  private let last: [Float]

  init(_ bank: MemoryBank) {
    dimension = bank.dimension
    shard = bank.shard
    let rows = bank.ownedRows.count
    let (whole, rest) = rows.quotientAndRemainder(dividingBy: Self.rows)
    count = whole + (rest > 0 ? 1 : 0)
    let filling = [Float](repeating: 0, count: (Self.rows - rest) * dimension)
    last = rest > 0 ? shard[(whole * Self.rows * dimension)...] + filling : []
    // OpenBLAS's own threads would cut a product by their number.
    openblas_set_num_threads(1)
  }

  /// Calls `body` with each granule's number here and its (G, D) values.
  func forEach(_ body: (Int, UnsafePointer<Float>) -> Void) {
    let size = Self.rows * dimension
    shard.withUnsafeBufferPointer { shard in
      last.withUnsafeBufferPointer { last in
        for granule in 0..<count {
          let start = granule * size
          let values = start + size <= shard.count ? shard.baseAddress.map { $0 + start } : last.baseAddress
          if let values { body(granule, values) }
        }
      }
    }
  }

  /// similarities = tile x granule^T.
  ///
  /// - Parameters:
  ///   - tile: (T, D).
  ///   - granule: (G, D).
  ///   - similarities: (T, G) within rows of `stride` floats; overwritten.
  func compare(
    tile: UnsafePointer<Float>, granule: UnsafePointer<Float>, into similarities: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(Self.tile), blasint(Self.rows), blasint(dimension),
      1, tile, blasint(dimension), granule, blasint(dimension), 0, similarities, blasint(stride))
  }

  /// sums = coefficients x granule.
  ///
  /// - Parameters:
  ///   - coefficients: (T, G) within rows of `stride` floats.
  ///   - granule: (G, D).
  ///   - sums: (T, D); overwritten.
  func weigh(
    coefficients: UnsafePointer<Float>, stride: Int, granule: UnsafePointer<Float>,
    into sums: UnsafeMutablePointer<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(Self.tile), blasint(dimension), blasint(Self.rows),
      1, coefficients, blasint(stride), granule, blasint(dimension), 0, sums, blasint(dimension))
  }
}
