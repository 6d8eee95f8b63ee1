public import MPI

// K = neighbours looked up, N = bank rows, M = rows of this rank, Q = queries, D = embedding dimension

/// What makes a row near.
public enum SearchMetric: Sendable {
  /// z . m: the cosine, for unit vectors. Training's.
  case dotProduct
  /// -|f - m|^2, as -(|f|^2 - 2 f . m + |m|^2) of exact products: for vectors whose lengths count. Scoring's.
  case euclidean
}

/// One found prototype.
public struct Neighbour: Sendable, Equatable {
  /// By `SearchMetric`, in double: a dot product, or minus a squared distance.
  public var similarity: Double
  /// The row, an image index.
  public var index: Int

  public init(similarity: Double, index: Int) {
    self.similarity = similarity
    self.index = index
  }

  /// |f - m|^2 of a Euclidean search.
  public var squaredDistance: Double { -similarity }

  /// The total order of a search: similarity descending, then index ascending.
  public func precedes(_ other: Neighbour) -> Bool {
    similarity != other.similarity ? similarity > other.similarity : index < other.index
  }
}

extension MemoryBank {
  /// Queries that are looked up together: their candidates travel in one gather.
  public static let queryBlock = 128

  /// For each query its K nearest rows by `metric`, similarity descending, then index ascending. All ranks.
  ///
  /// Exactly what a search of the whole bank finds, for any sharding: each rank's K nearest of its own rows are
  /// gathered and merged in the total order. Costs 2 Q N D operations over all ranks.
  ///
  /// - Parameters:
  ///   - queries: (Q, D), equal on all ranks.
  ///   - k: 1 or more.
  ///   - excluding: for each query a row that does not count (its own), or nil for none.
  /// - Returns: for each query K neighbours, or as many as there are rows that count. Equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a query or a row is not finite; `MPIError`.
  public func nearest(
    _ queries: [Float], k: Int, excluding: [Int]?, by metric: SearchMetric, communicator: Communicator
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
        queries[(block.lowerBound * dimension)..<(block.upperBound * dimension)], k: k, excluding: excluding?[block],
        by: metric)
      nearest += try candidates.ofAllRanks(k: k, communicator)  // all ranks
    }
    return nearest
  }

  /// The K nearest of this rank's rows. Local.
  ///
  /// - Parameter queries: (Q, D).
  func candidates(
    _ queries: ArraySlice<Float>, k: Int, excluding: ArraySlice<Int>?, by metric: SearchMetric
  ) -> Candidates {
    queries.withUnsafeBufferPointer { queries in
      let excluding = excluding.map(Array.init)
      let k = min(k, ownedRows.count)
      return smallCandidates(queries, k: k, excluding: excluding, by: metric)
        ?? filteredCandidates(queries, k: k, excluding: excluding, by: metric)
        ?? clearCandidates(queries, k: k, excluding: excluding, by: metric)
    }
  }
}

/// One rank's K best rows for each query.
struct Candidates {
  /// Q.
  let queries: Int
  /// K here: at most the rows of this rank.
  let k: Int
  /// Values met that are not finite.
  var faults: Int64 = 0
  /// (Q, K), best first. Places left over come last and have the index -1.
  var neighbours: [Neighbour]

  init(queries: Int, k: Int) {
    self.queries = queries
    self.k = k
    neighbours = [Neighbour](repeating: Neighbour(similarity: -.infinity, index: -1), count: queries * k)
  }

  // MARK: Between ranks

  /// Each query's K best of all ranks. All ranks.
  func ofAllRanks(k: Int, _ communicator: Communicator) throws -> [[Neighbour]] {
    guard communicator.size > 1 else {
      try MemoryBankError.check(faults: faults, step: "search")
      return (0..<queries).map { query in
        let places = (query * self.k)..<((query + 1) * self.k)
        return Array(neighbours[places].prefix(k).prefix { $0.index >= 0 })
      }
    }
    return try Self.merge(communicator.allGatherV(packed), queries: queries, k: k)  // all ranks
  }

  /// The faults, then for each query K pairs of a similarity's bits and an index.
  var packed: [Int64] {
    [Int64](unsafeUninitializedCapacity: 1 + 2 * neighbours.count) { packed, count in
      packed[0] = faults
      for (place, neighbour) in neighbours.enumerated() {
        packed[1 + 2 * place] = Int64(bitPattern: neighbour.similarity.bitPattern)
        packed[2 + 2 * place] = Int64(neighbour.index)
      }
      count = 1 + 2 * neighbours.count
    }
  }

  /// Each query's K best of all ranks, from what each rank packed. Equal on all ranks, and so is the error.
  static func merge(_ parts: [[Int64]], queries: Int, k: Int) throws(MemoryBankError) -> [[Neighbour]] {
    try MemoryBankError.check(faults: parts.reduce(0) { $0 + $1[0] }, step: "search")
    return (0..<queries).map { query in
      // Each part is in order: the best of all is the best of those that come next.
      var next = parts.map { part -> (place: Int, end: Int) in
        let pairs = (part.count - 1) / 2 / queries
        return (1 + 2 * query * pairs, 1 + 2 * (query + 1) * pairs)
      }
      var found: [Neighbour] = []
      found.reserveCapacity(k)
      while found.count < k {
        var best: (neighbour: Neighbour, part: Int)?
        for (part, values) in parts.enumerated() where next[part].place < next[part].end {
          let place = next[part].place
          let neighbour = Neighbour(
            similarity: Double(bitPattern: UInt64(bitPattern: values[place])), index: Int(values[place + 1]))
          guard neighbour.index >= 0 else { continue }
          if best.map({ neighbour.precedes($0.neighbour) }) ?? true { best = (neighbour, part) }
        }
        guard let best else { break }
        found.append(best.neighbour)
        next[best.part].place += 2
      }
      return found
    }
  }
}
