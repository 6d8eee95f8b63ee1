import CBankKernels
import Platform

// K = neighbours looked up, M = rows of this rank, Q = queries, D = embedding dimension

extension MemoryBank {
  /// The K nearest of this rank's rows: exactly those of `clearCandidates`, sooner. Local, on all workers.
  ///
  /// Similarities in float, of all rows, only say which rows may be among the K nearest (`Shortlists`); those few are then
  /// compared in double. A row is read once for all queries.
  ///
  /// - Parameters:
  ///   - queries: (Q, D), finite.
  ///   - k: at most the rows of this rank.
  /// - Returns: nil where similarities in float prove nothing: rows or queries that are not finite or are longer than
  ///   2^20, or too many neighbours or dimensions.
  func filteredCandidates(
    _ queries: UnsafeBufferPointer<Float>, k: Int, excluding: [Int]?, by metric: SearchMetric
  ) -> Candidates? {
    guard k > 0, !queries.isEmpty else { return Candidates(queries: queries.count / dimension, k: k) }
    guard let kept = keptOnShortlists(k: k, excluding: excluding) else { return nil }
    return storage.withUnsafeBufferPointer { shard in
      let search = FilteredSearch(
        queries, rows: shard.baseAddress!, dimension: dimension, k: kept, metric: metric, workers: workers.count)
      workers.run(elements: ownedRows.count, piece: scanPiece) { search.scan($1, worker: $0) }
      guard search.isProven else { return nil }
      return gathered(queries: search.count, k: k, excluding: excluding) { search.nearest(of: $0) }
    }
  }

  // MARK: What all filters have in common

  /// How many rows a shortlist must keep for K neighbours; nil for too many neighbours or dimensions.
  func keptOnShortlists(k: Int, excluding: [Int]?) -> Int? {
    // One more, since the one to leave out is struck off only at the end.
    let kept = min(excluding == nil ? k : k + 1, ownedRows.count)
    return kept <= 1 << 12 && dimension <= 1 << 16 ? kept : nil
  }

  /// Rows that a worker scans at a time: few enough to share out, and enough to be worth a turn.
  var scanPiece: Int {
    let strip = Shortlists.strip
    return min(1024, max(strip, ownedRows.count / (4 * workers.count) / strip * strip))
  }

  /// Each query's K nearest of this rank's rows, on all workers.
  ///
  /// - Parameter nearest: a query's nearest rows, best first, numbered from the shard's first.
  func gathered(
    queries: Int, k: Int, excluding: [Int]?, nearest: @escaping (Int) -> [Neighbour]
  ) -> Candidates {
    var candidates = Candidates(queries: queries, k: k)
    candidates.neighbours.withUnsafeMutableBufferPointer { neighbours in
      let places = neighbours.baseAddress!
      workers.run(items: queries) { _, query in
        var found = nearest(query)
        for place in found.indices { found[place].index += ownedRows.lowerBound }
        if let excluded = excluding?[query] { found.removeAll { $0.index == excluded } }
        for (place, neighbour) in found.prefix(k).enumerated() { places[query * k + place] = neighbour }
      }
    }
    return candidates
  }
}

/// One search of one rank's rows, by all its workers.
///
/// What is compared in float is a key, the same order as the similarity's: the dot product itself, or f . m - |m|^2 / 2,
/// which is (|f|^2 - |f - m|^2) / 2.
private final class FilteredSearch {
  /// Q.
  let count: Int
  private let queries: UnsafePointer<Float>
  private let rows: UnsafePointer<Float>
  private let dimension: Int
  private let k: Int
  private let metric: SearchMetric
  private let comparison: ExactComparison
  /// nil for so few queries that rows are compared with one after the other.
  private let panels: Panels?
  /// Q: |f|^2, not a number where it is too long.
  private let squares: [Double]
  private let workers: [Worker]

  /// What one worker found in the rows that it was given.
  final class Worker {
    let lists: Shortlists
    /// What no row so far is longer than.
    var length: Float = 0
    /// Keys in float prove nothing about some row.
    var isProven = true
    /// (32, 32).
    let tile = Scratch<Float>(count: Shortlists.strip * Panels.lanes)
    /// (32): the rows' squares.
    let squares = Scratch<Float>(count: Shortlists.strip)

    init(count: Int, k: Int) { lists = Shortlists(count: count, k: k) }
  }

  /// The longest square of a row or query whose similarities cannot overflow.
  private static let longestSquare = 0x1p40
  /// Lengths count for so much more: squares of tiny elements may have vanished.
  private static let lengthVanished = 0x1p-60

