import CBankKernels
import Platform

// K = neighbours looked up, M = rows of this rank, Q = queries, D = embedding dimension, P = panels of 32 queries

extension MemoryBank {
  /// The K nearest of this rank's rows: exactly those of `clearCandidates`, by way of a small copy. Local, on all workers.
  ///
  /// Keys of the copy, which are never too low, say which rows may be among the K nearest; those are then compared in double.
  ///
  /// - Parameters:
  ///   - queries: (Q, D), finite.
  ///   - k: at most the rows of this rank.
  /// - Returns: nil where there is no copy or it tells too few rows apart.
  func smallCandidates(
    _ queries: UnsafeBufferPointer<Float>, k: Int, excluding: [Int]?, by metric: SearchMetric
  ) -> Candidates? {
    guard k > 0, !queries.isEmpty, let kept = keptOnShortlists(k: k, excluding: excluding) else { return nil }
    return storage.withUnsafeBufferPointer { shard in
      guard
        let copy = smallCopies.copy(of: copied(shard), queries: queries.count / dimension, use: smallCopyUse),
        let search = SmallSearch(
          queries, rows: shard.baseAddress!, copy: copy, dimension: dimension, k: kept, metric: metric,
          workers: workers.count, rowCount: ownedRows.count)
      else { return nil }
      workers.run(elements: ownedRows.count, piece: scanPiece) { search.scan($1, worker: $0) }
      guard search.isWorthwhile else {
        smallCopies.failed()
        return nil
      }
      return gathered(queries: search.count, k: k, excluding: excluding) { search.nearest(of: $0) }
    }
  }

  /// Makes the small copy of this rank's rows now, if `smallCopyUse`, their number and the memory allow it. Local.
  ///
  /// A search makes it when it pays: after as much was read without it as making it costs.
  ///
  /// - Returns: its size in bytes, or nil.
  @discardableResult
  public func makeSmallCopy() -> Int? {
    guard !ownedRows.isEmpty else { return nil }
    return storage.withUnsafeBufferPointer { shard in
      smallCopies.made(of: copied(shard), use: smallCopyUse).map { _ in
        SmallCopy.bytes(rows: ownedRows.count, dimension: dimension)
      }
    }
  }

  private func copied(_ shard: UnsafeBufferPointer<Float>) -> SmallCopies.Shard {
    SmallCopies.Shard(rows: shard, dimension: dimension, bankRows: sharding.rows, workers: workers)
  }
}

/// One search of a small copy of one rank's rows, by all its workers.
private final class SmallSearch {
  /// Q.
  let count: Int
  private let copy: SmallCopy
  private let comparison: ExactComparison
  private let k: Int
  private let workers: [Worker]
  /// Whether queries are compared 32 at a time.
  private let hasPanels: Bool
  /// (P, S, 32) in the kernels' order, or (Q, S rounded up to a multiple of 64).
  private let bytes: Scratch<Int8>
  private let bytesOfOne: Int
  /// P.
  private let traits: Scratch<ck_bank_small_queries>
  /// Q: what is added to a similarity in double, or half of it, for the key; and how far the two together may be off.
  private let bases: [Double]
  private let slacks: [Double]
  /// How many comparisons in double by one worker show that the copy is of no use.
  private let mostCompared: Int

  /// What one worker found in the rows that it was given.
  final class Worker {
    /// By keys that are never too low. Cutoffs are those of `SmallSearch.cutoff`.
    let lists: Shortlists
    /// Comparisons in double.
    var compared = 0
    /// (32, 32) each.
    let products = Scratch<Int32>(count: Shortlists.strip * Panels.lanes)
    let keys = Scratch<Float>(count: Shortlists.strip * Panels.lanes)

    init(count: Int, k: Int) {
      // With room for many, few settlings are needed, each of which compares K rows in double.
      lists = Shortlists(count: count, k: k, capacity: max(3 * k, min(8 * k, 1024)) + 4 * Shortlists.strip)
    }
  }

