import CBankKernels
import MPI

// N = bank rows, M = rows of this rank, D = embedding dimension, tau = temperature
// U = rows in a unit, A = neighbours of an anchor

/// All rows compared with all rows, each pair once.
///
/// s_ij and s_ji are one number, to the bit, and so are their exponentials as long as both count from the same maximum:
/// so half of the products and exponentials do. For unit rows that maximum is 1, the similarity of a row with itself.
///
/// Units of U rows travel one after the other to all ranks. Of the pair of units I < J the rank that owns J computes it
/// when I travels if I + J is even, the rank that owns I when J travels if it is odd: so every rank has its part of the
/// work with every unit, and N x N numbers never stand in memory.
struct PairwiseComparison {
  /// U.
  private static let unit = 128
  /// The largest A for which every row has a shortlist: about 100 bytes a neighbour.
  private static let mostNeighbours = 32

  /// N: this rank's part of sum_j e_ij and of sum_j x_ij e_ij, x_ij = (1 - s_ij) / tau, e_ij = exp(-x_ij), in
  /// `FixedPoint.probability`.
  let sums: Scratch<Int64>
  let weighted: Scratch<Int64>
  /// N: each row's nearest among those that this rank compared it with, itself included; of image indices. nil
  /// without shortlists. A closed list was too long: too many rows were too near to tell.
  let nearest: Shortlists?

  let bank: MemoryBank
  /// 1 / tau.
  private let scale: Double
  private let workers: [Worker]

  /// What one worker finds for the rows of the travelling unit.
  private final class Worker {
    /// U each.
    let sums = Scratch<Int64>(repeating: 0, count: unit)
    let weighted = Scratch<Int64>(repeating: 0, count: unit)
    let nearest: Shortlists?
    /// (32, 32).
    let tile = Scratch<Float>(count: Shortlists.strip * Panels.lanes)

    init(k: Int?) { nearest = k.map { Shortlists(count: unit, k: $0) } }
  }

  /// All ranks. Compares all rows; costs N^2 D operations over all ranks.
  ///
  /// - Parameters:
  ///   - bank: of unit rows: `isPossible` said so.
  ///   - neighbours: A; nil when only the sums are of interest. There are no shortlists for more than 32.
  ///   - progress: called after each unit with the number of rows that have travelled.
  init(
    _ bank: MemoryBank, temperature: Double, neighbours: Int?, communicator: Communicator,
    progress: (Int) throws -> Void
  ) throws {
    let rows = bank.sharding.rows
    // One more: the row itself.
    let k = neighbours.flatMap { $0 <= Self.mostNeighbours ? min($0 + 1, rows) : nil }
    self.bank = bank
    scale = 1 / temperature
    sums = Scratch(repeating: 0, count: rows)
    weighted = Scratch(repeating: 0, count: rows)
    nearest = k.map { Shortlists(count: rows, k: $0) }
    workers = (0..<bank.workers.count).map { _ in Worker(k: k) }
    if let nearest {
      let margin = Float(Shortlists.error(dimension: bank.dimension) * (1 + Self.tolerance))
      for row in 0..<rows { nearest.setMargin(margin, of: row) }
    }
    for first in stride(from: 0, to: rows, by: Self.unit) {
      let range = first..<min(first + Self.unit, rows)
      let values = try bank.rows(of: range, communicator)  // all ranks
      values.withUnsafeBufferPointer { compare(range, Panels($0, dimension: bank.dimension)) }
      try progress(range.upperBound)
    }
  }

  // MARK: Unit rows

  /// How far a row's square may be from 1.
  private static let tolerance = 1e-3

  /// All ranks. Whether all rows are so near to unit length that 1 may stand for every maximum.
  ///
  /// The true one is then within a half, in temperatures: a denominator is still at least exp(-1/2), and its terms at
  /// most exp(1/2), so that fixed point holds them as it does those that count from the maximum.
  static func isPossible(_ bank: MemoryBank, temperature: Double, communicator: Communicator) throws -> Bool {
    let dimension = bank.dimension
    let rounding = 2 * Shortlists.error(dimension: dimension)
    let off = Scratch<Double>(repeating: 0, count: bank.workers.count)
    bank.storage.withUnsafeBufferPointer { shard in
      let shard = shard.baseAddress
      bank.workers.run(elements: bank.ownedRows.count, piece: 1024) { worker, range in
        for row in range {
          var square = 0.0
          ck_bank_dots(shard! + row * dimension, shard! + row * dimension, [0], 1, dimension, &square)
          // Not a number is off, too.
          let distance = abs(square - 1) <= tolerance ? abs(square - 1) : .infinity
          off.elements[worker] = max(off.elements[worker], distance)
        }
      }
    }
    let mine = off.buffer.reduce(0, max)
    let agrees = mine <= tolerance && (mine + rounding) / temperature <= 0.5
    return try communicator.allReduce(Int32(agrees ? 1 : 0), .min) == 1  // all ranks
  }

