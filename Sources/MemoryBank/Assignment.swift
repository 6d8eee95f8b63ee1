import CKernels
import ExactSum

// B = embeddings compared at once, N = bank rows, M = rows of this rank, D = embedding dimension
// T = embeddings in a tile, G = rows in a granule, tau = temperature

/// Embeddings assigned to the bank's rows, as far as this rank's rows go: a softmax over all N of them.
///
///     p_ij = exp((s_ij - max_i) / tau) / sum over all N of exp((s_ik - max_i) / tau),   s_ij = z_i . m_j
///
/// Everything here is local. It takes three steps, and the callers make the two all-reduces between them: the maximum
/// (MAX, exact in any order), the sums of exponentials (SUM, of fixed-point numbers), the probabilities.
///
/// The true maximum, not the bound 1 / tau: at a small tau every exponential would round to zero.
struct Assignment {
  /// The embeddings in use, B.
  private(set) var count = 0
  private let bank: MemoryBank
  private let granules: Granules
  /// 1 / tau.
  private let scale: Double
  /// M.
  private let rows: Int
  /// M rounded up to whole granules.
  private let stride: Int
  /// (B rounded up to whole tiles, D): the embeddings, then zeros.
  private var tiles: [Float]
  /// (B rounded up to whole tiles, `stride`): similarities, then probabilities, then coefficients; 0 beyond B and M.
  private var values: [Float]

  /// Room for `capacity` embeddings against the rows that `bank` has now.
  init(_ bank: MemoryBank, capacity: Int, temperature: Double) {
    precondition(temperature > 0 && (1 / temperature).isFinite, "the temperature is \(temperature), expected above 0")
    self.bank = bank
    granules = Granules(bank)
    scale = 1 / temperature
    rows = bank.ownedRows.count
    stride = granules.count * Granules.rows
    let places = Self.tiles(of: capacity) * Granules.tile
    tiles = [Float](repeating: 0, count: places * bank.dimension)
    values = [Float](repeating: 0, count: places * stride)
  }

  private static func tiles(of count: Int) -> Int { (count + Granules.tile - 1) / Granules.tile }

  // MARK: Similarities

  /// Compares these embeddings with this rank's rows. Costs 2 B M D operations.
  ///
  /// - Parameter embeddings: (B, D); embedding b takes place b mod T of its tile.
  mutating func compare(_ embeddings: [Float]) {
    let dimension = granules.dimension
    count = embeddings.count / dimension
    let tileCount = Self.tiles(of: count)
    let end = tileCount * Granules.tile * dimension
    precondition(
      embeddings.count == count * dimension && end <= tiles.count,
      "\(embeddings.count) values for at most \(tiles.count / dimension) embeddings of dimension \(dimension)")
    // An earlier, longer block may have left its embeddings behind ours.
    let filling = repeatElement(Float(0), count: end - embeddings.count)
    tiles.replaceSubrange(..<end, with: embeddings + filling)

    let (granules, stride) = (granules, stride)
    tiles.withUnsafeBufferPointer { tiles in
      values.withUnsafeMutableBufferPointer { values in
        guard let tiles = tiles.baseAddress, let values = values.baseAddress else { return }
        granules.forEach { granule, rows in
          for tile in 0..<tileCount {
            let first = tile * Granules.tile
            granules.compare(
              tile: tiles + first * dimension, granule: rows,
              into: values + first * stride + granule * Granules.rows, stride: stride)
          }
        }
      }
    }
  }

  /// s of one embedding and one image's row, nil where another rank owns the row.
  func similarity(of embedding: Int, to image: Int) -> Float? {
    guard bank.ownedRows.contains(image) else { return nil }
    return values[embedding * stride + image - bank.ownedRows.lowerBound]
  }

  /// Each embedding's largest similarity here, -infinity where there is none, and how many are not finite.
  func maxima() -> (maxima: [Float], faults: Int64) {
    var maxima = [Float](repeating: -.infinity, count: count)
    var faults: Int64 = 0
    forEachRow { embedding, similarities in
      faults += ck_bank_maximum(similarities, rows, &maxima[embedding])
    }
    return (maxima, faults)
  }