  /// nil where a query is too long.
  init?(
    _ queries: UnsafeBufferPointer<Float>, rows: UnsafePointer<Float>, copy: SmallCopy, dimension: Int, k: Int,
    metric: SearchMetric, workers: Int, rowCount: Int
  ) {
    let (count, stride, values) = (queries.count / dimension, copy.stride, queries.baseAddress!)
    self.count = count
    self.copy = copy
    self.k = k
    comparison = ExactComparison(
      queries: values, rows: rows, dimension: dimension, metric: metric, squares: copy.squares)
    mostCompared = count * (32 * k + 2048 + rowCount / 128)
    let panels = Panels.number(of: count)
    hasPanels = count > Int(ck_bank_small_most_single_queries())
    bytesOfOne = hasPanels ? stride * Panels.lanes : (stride + 63) / 64 * 64
    bytes = Scratch(repeating: 0, count: bytesOfOne * (hasPanels ? panels : count))
    traits = Scratch(repeating: ck_bank_small_queries(), count: panels)

    let centre = metric == .euclidean ? copy.centre : [Float](repeating: 0, count: dimension)
    let codes = Scratch<UInt8>(count: Panels.lanes * stride)
    var (bases, slacks): ([Double], [Double]) = ([], [])
    for query in 0..<count {
      let (panel, lane, vector) = (query / Panels.lanes, query % Panels.lanes, values + query * dimension)
      let code = codes.elements + lane * stride
      let trait = ck_bank_small_vector(vector, centre, dimension, stride, code)
      guard Double(trait.length) <= SmallCopy.longestVector else { return nil }
      // The key's own additions and products round, too, each by 2^-24 of its parts.
      let room: Float = 1 + 0x1p-19
      traits.elements[panel].set(
        lane, scale: trait.scale, length: trait.length * room,
        residual: (trait.residual + 0x1p-20 * (trait.length + trait.residual)) * room,
        excess: 128 * (0..<stride).reduce(0) { $0 + Int32(code[$1]) - 128 })
      if !hasPanels {
        for element in 0..<stride {
          bytes.elements[query * bytesOfOne + element] = Int8(truncatingIfNeeded: Int(code[element]) - 128)
        }
      } else if lane == Panels.lanes - 1 || query == count - 1 {
        ck_bank_small_panel(codes.elements, lane + 1, stride, bytes.elements + panel * bytesOfOne)
      }
      let length = SearchMetric.square(vector, dimension: dimension).squareRoot()
      switch metric {
      case .euclidean:
        bases.append((0..<dimension).reduce(0) { $0 + pow2(Double(vector[$1]) - Double(centre[$1])) } / 2)
      case .dotProduct:
        bases.append(-(0..<dimension).reduce(0) { $0 + Double(vector[$1]) * Double(copy.centre[$1]) })
      }
      // Chains of D products in double, of the similarity and of the base; and numbers too small for floats.
      slacks.append(Double(dimension + 8) * 0x1p-50 * pow2(length + copy.longest) + 0x1p-100)
    }
    (self.bases, self.slacks) = (bases, slacks)
    // Whole panels: the lanes left over have lists that stay closed.
    let lists = hasPanels ? panels * Panels.lanes : count
    self.workers = (0..<workers).map { _ in
      let worker = Worker(count: lists, k: k)
      for list in count..<lists { worker.lists.close(list) }
      return worker
    }
  }

  var isWorthwhile: Bool { workers.allSatisfy { $0.compared <= mostCompared } }