  // MARK: One unit

  /// Compares the travelling unit with those of this rank's rows whose turn it is. Local, on all workers.
  private func compare(_ travelling: Range<Int>, _ panels: Panels) {
    let unit = Self.unit
    let number = travelling.lowerBound / unit
    let owned = bank.ownedRows
    let mine = owned.isEmpty ? 0..<0 : (owned.lowerBound / unit)..<((owned.upperBound - 1) / unit + 1)
    let turns = mine.filter { $0 == number || ($0 > number) == (($0 + number) % 2 == 0) }
      .map { max(owned.lowerBound, $0 * unit)..<min(owned.upperBound, ($0 + 1) * unit) }
    for worker in workers {
      guard let nearest, let lists = worker.nearest else { continue }
      for lane in 0..<unit {
        if lane < travelling.count {
          lists.restart(lane, as: nearest, travelling.lowerBound + lane)
        } else {
          lists.close(lane)
        }
      }
    }
    bank.storage.withUnsafeBufferPointer { shard in
      let shard = shard.baseAddress
      bank.workers.run(items: turns.count) { worker, turn in
        let range = turns[turn]
        for first in stride(from: range.lowerBound, to: range.upperBound, by: Shortlists.strip) {
          let strip = first..<min(first + Shortlists.strip, range.upperBound)
          let rows = shard! + (first - owned.lowerBound) * bank.dimension
          for panel in 0..<panels.number {
            compare(strip, rows, panels, panel, first: travelling.lowerBound, workers[worker])
          }
        }
      }
    }
    bank.workers.run(elements: travelling.count, piece: 16) { _, lanes in
      for lane in lanes { collect(lane, row: travelling.lowerBound + lane) }
    }
  }

  /// Compares one panel of the travelling unit, which begins with row `first`, with a strip of this rank's rows.
  private func compare(
    _ strip: Range<Int>, _ rows: UnsafePointer<Float>, _ panels: Panels, _ panel: Int, first: Int, _ worker: Worker
  ) {
    let (tile, start) = (worker.tile.elements, panel * Panels.lanes)
    ck_bank_similarities(rows, strip.count, bank.dimension, panels[panel], tile)
    for lane in panels.lanes(in: panel)..<Panels.lanes {
      // Exponential 0, and on nobody's shortlist.
      for row in 0..<strip.count { tile[row * Panels.lanes + lane] = -.infinity }
    }
    let (laneSums, laneWeighted) = (worker.sums.elements + start, worker.weighted.elements + start)
    // In a unit compared with itself every pair comes twice, so each counts for its lane alone.
    let isSame = strip.lowerBound / Self.unit == first / Self.unit
    if isSame {
      ck_bank_entropy_sums(tile, strip.count, Self.ones, scale, laneSums, laneWeighted)
    } else {
      ck_bank_pair_sums(
        tile, strip.count, scale, laneSums, laneWeighted, sums.elements + strip.lowerBound,
        weighted.elements + strip.lowerBound)
    }

    guard let nearest, let lists = worker.nearest else { return }
    let most = ck_bank_shortlist_lanes(
      tile, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements + start, lists.capacity,
      lists.values.elements + start * lists.capacity, lists.numbers.elements + start * lists.capacity,
      lists.counts.elements + start)
    if most > lists.most { lists.makeRoom(start..<(start + Panels.lanes), full: lists.close) }
    guard !isSame else { return }
    let row = strip.lowerBound
    let mostOfRows = ck_bank_shortlist_rows(
      tile, strip.count, Int32(first + start), nearest.cutoffs.elements + row, nearest.capacity,
      nearest.values.elements + row * nearest.capacity, nearest.numbers.elements + row * nearest.capacity,
      nearest.counts.elements + row)
    if mostOfRows > nearest.most { nearest.makeRoom(strip, full: nearest.close) }
  }

  /// As maxima.
  private static let ones = [Float](repeating: 1, count: Panels.lanes)

  /// Adds what the workers found for one lane of the travelling unit to what is known of its row.
  private func collect(_ lane: Int, row: Int) {
    for worker in workers {
      sums.elements[row] &+= worker.sums.elements[lane]
      weighted.elements[row] &+= worker.weighted.elements[lane]
      worker.sums.elements[lane] = 0
      worker.weighted.elements[lane] = 0
      guard let nearest, let lists = worker.nearest else { continue }
      lists.shorten(lane)
      if nearest.isClosed(row) || lists.isClosed(lane) || !nearest.hasRoom(for: lists.entries(lane).count, in: row) {
        nearest.close(row)
      } else {
        nearest.append(lists, lane, to: row)
      }
    }
  }
}
