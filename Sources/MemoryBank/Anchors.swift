import CBankKernels
public import MPI

// N = bank rows, D = embedding dimension, A = anchor neighbours, A' = min(A, N - 1)

/// Which images are anchors, and each one's nearest other images. Equal on all ranks.
public struct AnchorNeighbourhoods: Sendable, Equatable {
  /// Ascending image indices.
  public var anchors: [Int]
  /// (anchors, A'), by similarity descending then index ascending; never the anchor itself.
  public var neighbours: [Int]
  /// A'.
  public var neighboursPerAnchor: Int

  public init(anchors: [Int], neighbours: [Int], neighboursPerAnchor: Int) {
    precondition(
      neighbours.count == anchors.count * neighboursPerAnchor,
      "\(neighbours.count) neighbours for \(anchors.count) anchors with \(neighboursPerAnchor) each")
    self.anchors = anchors
    self.neighbours = neighbours
    self.neighboursPerAnchor = neighboursPerAnchor
  }

  /// No anchors: round 0.
  public static let none = AnchorNeighbourhoods(anchors: [], neighbours: [], neighboursPerAnchor: 0)

  /// Neighbours of image i, nil when i is no anchor. O(log anchors).
  public func neighbours(of image: Int) -> ArraySlice<Int>? {
    var range = 0..<anchors.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if anchors[middle] == image {
        return neighbours[(middle * neighboursPerAnchor)..<((middle + 1) * neighboursPerAnchor)]
      }
      range = anchors[middle] < image ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }
}

extension MemoryBank {
  /// Anchors whose neighbours are looked up together: their rows travel to all ranks.
  private static let anchorBlock = 1024

  /// The min(N, floor(N * rate * round + 1e-9)) rows of lowest entropy and their A nearest other rows. All ranks.
  ///
  /// Equal entropies go to the lower index. Low entropy first is the curriculum of Huang et al., "Unsupervised Deep
  /// Learning by Neighbourhood Discovery" (ICML 2019): such a row has few others around it to be confused with.
  ///
  /// - Parameters:
  ///   - round: r, 0 or more. Round 0 has no anchors.
  ///   - rate: of all rows, in 0...1, that become anchors with each round.
  ///   - neighbours: A, 1 or more.
  ///   - temperature: tau, above 0.
  ///   - progress: called with the number of rows whose entropy is known. All ranks: what it throws on all of them ends it.
  /// - Throws: `MemoryBankError` on all ranks when a row is not finite; `MPIError`.
  public func anchorNeighbourhoods(
    round: Int, rate: Double, neighbours: Int, temperature: Double, communicator: Communicator,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> AnchorNeighbourhoods {
    let count = Self.anchorCount(rows: sharding.rows, round: round, rate: rate)
    precondition(neighbours > 0, "\(neighbours) neighbours an anchor, expected 1 or more")
    guard count > 0 else { return .none }
    guard
      try PairwiseComparison.isPossible(self, temperature: temperature, communicator: communicator)  // all ranks
    else {
      let entropies = try clearEntropies(  // all ranks
        temperature: temperature, communicator: communicator, progress: progress)
      return try anchorNeighbourhoods(  // all ranks
        anchors: Self.lowest(count, of: entropies), neighbours: neighbours, communicator: communicator
      ) { anchors in
        try nearest(
          rows(of: anchors, communicator), k: neighbours, excluding: anchors, by: .dotProduct,
          communicator: communicator)
      }
    }
    // Whoever compares all rows sees which are near, too: no second search.
    let comparison = try PairwiseComparison(  // all ranks
      self, temperature: temperature, neighbours: neighbours, communicator: communicator, progress: progress)
    let entropies = try comparison.entropies(communicator)  // all ranks
    return try anchorNeighbourhoods(  // all ranks
      anchors: Self.lowest(count, of: entropies), neighbours: neighbours, communicator: communicator
    ) { anchors in
      try comparison.nearest(of: anchors, k: neighbours, communicator)
    }
  }

  /// min(N, floor(N * rate * round + 1e-9)): 0.1 * 3 * 10 is 3, whatever its rounding.
  static func anchorCount(rows: Int, round: Int, rate: Double) -> Int {
    precondition(round >= 0, "round \(round), expected 0 or more")
    precondition((0...1).contains(rate), "the anchor rate is \(rate), expected 0...1")
    return Int(min(Double(rows), (Double(rows) * rate * Double(round) + 1e-9).rounded(.down)))
  }

  /// The indices of the `count` lowest entropies, ties to the lower index, ascending.
  static func lowest(_ count: Int, of entropies: [Double]) -> [Int] {
    entropies.indices
      .sorted { (entropies[$0], $0) < (entropies[$1], $1) }
      .prefix(count)
      .sorted()
  }

  /// The nearest other rows of each anchor. All ranks.
  ///
  /// - Parameters:
  ///   - anchors: ascending, equal on all ranks.
  ///   - nearest: the A nearest other rows of some of them. All ranks.
  private func anchorNeighbourhoods(
    anchors: [Int], neighbours: Int, communicator: Communicator, nearest: ([Int]) throws -> [[Neighbour]]
  ) throws -> AnchorNeighbourhoods {
    let each = min(neighbours, sharding.rows - 1)
    guard each > 0 else { return AnchorNeighbourhoods(anchors: anchors, neighbours: [], neighboursPerAnchor: 0) }
    var found: [Int] = []
    found.reserveCapacity(anchors.count * each)
    for first in stride(from: 0, to: anchors.count, by: Self.anchorBlock) {
      let block = Array(anchors[first..<min(first + Self.anchorBlock, anchors.count)])
      for neighbours in try nearest(block) { found += neighbours.map(\.index) }  // all ranks
    }
    return AnchorNeighbourhoods(anchors: anchors, neighbours: found, neighboursPerAnchor: each)
  }
}

extension PairwiseComparison {
  /// The A nearest other rows of some rows, in the total order. All ranks.
  ///
  /// The ranks' shortlists travel; then each rank compares in double what it owns of them.
  ///
  /// - Parameter images: ascending, equal on all ranks.
  func nearest(of images: [Int], k: Int, _ communicator: Communicator) throws -> [[Neighbour]] {
    let embeddings = try bank.rows(of: images, communicator)  // all ranks
    guard let shortlists = try sharedShortlists(of: images, communicator) else {  // all ranks
      return try bank.nearest(  // all ranks
        embeddings, k: k, excluding: images, by: .dotProduct, communicator: communicator)
    }
    let (owned, dimension) = (bank.ownedRows, bank.dimension)
    var candidates = Candidates(queries: images.count, k: k)
    candidates.neighbours.withUnsafeMutableBufferPointer { neighbours in
      let places = neighbours.baseAddress!
      bank.storage.withUnsafeBufferPointer { shard in
        embeddings.withUnsafeBufferPointer { embeddings in
          let (shard, embeddings) = (shard.baseAddress, embeddings.baseAddress!)
          bank.workers.run(items: images.count) { _, query in
            let numbers = shortlists[query].filter { owned.contains(Int($0)) && Int($0) != images[query] }
              .map { $0 - Int32(owned.lowerBound) }
            var dots = [Double](repeating: 0, count: numbers.count)
            ck_bank_dots(
              embeddings + query * dimension, shard, numbers, numbers.count, dimension, &dots)
            let found = zip(dots, numbers)
              .map { Neighbour(similarity: $0, index: owned.lowerBound + Int($1)) }
              .sorted { $0.precedes($1) }
            for (place, neighbour) in found.prefix(k).enumerated() { places[query * k + place] = neighbour }
          }
        }
      }
    }
    return try candidates.ofAllRanks(k: k, communicator)  // all ranks
  }