  // MARK: Softmax

  /// Each embedding's part of sum_j exp((s_ij - max_i) / tau), in `FixedPoint.probability`.
  ///
  /// - Parameter maxima: B, over all ranks.
  func exponentialSums(maxima: [Float]) -> [Int64] {
    var sums = [Int64](repeating: 0, count: count)
    forEachRow { embedding, similarities in
      sums[embedding] = ck_bank_exponential_sum(similarities, rows, maxima[embedding], scale)
    }
    return sums
  }

  /// (B, 2): each embedding's part of sum_j e_ij and of sum_j e_ij (max_i - s_ij) / tau, in `FixedPoint.probability`,
  /// with e_ij = exp((s_ij - max_i) / tau).
  ///
  /// - Parameter maxima: B, over all ranks.
  func entropySums(maxima: [Float]) -> [Int64] {
    var sums = [Int64](repeating: 0, count: 2 * count)
    forEachRow { embedding, similarities in
      sums.withUnsafeMutableBufferPointer { sums in
        ck_bank_entropy_sums(similarities, rows, maxima[embedding], scale, sums.baseAddress! + 2 * embedding)
      }
    }
    return sums
  }

  /// Puts p_ij, rounded to float, in the place of s_ij.
  ///
  /// - Parameters:
  ///   - maxima: B, over all ranks.
  ///   - denominators: B, the sums of exponentials over all ranks.
  mutating func becomeProbabilities(maxima: [Float], denominators: [Double]) {
    let (count, rows, stride, scale) = (count, rows, stride, scale)
    values.withUnsafeMutableBufferPointer { values in
      guard let values = values.baseAddress else { return }
      for embedding in 0..<count {
        ck_bank_probabilities(
          values + embedding * stride, rows, maxima[embedding], scale, 1 / denominators[embedding])
      }
    }
  }

  // MARK: Weighted rows

  /// Puts a coefficient in the place of p_ij, where this rank owns the row.
  mutating func setCoefficient(_ value: Double, of embedding: Int, for image: Int) {
    guard bank.ownedRows.contains(image) else { return }
    values[embedding * stride + image - bank.ownedRows.lowerBound] = Float(value)
  }

  /// (B, D): each embedding's part of sum_j c_ij m_j, in `FixedPoint.gradient`, and how many terms were out of range.
  ///
  /// In float inside a granule, exact from granule to granule.
  func weightedSums() -> (sums: [Int64], faults: Int64) {
    let dimension = granules.dimension
    var sums = [Int64](repeating: 0, count: count * dimension)
    var faults = 0
    let terms = bank.sharding.granules
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Granules.tile * dimension) { product in
      sums.withUnsafeMutableBufferPointer { sums in
        values.withUnsafeBufferPointer { values in
          guard let values = values.baseAddress, let scratch = product.baseAddress else { return }
          granules.forEach { granule, rows in
            for first in Swift.stride(from: 0, to: count, by: Granules.tile) {
              granules.weigh(
                coefficients: values + first * stride + granule * Granules.rows, stride: stride, granule: rows,
                into: scratch)
              let used = first..<min(first + Granules.tile, count)
              faults += FixedPoint.gradient.accumulate(
                UnsafeBufferPointer(rebasing: product[..<(used.count * dimension)]),
                into: UnsafeMutableBufferPointer(
                  rebasing: sums[(used.lowerBound * dimension)..<(used.upperBound * dimension)]),
                terms: terms)
            }
          }
        }
      }
    }
    return (sums, Int64(faults))
  }

  /// Calls `body` with each embedding in use and its M values.
  private func forEachRow(_ body: (Int, UnsafePointer<Float>) -> Void) {
    values.withUnsafeBufferPointer { values in
      // A rank without rows has nothing to add.
      guard let values = values.baseAddress, rows > 0 else { return }
      for embedding in 0..<count { body(embedding, values + embedding * stride) }
    }
  }
}
