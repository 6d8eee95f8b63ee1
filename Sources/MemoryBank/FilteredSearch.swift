import CKernels
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
  func filteredCandidates(_ queries: UnsafeBufferPointer<Float>, k: Int, excluding: [Int]?) -> Candidates? {
    let rows = ownedRows.count
    guard k > 0, !queries.isEmpty else { return Candidates(queries: queries.count / dimension, k: k) }
    // One more, since the one to leave out is struck off only at the end.
    let kept = min(excluding == nil ? k : k + 1, rows)
    guard kept <= 1 << 12, dimension <= 1 << 16 else { return nil }
    return storage.withUnsafeBufferPointer { shard in
      let search = FilteredSearch(
        queries, rows: shard.baseAddress!, dimension: dimension, k: kept, workers: workers.count)
      // Pieces small enough to share out, and large enough to be worth a turn.
      let strip = Shortlists.strip
      let piece = min(1024, max(strip, rows / (4 * workers.count) / strip * strip))
      workers.run(elements: rows, piece: piece) { search.scan($1, worker: $0) }
      guard search.isProven else { return nil }

      var candidates = Candidates(queries: search.count, k: k)
      candidates.neighbours.withUnsafeMutableBufferPointer { neighbours in
        let places = neighbours.baseAddress!
        workers.run(items: search.count) { _, query in
          let found = search.nearest(of: query, firstRow: ownedRows.lowerBound, excluding: excluding?[query])
          for (place, neighbour) in found.prefix(k).enumerated() { places[query * k + place] = neighbour }
        }
      }
      return candidates
    }
  }
}

/// One search of one rank's rows, by all its workers.
private final class FilteredSearch {
  /// Q.
  let count: Int
  private let queries: UnsafePointer<Float>
  private let rows: UnsafePointer<Float>
  private let dimension: Int
  private let k: Int
  /// nil for so few queries that rows are compared with one after the other.
  private let panels: Panels?
  /// Q: the error of a similarity per unit of a row's length.
  private let errors: [Float]
  private let workers: [Worker]

  /// What one worker found in the rows that it was given.
  final class Worker {
    let lists: Shortlists
    /// What no row so far is longer than.
    var length: Float = 0
    /// Similarities in float prove nothing about some row.
    var isProven = true
    /// (32, 32).
    let tile = Scratch<Float>(count: Shortlists.strip * Panels.lanes)

    init(count: Int, k: Int) { lists = Shortlists(count: count, k: k) }
  }

  /// The longest square of a row or query whose similarities cannot overflow.
  private static let longestSquare = 0x1p40
  /// Lengths count for so much more: squares of tiny elements may have vanished.
  private static let lengthVanished = 0x1p-60

  init(_ queries: UnsafeBufferPointer<Float>, rows: UnsafePointer<Float>, dimension: Int, k: Int, workers: Int) {
    count = queries.count / dimension
    let values = queries.baseAddress!
    self.queries = values
    self.rows = rows
    self.dimension = dimension
    self.k = k
    panels = count > 3 ? Panels(queries, dimension: dimension) : nil
    errors = (0..<count).map { query in
      var square = 0.0
      ck_bank_dots(values + query * dimension, values, [Int32(query)], 1, dimension, &square)
      guard square <= Self.longestSquare else { return .nan }
      return Float(Shortlists.error(dimension: dimension) * (square.squareRoot() + Self.lengthVanished))
    }
    // Whole panels: the lanes left over have lists that stay closed.
    let (lists, queries) = (panels.map { $0.number * Panels.lanes } ?? count, count)
    self.workers = (0..<workers).map { _ in
      let worker = Worker(count: lists, k: k)
      for list in queries..<lists { worker.lists.close(list) }
      return worker
    }
  }

  var isProven: Bool { workers.allSatisfy { $0.isProven } && !errors.contains { $0.isNaN } }

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
    let square = ck_bank_largest_square(rows + strip.lowerBound * dimension, strip.count, dimension)
    guard Double(square) <= Self.longestSquare else {
      worker.isProven = false
      return
    }
    let length = square.squareRoot() + Float(Self.lengthVanished)
    guard length > worker.length else { return }
    // A little more, so that the next row that is hardly longer changes nothing.
    worker.length = length * 1.001
    for query in 0..<count { worker.lists.setMargin(errors[query] * worker.length, of: query) }
  }

  private func compare(_ strip: Range<Int>, _ panels: Panels, _ worker: Worker) {
    let (lists, tile) = (worker.lists, worker.tile.elements)
    for panel in 0..<panels.number {
      let first = panel * Panels.lanes
      ck_bank_similarities(rows + strip.lowerBound * dimension, strip.count, dimension, panels[panel], tile)
      _ = ck_bank_shortlist_lanes(
        tile, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements + first, lists.capacity,
        lists.values.elements + first * lists.capacity, lists.numbers.elements + first * lists.capacity,
        lists.counts.elements + first)
    }
  }

  private func compareOneByOne(_ strip: Range<Int>, _ worker: Worker) {
    let (lists, similarities) = (worker.lists, worker.tile.elements)
    for query in 0..<count {
      ck_bank_row_similarities(
        rows + strip.lowerBound * dimension, strip.count, dimension, queries + query * dimension, similarities)
      let (values, numbers, count) = lists.entries(query)
      lists.counts.elements[query] = ck_bank_shortlist(
        similarities, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements[query], values, numbers,
        Int32(count))
    }
  }

  /// Leaves the K nearest on a list that is full of rows too near to tell in float.
  private func settle(_ query: Int, _ lists: Shortlists) {
    let (values, numbers, count) = lists.entries(query)
    let nearest = exact(query, numbers, count)
    let similarities = Dictionary(uniqueKeysWithValues: (0..<count).map { (Int(numbers[$0]), values[$0]) })
    for (place, neighbour) in nearest.prefix(k).enumerated() {
      values[place] = similarities[neighbour.index]!
      numbers[place] = Int32(neighbour.index)
    }
    lists.counts.elements[query] = Int32(k)
    // Rounded down.
    lists.raise(query, to: Float(nearest[k - 1].similarity).nextDown)
  }

  /// These rows in the total order, by their similarities in double.
  private func exact(_ query: Int, _ numbers: UnsafePointer<Int32>, _ count: Int) -> [Neighbour] {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { dots in
      ck_bank_dots(queries + query * dimension, rows, numbers, count, dimension, dots.baseAddress)
      var neighbours = (0..<count).map { Neighbour(similarity: dots[$0], index: Int(numbers[$0])) }
      neighbours.sort { $0.precedes($1) }
      return neighbours
    }
  }

  /// A query's nearest rows, best first, in the total order; of all workers' shortlists.
  func nearest(of query: Int, firstRow: Int, excluding: Int?) -> [Neighbour] {
    let all = Shortlists(joining: workers.map(\.lists), query)
    all.shorten(0)
    let (_, numbers, count) = all.entries(0)
    var nearest = exact(query, numbers, count)
    for place in nearest.indices { nearest[place].index += firstRow }
    if let excluding { nearest.removeAll { $0.index == excluding } }
    return nearest
  }
}
