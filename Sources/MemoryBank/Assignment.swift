import CBankKernels
import ExactSum

// B = embeddings compared at once, N = bank rows, M = rows of this rank, D = embedding dimension
// P = panels of 32 embeddings, G = rows in a granule, tau = temperature

/// Embeddings assigned to the bank's rows, as far as this rank's rows go: a softmax over all N of them.
///
///     p_ij = exp((s_ij - max_i) / tau) / sum over all N of exp((s_ik - max_i) / tau),   s_ij = z_i . m_j
///
/// Everything here is local, on all workers. It takes three steps, and the callers make the two all-reduces between them:
/// the maximum (MAX, exact in any order), the sums of exponentials (SUM, of fixed-point numbers), the probabilities.
///
/// The true maximum, not the bound 1 / tau: at a small tau every exponential would round to zero.
struct Assignment {
  /// The embeddings in use, B.
  var count: Int { panels.count }
  private let bank: MemoryBank
  /// 1 / tau.
  private let scale: Double
  /// M.
  private let rows: Int
  private var panels: Panels
  /// (P, M, 32): similarities, then probabilities, then coefficients. What stands beyond B means nothing.
  private let values: Scratch<Float>
  /// (workers, P, 32), for what each worker finds in the rows that it is given.
  private let maximaOfWorkers: Scratch<Float>

  /// Rows that a worker takes at once, whole granules.
  private static let piece = 16 * Sharding.granule

  /// Room for `capacity` embeddings against the rows that `bank` has now.
  init(_ bank: MemoryBank, capacity: Int, temperature: Double) {
    precondition(temperature > 0 && (1 / temperature).isFinite, "the temperature is \(temperature), expected above 0")
    self.bank = bank
    scale = 1 / temperature
    rows = bank.ownedRows.count
    panels = Panels(UnsafeBufferPointer(start: nil, count: 0), dimension: bank.dimension)
    let lanes = Panels.number(of: capacity) * Panels.lanes
    values = Scratch(count: lanes * rows)
    maximaOfWorkers = Scratch(count: bank.workers.count * lanes)
  }

  // MARK: Similarities

  /// Compares these embeddings with this rank's rows. Costs 2 B M D operations.
  ///
  /// - Parameter embeddings: (B, D).
  mutating func compare(_ embeddings: [Float]) {
    let dimension = bank.dimension
    let number = Panels.number(of: embeddings.count / dimension)
    precondition(
      embeddings.count % dimension == 0 && number * Panels.lanes * rows <= values.count,
      "\(embeddings.count) values for embeddings of dimension \(dimension), more than there is room for")
    let panels = embeddings.withUnsafeBufferPointer { Panels($0, dimension: dimension) }
    self.panels = panels
    bank.storage.withUnsafeBufferPointer { shard in
      let shard = shard.baseAddress
      forEachTile { _, panel, first, count, tile in
        ck_bank_similarities(shard! + first * dimension, count, dimension, panels[panel], tile)
      }
    }
  }

  /// s of one embedding and one image's row, nil where another rank owns the row.
  func similarity(of embedding: Int, to image: Int) -> Float? {
    place(of: embedding, image).map { values.elements[$0] }
  }

  /// Each embedding's largest similarity here, -infinity where there is none, and how many are not finite.
  func maxima() -> (maxima: [Float], faults: Int64) {
    let lanes = panels.number * Panels.lanes
    let workers = bank.workers.count
    maximaOfWorkers.elements.update(repeating: -.infinity, count: workers * lanes)
    let faults = Scratch<Int64>(repeating: 0, count: workers)
    forEachTile { worker, panel, _, count, tile in
      faults.elements[worker] += ck_bank_maxima(
        tile, count, panels.lanes(in: panel), maximaOfWorkers.elements + worker * lanes + panel * Panels.lanes)
    }
    let maxima = (0..<count).map { embedding in
      (0..<workers).reduce(-.infinity) { max($0, maximaOfWorkers.elements[$1 * lanes + embedding]) }
    }
    return (maxima, faults.buffer.reduce(0, +))
  }

  // MARK: Softmax

  /// Each embedding's part of sum_j exp((s_ij - max_i) / tau), in `FixedPoint.probability`.
  ///
  /// - Parameter maxima: B, over all ranks.
  func exponentialSums(maxima: [Float]) -> [Int64] {
    let maxima = Scratch(maxima, filling: 0, to: panels.number * Panels.lanes)
    let sums = PartialSums(workers: bank.workers.count, count: panels.number * Panels.lanes)
    forEachTile { worker, panel, _, rows, tile in
      let first = panel * Panels.lanes
      ck_bank_exponential_sums(tile, rows, maxima.elements + first, scale, sums[worker] + first)
    }
    return Array(sums.total()[..<count])
  }

  /// (B, 2): each embedding's part of sum_j e_ij and of sum_j e_ij (max_i - s_ij) / tau, in `FixedPoint.probability`,
  /// with e_ij = exp((s_ij - max_i) / tau).
  ///
  /// - Parameter maxima: B, over all ranks.
  func entropySums(maxima: [Float]) -> [Int64] {
    let lanes = panels.number * Panels.lanes
    let maxima = Scratch(maxima, filling: 0, to: lanes)
    let sums = PartialSums(workers: bank.workers.count, count: 2 * lanes)
    forEachTile { worker, panel, _, rows, tile in
      let first = panel * Panels.lanes
      ck_bank_entropy_sums(
        tile, rows, maxima.elements + first, scale, sums[worker] + first, sums[worker] + lanes + first)
    }
    let total = sums.total()
    return (0..<count).flatMap { [total[$0], total[lanes + $0]] }
  }