  /// Puts those of these rows that may be among the nearest on the worker's shortlists.
  func scan(_ range: Range<Int>, worker: Int) {
    let worker = workers[worker]
    let lists = worker.lists
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Shortlists.strip) {
      guard worker.compared <= mostCompared else { return }
      let strip = first..<min(first + Shortlists.strip, range.upperBound)
      if hasPanels { compare(strip, worker) } else { compareOneByOne(strip, worker) }
      for query in 0..<count where Int(lists.counts.elements[query]) > lists.most { settle(query, worker) }
    }
  }

  private var squares: Float { comparison.metric == .euclidean ? 1 : 0 }

  private func compare(_ strip: Range<Int>, _ worker: Worker) {
    let (lists, rows) = (worker.lists, copy.bytes + strip.lowerBound * copy.stride)
    for panel in 0..<traits.count {
      let first = panel * Panels.lanes
      ck_bank_small_products(
        rows, strip.count, copy.stride, bytes.elements + panel * bytesOfOne, worker.products.elements)
      ck_bank_small_keys(
        worker.products.elements, strip.count, copy.traits + strip.lowerBound / Shortlists.strip,
        traits.elements + panel, squares, worker.keys.elements)
      _ = ck_bank_shortlist_lanes(
        worker.keys.elements, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements + first, lists.capacity,
        lists.values.elements + first * lists.capacity, lists.numbers.elements + first * lists.capacity,
        lists.counts.elements + first)
    }
  }

  private func compareOneByOne(_ strip: Range<Int>, _ worker: Worker) {
    let (lists, rows) = (worker.lists, copy.bytes + strip.lowerBound * copy.stride)
    for query in 0..<count {
      ck_bank_small_row_products(
        rows, strip.count, copy.stride, bytes.elements + query * bytesOfOne, worker.products.elements)
      ck_bank_small_row_keys(
        worker.products.elements, strip.count, copy.traits + strip.lowerBound / Shortlists.strip,
        traits.elements + query / Panels.lanes, query % Panels.lanes, squares, worker.keys.elements)
      let (values, numbers, count) = lists.entries(query)
      lists.counts.elements[query] = ck_bank_shortlist(
        worker.keys.elements, strip.count, Int32(strip.lowerBound), lists.cutoffs.elements[query], values, numbers,
        Int32(count))
    }
  }

  // MARK: Who is among the nearest

  /// What a row's key is not below when its similarity in double is this one or more.
  private func cutoff(_ query: Int, _ similarity: Double) -> Float {
    let key = comparison.metric == .euclidean ? similarity / 2 : similarity
    return Float(key + bases[query] - slacks[query]).nextDown
  }

  /// Compares about K rows of the highest keys in double, and strikes off what cannot be nearer than the K-th of them.
  /// Returns how many were compared.
  private func narrow(_ query: Int, _ lists: Shortlists, _ list: Int) -> Int {
    let (values, numbers, count) = lists.entries(list)
    guard count > k else { return 0 }
    let bound = ck_bank_lower_bound(values, count, k)
    let best = (0..<count).filter { values[$0] >= bound }.map { numbers[$0] }
    let nearest = comparison.neighbours(of: query, best, best.count)
    lists.raise(list, to: cutoff(query, nearest[k - 1].similarity))
    lists.counts.elements[list] = ck_bank_keep(values, numbers, Int32(count), lists.cutoffs.elements[list])
    return best.count
  }

  /// Strikes off what the copy alone shows to be farther than K others.
  ///
  /// As a key is too high by at most twice its bounds, and those of the half square's rounding, K rows are known to have keys
  /// of at least the K-th largest of what is left of them.
  private func narrowByBounds(_ query: Int, _ lists: Shortlists) {
    let (values, numbers, count) = lists.entries(query)
    guard count > k else { return }
    let (length, residual) = self.traits.elements[query / Panels.lanes].bounds(of: query % Panels.lanes)
    let halfSquareOff = 4 * squares * Float(Shortlists.error(dimension: comparison.dimension))
    let room: Float = 1 + 0x1p-19
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { lows in
      for place in 0..<count {
        let row = copy.bounds(of: Int(numbers[place]))
        let width = 2 * (length * row.residual + residual * row.length) + halfSquareOff * row.halfSquare
        lows[place] = values[place] - width * room
      }
      let least = Double(ck_bank_lower_bound(lows.baseAddress!, count, k))
      lists.raise(query, to: Float(least - 2 * slacks[query] - 0x1p-22 * abs(least)).nextDown)
    }
    lists.counts.elements[query] = ck_bank_keep(values, numbers, Int32(count), lists.cutoffs.elements[query])
  }

  /// Makes room on a full list.
  private func settle(_ query: Int, _ worker: Worker) {
    let lists = worker.lists
    narrowByBounds(query, lists)
    if Int(lists.counts.elements[query]) > lists.most / 2 { worker.compared += narrow(query, lists, query) }
    let (values, numbers, count) = lists.entries(query)
    guard count > lists.most / 2 else { return }
    // The copy cannot tell these: K of them are left.
    let nearest = comparison.neighbours(of: query, numbers, count)
    worker.compared += count
    let keys = Dictionary(uniqueKeysWithValues: (0..<count).map { (Int(numbers[$0]), values[$0]) })
    for (place, neighbour) in nearest.prefix(k).enumerated() {
      values[place] = keys[neighbour.index]!
      numbers[place] = Int32(neighbour.index)
    }
    lists.counts.elements[query] = Int32(k)
    lists.raise(query, to: cutoff(query, nearest[k - 1].similarity))
  }

  /// A query's nearest rows, best first, in the total order; of all workers' shortlists.
  func nearest(of query: Int) -> [Neighbour] {
    let all = Shortlists(joining: workers.map(\.lists), query)
    _ = narrow(query, all, 0)
    let (_, numbers, count) = all.entries(0)
    return comparison.neighbours(of: query, numbers, count)
  }
}

private func pow2(_ value: Double) -> Double { value * value }

extension ck_bank_small_queries {
  /// |f| and |h| of one query, with room for rounding.
  fileprivate func bounds(of lane: Int) -> (length: Float, residual: Float) {
    withUnsafeBytes(of: lengths) { lengths in
      withUnsafeBytes(of: residuals) { residuals in
        (lengths.bindMemory(to: Float.self)[lane], residuals.bindMemory(to: Float.self)[lane])
      }
    }
  }

  /// Sets what is known of one query.
  fileprivate mutating func set(_ lane: Int, scale: Float, length: Float, residual: Float, excess: Int32) {
    withUnsafeMutableBytes(of: &scales) { $0.bindMemory(to: Float.self)[lane] = scale }
    withUnsafeMutableBytes(of: &lengths) { $0.bindMemory(to: Float.self)[lane] = length }
    withUnsafeMutableBytes(of: &residuals) { $0.bindMemory(to: Float.self)[lane] = residual }
    withUnsafeMutableBytes(of: &self.excess) { $0.bindMemory(to: Int32.self)[lane] = excess }
  }
}
