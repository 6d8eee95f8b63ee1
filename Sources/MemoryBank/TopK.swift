public import MPI

// K = neighbours looked up, N = bank rows, M = rows of this rank, Q = queries, D = embedding dimension

/// One found prototype.
public struct Neighbour: Sendable, Equatable {
  /// The dot product in double: a cosine, up to the rounding of unit rows to float.
  public var similarity: Double
  /// The row, an image index.
  public var index: Int

  public init(similarity: Double, index: Int) {
    self.similarity = similarity
    self.index = index
  }

  /// The total order of a search: similarity descending, then index ascending.
  public func precedes(_ other: Neighbour) -> Bool {
    similarity != other.similarity ? similarity > other.similarity : index < other.index
  }
}

extension MemoryBank {
  /// Queries that are looked up together: their candidates travel in one gather.
  static let queryBlock = 64

  /// For each query its K nearest rows, similarity descending, then index ascending. All ranks.
  ///
  /// Exactly what a search of the whole bank finds, for any sharding: each rank's K nearest of its own rows are
  /// gathered and merged in the total order. Costs 2 Q N D operations over all ranks.
  ///
  /// - Parameters:
  ///   - queries: (Q, D), rows of unit length, equal on all ranks.
  ///   - k: 1 or more.
  ///   - excluding: for each query a row that does not count (its own), or nil for none.
  /// - Returns: for each query K neighbours, or as many as there are rows that count. Equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a query or a row is not finite; `MPIError`.
  public func nearest(
    _ queries: [Float], k: Int, excluding: [Int]?, communicator: Communicator
  ) throws -> [[Neighbour]] {
    let count = queries.count / dimension
    precondition(
      queries.count == count * dimension, "\(queries.count) values for queries of dimension \(dimension)")
    precondition(k > 0, "the \(k) nearest rows were asked for, expected 1 or more")
    precondition(
      excluding.map { $0.count == count } ?? true, "\(excluding?.count ?? 0) rows to leave out for \(count) queries")
    try MemoryBankError.check(embeddings: queries, dimension: dimension)

    var nearest: [[Neighbour]] = []
    nearest.reserveCapacity(count)
    for first in stride(from: 0, to: count, by: Self.queryBlock) {
      let block = first..<min(first + Self.queryBlock, count)
      let candidates = candidates(
        queries[(block.lowerBound * dimension)..<(block.upperBound * dimension)], k: k, excluding: excluding?[block])
      let gathered = try communicator.allGatherV(candidates.packed)  // all ranks
      nearest += try Candidates.merge(gathered, queries: block.count, k: k)
    }
    return nearest
  }

  /// The K nearest of this rank's rows. Local.
  ///
  /// - Parameter queries: (Q, D).
  func candidates(_ queries: ArraySlice<Float>, k: Int, excluding: ArraySlice<Int>?) -> Candidates {
    let owned = ownedRows
    var products = DotProducts(queries: queries, dimension: dimension)
    var candidates = Candidates(queries: products.queries, k: min(k, owned.count))
    let excluded = excluding.map(Array.init) ?? []
    shard.withUnsafeBufferPointer { shard in
      for first in stride(from: 0, to: owned.count, by: Sharding.granule) {
        let count = min(Sharding.granule, owned.count - first)
        let rows = UnsafeBufferPointer(rebasing: shard[(first * dimension)..<((first + count) * dimension)])
        products.compare(rows) { dots in
          for query in 0..<candidates.queries {
            for row in 0..<count where dots[query * Sharding.granule + row] > candidates.thresholds[query] {
              let index = owned.lowerBound + first + row
              guard excluded.isEmpty || excluded[query] != index else { continue }
              candidates.offer(
                Neighbour(similarity: dots[query * Sharding.granule + row], index: index), to: query)
            }
          }
        }
      }
    }
    candidates.faults = products.faults
    return candidates
  }
}

/// One rank's K best rows for each query.
struct Candidates {
  /// Q.
  let queries: Int
  /// What a similarity must exceed to be worth an offer: -infinity until a query has K rows. Rows come in ascending
  /// order, so that an equal one is too late.
  private(set) var thresholds: [Double]
  /// Values met that are not finite.
  var faults: Int64 = 0
  /// K here: at most the rows of this rank.
  private let k: Int
  /// (Q, K): a heap for each query, the worst at its root.
  private var heaps: [Neighbour]
  /// Q: how much of each heap is in use.
  private var counts: [Int]

  init(queries: Int, k: Int) {
    self.queries = queries
    self.k = k
    thresholds = [Double](repeating: k > 0 ? -.infinity : .infinity, count: queries)
    heaps = [Neighbour](repeating: Neighbour(similarity: -.infinity, index: -1), count: queries * k)
    counts = [Int](repeating: 0, count: queries)
  }

  /// Keeps a row that is among the query's K best so far. O(log K).
  mutating func offer(_ neighbour: Neighbour, to query: Int) {
    let root = query * k
    if counts[query] < k {
      // Up from the first free place, while its parent is better.
      var place = counts[query]
      counts[query] += 1
      while place > 0, heaps[root + (place - 1) / 2].precedes(neighbour) {
        heaps[root + place] = heaps[root + (place - 1) / 2]
        place = (place - 1) / 2
      }
      heaps[root + place] = neighbour
    } else if neighbour.precedes(heaps[root]) {
      // Down from the root, in place of the worst, while a child is worse.
      var place = 0
      while 2 * place + 1 < k {
        let left = 2 * place + 1
        let worse = left + 1 < k && heaps[root + left].precedes(heaps[root + left + 1]) ? left + 1 : left
        guard neighbour.precedes(heaps[root + worse]) else { break }
        heaps[root + place] = heaps[root + worse]
        place = worse
      }
      heaps[root + place] = neighbour
    }
    if counts[query] == k { thresholds[query] = heaps[root].similarity }
  }

  // MARK: Between ranks

  /// The faults, then for each query K pairs of a similarity's bits and an index, in no order; -1 is an empty place.
  var packed: [Int64] {
    var packed = [faults]
    packed.reserveCapacity(1 + 2 * heaps.count)
    for neighbour in heaps {
      packed.append(Int64(bitPattern: neighbour.similarity.bitPattern))
      packed.append(Int64(neighbour.index))
    }
    return packed
  }

  /// Each query's K best of all ranks, from what each rank packed. Equal on all ranks, and so is the error.
  static func merge(_ parts: [[Int64]], queries: Int, k: Int) throws(MemoryBankError) -> [[Neighbour]] {
    try MemoryBankError.check(faults: parts.reduce(0) { $0 + $1[0] }, step: "search")
    return (0..<queries).map { query in
      var found: [Neighbour] = []
      for part in parts {
        let pairs = (part.count - 1) / 2 / queries
        for pair in (query * pairs)..<((query + 1) * pairs) {
          let index = Int(part[2 + 2 * pair])
          guard index >= 0 else { continue }
          let similarity = Double(bitPattern: UInt64(bitPattern: part[1 + 2 * pair]))
          found.append(Neighbour(similarity: similarity, index: index))
        }
      }
      return Array(found.sorted { $0.precedes($1) }.prefix(k))
    }
  }
}
