public import MPI

// N = bank rows, K = neighbours looked up, F = features of an image

/// What the bank's own rows score with themselves left out: the scale of all scores, and, since a left-out row is
/// distributed as a fresh normal image is, what p-values come from.
public struct LeftOutDistances: Sendable, Equatable {
  /// D0^2: the median over the rows of the squared distance to the 10th nearest other, or to the farthest of fewer.
  public var squaredScale: Double
  /// By rule, N distances in the order of the rows.
  public var distances: [ScoreRule: [Double]]

  public init(squaredScale: Double, distances: [ScoreRule: [Double]]) {
    self.squaredScale = squaredScale
    self.distances = distances
  }

  /// The place of the neighbour that `squaredScale` is measured to, from 1.
  static let scalePlace = 10

  /// The mean of the two middle values of an even number of them; 0 of none.
  public static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let upper = sorted[sorted.count / 2]
    return sorted.count % 2 == 1 ? upper : (sorted[sorted.count / 2 - 1] + upper) / 2
  }
}

extension MemoryBank {
  /// Each row's distance from the bank without it. All ranks.
  ///
  /// An exact search of all rows against all, 2 N^2 F operations over all ranks, a block of queries at a time: what is kept
  /// is N K neighbours, never N x N.
  ///
  /// - Parameters:
  ///   - groups: N numbers, equal ones for images of one patient, who is left out whole; nil: each image for itself. Where
  ///     nothing else is left, only the row itself is left out, and in a bank of one row not even that.
  ///   - goesOn: called after each block on all ranks with the rows done; equal on all of them, false ends the pass.
  /// - Returns: equal on all ranks; nil where `goesOn` said so.
  public func leftOutDistances(
    rules: [ScoreRule], k: Int, temperature: Double, groups: [Int]?, communicator: Communicator,
    goesOn: (Int) throws -> Bool
  ) throws -> LeftOutDistances? {
    precondition(
      groups.map { $0.count == sharding.rows } ?? true, "\(groups?.count ?? 0) groups of \(sharding.rows) rows")
    let groups = groups ?? Array(0..<sharding.rows)
    let sizes = Dictionary(groups.map { ($0, 1) }, uniquingKeysWith: +)
    let wanted = max(k, LeftOutDistances.scalePlace)

    // The K nearest others of each row.
    var nearest: [[Neighbour]] = []
    nearest.reserveCapacity(sharding.rows)
    var scales: [Double] = []
    scales.reserveCapacity(sharding.rows)
    for block in blocks {
      let queries = try rows(of: block, communicator)  // all ranks
      let asked = wanted + block.map { sizes[groups[$0]]! }.max()!
      let found = try self.nearest(  // all ranks
        queries, k: asked, excluding: nil, by: .euclidean, communicator: communicator)
      for (row, neighbours) in zip(block, found) {
        let others = Self.others(than: row, of: groups, in: neighbours)
        scales.append(others[min(LeftOutDistances.scalePlace, others.count) - 1].squaredDistance)
        nearest.append(Array(others.prefix(k)))
      }
      guard try goesOn(block.upperBound) else { return nil }
    }

    let squaredScale = LeftOutDistances.median(scales)
    var distances: [ScoreRule: [Double]] = [:]
    for rule in rules {
      let aggregation = Aggregation(rule: rule, k: k, temperature: temperature, squaredScale: squaredScale)
      var values: [Double] = []
      values.reserveCapacity(sharding.rows)
      for block in blocks {
        // Only where the rows themselves are asked for do they travel.
        let queries = rule == .weighted ? try rows(of: block, communicator) : []  // all ranks
        values += try self.distances(queries, nearest: Array(nearest[block]), aggregation, communicator)  // all ranks
      }
      distances[rule] = values
    }
    return LeftOutDistances(squaredScale: squaredScale, distances: distances)
  }

  private var blocks: [Range<Int>] {
    stride(from: 0, to: sharding.rows, by: Self.queryBlock).map {
      $0..<min($0 + Self.queryBlock, sharding.rows)
    }
  }

  /// Neighbours of other groups; where there are none, of other rows; where there are none, all.
  private static func others(than row: Int, of groups: [Int], in neighbours: [Neighbour]) -> [Neighbour] {
    let others = neighbours.filter { groups[$0.index] != groups[row] }
    if !others.isEmpty { return others }
    let rest = neighbours.filter { $0.index != row }
    return rest.isEmpty ? neighbours : rest
  }
}