  init(
    _ queries: UnsafeBufferPointer<Float>, rows: UnsafePointer<Float>, dimension: Int, k: Int, metric: SearchMetric,
    workers: Int
  ) {
    count = queries.count / dimension
    let values = queries.baseAddress!
    self.queries = values
    self.rows = rows
    self.dimension = dimension
    self.k = k
    self.metric = metric
    comparison = ExactComparison(queries: values, rows: rows, dimension: dimension, metric: metric)
    panels = count > 3 ? Panels(queries, dimension: dimension) : nil
    squares = (0..<count).map { query in
      let square = SearchMetric.square(values + query * dimension, dimension: dimension)
      return square <= Self.longestSquare ? square : .nan
    }
    // Whole panels: the lanes left over have lists that stay closed.
    let (lists, queries) = (panels.map { $0.number * Panels.lanes } ?? count, count)
    self.workers = (0..<workers).map { _ in
      let worker = Worker(count: lists, k: k)
      for list in queries..<lists { worker.lists.close(list) }
      return worker
    }
  }

  var isProven: Bool { workers.allSatisfy { $0.isProven } && !squares.contains { $0.isNaN } }

  /// Puts those of these rows that may be among the nearest on the worker's shortlists.
  func scan(_ range: Range<Int>, worker: Int) {
    let worker = workers[worker]
    let lists = worker.lists
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Shortlists.strip) {
      guard worker.isProven else { return }
      let strip = first..<min(first + Shortlists.strip, range.upperBound)
      measure(strip, worker)
      if let panels { compare(strip, panels, worker) } else { compareOneByOne(strip, worker) }
      lists.makeRoom(0..<count) { settle($0, lists) }
    }
  }

  /// Makes the margins wide enough for the longest of these rows.
  private func measure(_ strip: Range<Int>, _ worker: Worker) {
    let square = ck_bank_row_squares(
      rows + strip.lowerBound * dimension, strip.count, dimension, worker.squares.elements)
    guard Double(square) <= Self.longestSquare else {
      worker.isProven = false
      return
    }
    let length = square.squareRoot() + Float(Self.lengthVanished)
    guard length > worker.length else { return }
    // A little more, so that the next row that is hardly longer changes nothing.
    worker.length = length * 1.001
    for query in 0..<count { worker.lists.setMargin(margin(of: query, length: worker.length), of: query) }
  }

  /// How far a key in float may be off, for rows of this length: the dot product's error and, where it is subtracted, that of
  /// half a square, each of them D terms.
  private func margin(of query: Int, length: Float) -> Float {
    let error = Shortlists.error(dimension: dimension)
    let (own, other) = (squares[query].squareRoot() + Self.lengthVanished, Double(length))
    return Float(error * other * (metric == .euclidean ? own + other / 2 : own))
  }

  private func compare(_ strip: Range<Int>, _ panels: Panels, _ worker: Worker) {
    let (lists, tile) = (worker.lists, worker.tile.elements)
    for panel in 0..<panels.number {
      let first = panel * Panels.lanes
      ck_bank_similarities(rows + strip.lowerBound * dimension, strip.count, dimension, panels[panel], tile)
      if metric == .euclidean {
        ck_bank_subtract_half_squares(tile, strip.count, Panels.lanes, worker.squares.elements)
      }
      _ = ck_bank_shortlist_lanes(
        tile, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements + first, lists.capacity,
        lists.values.elements + first * lists.capacity, lists.numbers.elements + first * lists.capacity,
        lists.counts.elements + first)
    }
  }

  private func compareOneByOne(_ strip: Range<Int>, _ worker: Worker) {
    let (lists, keys) = (worker.lists, worker.tile.elements)
    for query in 0..<count {
      ck_bank_row_similarities(
        rows + strip.lowerBound * dimension, strip.count, dimension, queries + query * dimension, keys)
      if metric == .euclidean { ck_bank_subtract_half_squares(keys, strip.count, 1, worker.squares.elements) }
      let (values, numbers, count) = lists.entries(query)
      lists.counts.elements[query] = ck_bank_shortlist(
        keys, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements[query], values, numbers,
        Int32(count))
    }
  }

  /// Leaves the K nearest on a list that is full of rows too near to tell in float.
  private func settle(_ query: Int, _ lists: Shortlists) {
    let (values, numbers, count) = lists.entries(query)
    let nearest = comparison.neighbours(of: query, numbers, count)
    let keys = Dictionary(uniqueKeysWithValues: (0..<count).map { (Int(numbers[$0]), values[$0]) })
    for (place, neighbour) in nearest.prefix(k).enumerated() {
      values[place] = keys[neighbour.index]!
      numbers[place] = Int32(neighbour.index)
    }
    lists.counts.elements[query] = Int32(k)
    // Rounded down.
    let last = nearest[k - 1].similarity
    lists.raise(query, to: Float(metric == .euclidean ? (squares[query] + last) / 2 : last).nextDown)
  }

  /// A query's nearest rows, best first, in the total order; of all workers' shortlists.
  func nearest(of query: Int) -> [Neighbour] {
    let all = Shortlists(joining: workers.map(\.lists), query)
    all.shorten(0)
    let (_, numbers, count) = all.entries(0)
    return comparison.neighbours(of: query, numbers, count)
  }
}