  /// For each of these rows those that may be among its nearest, itself included; nil where there
  /// are no lists, or one was too long. All ranks.
  private func sharedShortlists(of images: [Int], _ communicator: Communicator) throws -> [[Int32]]? {
    guard let nearest else { return nil }
    // For each row a count, similarities and numbers. A closed list has the count -1.
    var packed: [Int32] = []
    for image in images {
      nearest.shorten(image)
      let (values, numbers, count) = nearest.entries(image)
      packed.append(nearest.isClosed(image) ? -1 : Int32(count))
      packed += (0..<count).map { Int32(bitPattern: values[$0].bitPattern) }
      packed += UnsafeBufferPointer(start: numbers, count: count)
    }
    let parts = communicator.size > 1 ? try communicator.allGatherV(packed) : [packed]  // all ranks
    var places = parts.map { _ in 0 }
    var shared: [[Int32]] = []
    shared.reserveCapacity(images.count)
    for image in images {
      var (values, numbers): ([Float], [Int32]) = ([], [])
      for (part, packed) in parts.enumerated() {
        let (place, count) = (places[part] + 1, Int(packed[places[part]]))
        guard count >= 0 else { return nil }
        values += packed[place..<(place + count)].map { Float(bitPattern: UInt32(bitPattern: $0)) }
        numbers += packed[(place + count)..<(place + 2 * count)]
        places[part] = place + 2 * count
      }
      if values.count > nearest.k {
        let cutoff = ck_bank_lower_bound(values, values.count, nearest.k) - 2 * nearest.margins.elements[image]
        numbers = numbers.indices.filter { values[$0] >= cutoff }.map { numbers[$0] }
      }
      shared.append(numbers)
    }
    return shared
  }
}
