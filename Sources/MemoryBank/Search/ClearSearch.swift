import CBankKernels

// K = neighbours looked up, Q = queries, D = embedding dimension

extension MemoryBank {
  /// The K nearest of this rank's rows, by comparing each of them in double. Local.
  ///
  /// The clear version of `filteredCandidates`, and what answers where that cannot: rows that are not finite, of which
  /// this one counts the values, or far too long.
  ///
  /// - Parameters:
  ///   - queries: (Q, D).
  ///   - k: at most the rows of this rank.
  func clearCandidates(
    _ queries: UnsafeBufferPointer<Float>, k: Int, excluding: [Int]?, by metric: SearchMetric
  ) -> Candidates {
    storage.withUnsafeBufferPointer { clearCandidates(queries, shard: $0, k: k, excluding: excluding, by: metric) }
  }

  private func clearCandidates(
    _ queries: UnsafeBufferPointer<Float>, shard: UnsafeBufferPointer<Float>, k: Int, excluding: [Int]?,
    by metric: SearchMetric
  ) -> Candidates {
    let owned = ownedRows
    var candidates = Candidates(queries: queries.count / dimension, k: k)
    candidates.faults = Int64(queries.count { !$0.isFinite } + shard.count { !$0.isFinite })
    guard k > 0, candidates.faults == 0 else { return candidates }
    let numbers = (0..<Int32(owned.count)).map { $0 }
    let similarities = Scratch<Double>(count: owned.count)
    for query in 0..<candidates.queries {
      metric.compare(
        queries.baseAddress! + query * dimension, shard.baseAddress!, numbers, owned.count, dimension: dimension,
        into: similarities.elements)
      var heap = NearestHeap(k: k)
      for (row, similarity) in similarities.buffer.enumerated() where similarity > heap.threshold {
        let index = owned.lowerBound + row
        guard excluding?[query] != index else { continue }
        heap.offer(Neighbour(similarity: similarity, index: index))
      }
      candidates.neighbours.replaceSubrange((query * k)..<(query * k + heap.count), with: heap.sorted)
    }
    return candidates
  }
}

extension SearchMetric {
  /// similarities[i] = that of `query` and rows[numbers[i]], in double: the bits follow from the two vectors alone.
  ///
  /// - Parameters:
  ///   - query: (D).
  ///   - rows: (M, D).
  ///   - numbers: those to compare, in 0 ..< M.
  ///   - count: how many.
  ///   - dimension: D.
  ///   - squares: M, where they are known: `square` of each row.
  ///   - similarities: where they go.
  func compare(
    _ query: UnsafePointer<Float>, _ rows: UnsafePointer<Float>, _ numbers: UnsafePointer<Int32>, _ count: Int,
    dimension: Int, squares: UnsafePointer<Double>? = nil, into similarities: UnsafeMutablePointer<Double>
  ) {
    ck_bank_dots(query, rows, numbers, count, dimension, similarities)
    guard self == .euclidean else { return }
    let square = Self.square(query, dimension: dimension)
    // Exactly 0 for equal vectors, whose three products are one number.
    func finish(_ place: Int, _ rowSquare: Double) {
      similarities[place] = min(2 * similarities[place] - square - rowSquare, 0)
    }
    if let squares {
      for place in 0..<count { finish(place, squares[Int(numbers[place])]) }
      return
    }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { rowSquares in
      ck_bank_squares(rows, numbers, count, dimension, rowSquares.baseAddress!)
      for place in 0..<count { finish(place, rowSquares[place]) }
    }
  }

  /// |x|^2.
  static func square(_ vector: UnsafePointer<Float>, dimension: Int) -> Double {
    var square = 0.0
    ck_bank_dots(vector, vector, [0], 1, dimension, &square)
    return square
  }
}

/// The K best of the rows offered so far.
struct NearestHeap {
  private let k: Int
  /// The worst at its root.
  private var places: [Neighbour] = []
  /// What a similarity must exceed to be worth an offer: -infinity until there are K rows. Rows come in ascending order,
  /// so that an equal one is too late.
  private(set) var threshold: Double

  /// - Parameter k: 0 or more.
  init(k: Int) {
    self.k = k
    places.reserveCapacity(k)
    threshold = k > 0 ? -.infinity : .infinity
  }

  var count: Int { places.count }

  /// Best first.
  var sorted: [Neighbour] { places.sorted { $0.precedes($1) } }

  /// Keeps a row that is among the K best so far. O(log K).
  mutating func offer(_ neighbour: Neighbour) {
    if places.count < k {
      // Up from the first free place, while its parent is better.
      var place = places.count
      places.append(neighbour)
      while place > 0, places[(place - 1) / 2].precedes(neighbour) {
        places[place] = places[(place - 1) / 2]
        place = (place - 1) / 2
      }
      places[place] = neighbour
    } else if k > 0, neighbour.precedes(places[0]) {
      // Down from the root, in place of the worst, while a child is worse.
      var place = 0
      while 2 * place + 1 < k {
        let left = 2 * place + 1
        let worse = left + 1 < k && places[left].precedes(places[left + 1]) ? left + 1 : left
        guard neighbour.precedes(places[worse]) else { break }
        places[place] = places[worse]
        place = worse
      }
      places[place] = neighbour
    }
    if places.count == k, k > 0 { threshold = places[0].similarity }
  }
}
