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
  ///   - progress: called with the number of rows whose entropy is known.
  /// - Throws: `MemoryBankError` on all ranks when a row is not finite; `MPIError`.
  public func anchorNeighbourhoods(
    round: Int, rate: Double, neighbours: Int, temperature: Double, communicator: Communicator,
    progress: (Int) -> Void = { _ in }
  ) throws -> AnchorNeighbourhoods {
    let count = Self.anchorCount(rows: sharding.rows, round: round, rate: rate)
    precondition(neighbours > 0, "\(neighbours) neighbours an anchor, expected 1 or more")
    guard count > 0 else { return .none }
    let entropies = try entropies(
      temperature: temperature, communicator: communicator, progress: progress)  // all ranks
    return try anchorNeighbourhoods(
      anchors: Self.lowest(count, of: entropies), neighbours: neighbours, communicator: communicator)  // all ranks
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
  /// - Parameter anchors: ascending, equal on all ranks.
  private func anchorNeighbourhoods(
    anchors: [Int], neighbours: Int, communicator: Communicator
  ) throws -> AnchorNeighbourhoods {
    let each = min(neighbours, sharding.rows - 1)
    guard each > 0 else { return AnchorNeighbourhoods(anchors: anchors, neighbours: [], neighboursPerAnchor: 0) }
    var found: [Int] = []
    found.reserveCapacity(anchors.count * each)
    for first in stride(from: 0, to: anchors.count, by: Self.anchorBlock) {
      let block = Array(anchors[first..<min(first + Self.anchorBlock, anchors.count)])
      let rows = try rows(of: block, communicator)  // all ranks
      let nearest = try nearest(rows, k: each, excluding: block, communicator: communicator)  // all ranks
      for neighbours in nearest { found += neighbours.map(\.index) }
    }
    return AnchorNeighbourhoods(anchors: anchors, neighbours: found, neighboursPerAnchor: each)
  }
}