  /// Puts p_ij, rounded to float, in the place of s_ij.
  ///
  /// - Parameters:
  ///   - maxima: B, over all ranks.
  ///   - denominators: B, the sums of exponentials over all ranks.
  mutating func becomeProbabilities(maxima: [Float], denominators: [Double]) {
    let lanes = panels.number * Panels.lanes
    let maxima = Scratch(maxima, filling: 0, to: lanes)
    // Nothing for the lanes left over.
    let inverses = Scratch(denominators.map { 1 / $0 }, filling: 0, to: lanes)
    let scale = scale
    forEachTile { _, panel, _, rows, tile in
      let first = panel * Panels.lanes
      ck_bank_probabilities(tile, rows, maxima.elements + first, scale, inverses.elements + first)
    }
  }

  // MARK: Weighted rows

  /// Puts a coefficient in the place of p_ij, where this rank owns the row.
  mutating func setCoefficient(_ value: Double, of embedding: Int, for image: Int) {
    if let place = place(of: embedding, image) { values.elements[place] = Float(value) }
  }

  /// (B, D): each embedding's part of sum_j c_ij m_j.
  ///
  /// In float inside a granule, exact from granule to granule.
  func weightedSums() -> ExactSum {
    let (dimension, granule, workers) = (bank.dimension, Sharding.granule, bank.workers.count)
    let padded = (dimension + 15) / 16 * 16
    let sums = PartialSums(workers: workers, count: panels.number * Panels.lanes * padded)
    let faults = Scratch<Int64>(repeating: 0, count: workers)
    // A granule of rows for each worker, and of coefficients: zeros beyond D and beyond a short last granule.
    let rowsOfWorkers = Scratch<Float>(repeating: 0, count: workers * granule * padded)
    let shortOfWorkers = Scratch<Float>(count: workers * granule * Panels.lanes)
    // What the kernel's fixed point holds; one granule of unit rows gives 16 at most.
    let limit = Float(min(128, FixedPoint.gradient.limit(terms: bank.sharding.granules)))
    bank.storage.withUnsafeBufferPointer { shard in
      let shard = shard.baseAddress
      bank.workers.run(elements: rows, piece: Self.piece) { worker, range in
        let granuleRows = rowsOfWorkers.elements + worker * granule * padded
        for first in stride(from: range.lowerBound, to: range.upperBound, by: granule) {
          let count = min(granule, range.upperBound - first)
          for row in 0..<granule {
            let target = granuleRows + row * padded
            if row < count {
              target.update(from: shard! + (first + row) * dimension, count: dimension)
            } else {
              target.update(repeating: 0, count: dimension)
            }
          }
          for panel in 0..<panels.number {
            var coefficients = values.elements + (panel * rows + first) * Panels.lanes
            if count < granule {
              let short = shortOfWorkers.elements + worker * granule * Panels.lanes
              short.update(repeating: 0, count: granule * Panels.lanes)
              short.update(from: coefficients, count: count * Panels.lanes)
              coefficients = short
            }
            faults.elements[worker] += ck_bank_weighted_sums(
              coefficients, granuleRows, padded, limit, sums[worker] + panel * Panels.lanes * padded)
          }
        }
      }
    }
    let total = sums.total()
    return ExactSum(
      (0..<count).flatMap { total[($0 * padded)..<($0 * padded + dimension)] }, faults: faults.buffer.reduce(0, +),
      scale: .gradient)
  }

  // MARK: Tiles

  private func place(of embedding: Int, _ image: Int) -> Int? {
    let owned = bank.ownedRows
    guard owned.contains(image) else { return nil }
    let (panel, lane) = embedding.quotientAndRemainder(dividingBy: Panels.lanes)
    return (panel * rows + image - owned.lowerBound) * Panels.lanes + lane
  }

  /// Calls `body` with a worker, a panel, a range of this rank's rows as first and count, and their (count, 32) values;
  /// for all panels and rows, on all workers.
  private func forEachTile(_ body: @escaping (Int, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void) {
    let (number, rows, values) = (panels.number, rows, values)
    bank.workers.run(elements: rows, piece: Self.piece) { worker, range in
      for panel in 0..<number {
        let tile = values.elements + (panel * rows + range.lowerBound) * Panels.lanes
        body(worker, panel, range.lowerBound, range.count, tile)
      }
    }
  }
}

/// Sums in fixed point, of which each worker adds up a part.
final class PartialSums {
  private let count: Int
  private let workers: Int
  private let parts: Scratch<Int64>

  init(workers: Int, count: Int) {
    self.workers = workers
    self.count = count
    parts = Scratch(repeating: 0, count: workers * count)
  }

  /// One worker's part.
  subscript(worker: Int) -> UnsafeMutablePointer<Int64> { parts.elements + worker * count }

  /// The parts together, by wrapping addition: what a similarity that is not finite left behind is counted elsewhere.
  func total() -> [Int64] {
    var total = [Int64](UnsafeBufferPointer(start: parts.elements, count: count))
    for worker in 1..<max(workers, 1) {
      let part = self[worker]
      for element in 0..<count { total[element] &+= part[element] }
    }
    return total
  }
}
