import ExactSum
import Foundation
public import MPI

// K = neighbours looked up, N = bank rows, Q = queries, F = features of an image, d_k = the K smallest distances

/// How a distance follows from the nearest prototypes.
public enum ScoreRule: String, Codable, Sendable, CaseIterable {
  /// The softmax-weighted mean of the distances to the K nearest prototypes.
  case weightedDistance = "weighted-distance"
  /// The distance to the softmax-weighted sum of the K nearest prototypes.
  case weighted
  /// The mean of the angles to the K nearest prototypes, in half turns: the rule of the published code, for unit vectors.
  case meanAngle = "mean-angle"

  /// Whether it wants unit vectors.
  public var isAngular: Bool { self == .meanAngle }
}

/// What turns neighbours into a distance.
public struct Aggregation: Sendable, Equatable {
  public var rule: ScoreRule
  /// K, 1 or more; clipped to the bank's rows.
  public var k: Int
  /// tau_s, above 0: `mean-angle` has no use for it.
  public var temperature: Double
  /// D0^2: the bank's own median squared distance of a row to its 10th nearest other.
  public var squaredScale: Double

  public init(rule: ScoreRule, k: Int, temperature: Double, squaredScale: Double) {
    precondition(k > 0, "\(k) neighbours, expected 1 or more")
    precondition(temperature > 0, "the temperature is \(temperature), expected above 0")
    self.rule = rule
    self.k = k
    self.temperature = temperature
    self.squaredScale = squaredScale
  }

  /// w_k = softmax(-d_k^2 / (tau_s D0^2)), in the neighbours' order: the first is the largest.
  func weights(_ neighbours: some Collection<Neighbour>) -> [Double] {
    guard let nearest = neighbours.first?.squaredDistance else { return [] }
    let terms = neighbours.map { neighbour in
      let further = neighbour.squaredDistance - nearest
      // Rows as near as the nearest weigh 1 in a bank of equal rows, too, whose scale is 0.
      return further == 0 ? 1 : exp(-further / (temperature * squaredScale))
    }
    let sum = terms.reduce(0, +)
    return terms.map { $0 / sum }
  }

  /// What each neighbour counts for under the rule, in 0...1 and 1 in all: w_k, or 1 / K in a mean.
  ///
  /// - Parameter neighbours: the nearest first.
  public func shares(_ neighbours: some Collection<Neighbour>) -> [Double] {
    rule.isAngular
      ? [Double](repeating: 1 / Double(neighbours.count), count: neighbours.count) : weights(neighbours)
  }

  /// sum of w_k d_k.
  func weightedDistance(_ neighbours: some Collection<Neighbour>) -> Double {
    zip(neighbours, weights(neighbours)).reduce(0) { $0 + $1.1 * $1.0.squaredDistance.squareRoot() }
  }

  /// The mean of acos(cos_k) / pi over unit vectors whose chords are d_k: acos(1 - d^2 / 2) is 2 asin(d / 2), which loses
  /// nothing for small angles.
  static func meanAngle(_ neighbours: some Collection<Neighbour>) -> Double {
    let sum = neighbours.reduce(0) { $0 + 2 * asin(min($1.squaredDistance.squareRoot() / 2, 1)) / .pi }
    return sum / Double(neighbours.count)
  }
}

extension MemoryBank {
  /// How far each image lies from its nearest prototypes. All ranks.
  ///
  /// With d_1 ... d_K the K smallest Euclidean distances over the whole bank (K clipped to N):
  /// - `weighted-distance`: sum of w_k d_k, w_k = softmax(-d_k^2 / (tau_s D0^2)).
  /// - `weighted`: |f - a|, a = sum of w_k m_k. Each rank adds up the rows that it owns, in fixed point.
  /// - `mean-angle`: the mean of acos(f . m_k) / pi, in 0...1.
  ///
  /// In double. A query's distance depends on no other query.
  ///
  /// - Parameter queries: (Q, F), equal on all ranks.
  /// - Returns: Q distances of at least 0, higher is more anomalous; equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a query or a row is not finite; `MPIError`.
  public func distances(
    _ queries: [Float], _ aggregation: Aggregation, communicator: Communicator
  ) throws -> [Double] {
    try MemoryBankError.check(embeddings: queries, dimension: dimension)
    var distances: [Double] = []
    distances.reserveCapacity(queries.count / dimension)
    for first in stride(from: 0, to: queries.count, by: Self.queryBlock * dimension) {
      let block = Array(queries[first..<min(first + Self.queryBlock * dimension, queries.count)])
      let nearest = try nearest(  // all ranks
        block, k: aggregation.k, excluding: nil, by: .euclidean, communicator: communicator)
      distances += try self.distances(block, nearest: nearest, aggregation, communicator)  // all ranks
    }
    return distances
  }

  /// The same from neighbours that are known, at most K of each query. All ranks.
  public func distances(
    _ queries: [Float], nearest: [some Collection<Neighbour>], _ aggregation: Aggregation, _ communicator: Communicator
  ) throws -> [Double] {
    switch aggregation.rule {
    case .weightedDistance: return nearest.map(aggregation.weightedDistance)
    case .meanAngle: return nearest.map { Aggregation.meanAngle($0) }
    case .weighted:
      let prototypes = try aggregated(nearest, aggregation, communicator)  // all ranks
      return nearest.indices.map { query in
        let elements = (query * dimension)..<((query + 1) * dimension)
        let square = zip(queries[elements], prototypes[elements]).reduce(0) { sum, pair in
          let difference = Double(pair.0) - pair.1
          return sum + difference * difference
        }
        return square.squareRoot()
      }
    }
  }

  /// (Q, F): each query's aggregated prototype, sum of w_k m_k over its neighbours. All ranks.
  private func aggregated(
    _ nearest: [some Collection<Neighbour>], _ aggregation: Aggregation, _ communicator: Communicator
  ) throws -> [Double] {
    var sums = weightedRows(nearest, aggregation)
    try sums.allReduce(communicator)  // all ranks
    try MemoryBankError.check(faults: sums.faults, step: "aggregation")
    return sums.values
  }

  /// (Q, F): this rank's rows among the neighbours, times their weights. Local; row by row, so that it does not matter
  /// which rank owns which row.
  func weightedRows(_ nearest: [some Collection<Neighbour>], _ aggregation: Aggregation) -> ExactSum {
    let owned = ownedRows
    var sums = ExactSum(count: nearest.count * dimension, scale: .gradient)
    var terms = [Double](repeating: 0, count: dimension)
    storage.withUnsafeBufferPointer { shard in
      for (query, neighbours) in nearest.enumerated() {
        for (neighbour, weight) in zip(neighbours, aggregation.weights(neighbours))
        where owned.contains(neighbour.index) {
          let row = (neighbour.index - owned.lowerBound) * dimension
          for element in 0..<dimension { terms[element] = weight * Double(shard[row + element]) }
          terms.withUnsafeBufferPointer { sums.add($0, at: query * dimension, terms: neighbours.count) }
        }
      }
    }
    return sums
  }
}
