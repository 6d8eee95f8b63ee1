import ExactSum
import Foundation
public import MPI

// K = neighbours looked up, Q = queries, D = embedding dimension, tau = temperature

/// How a score follows from the nearest prototypes.
public enum ScoreRule: String, Codable, Sendable, CaseIterable {
  /// The angle to the softmax-weighted sum of the K nearest prototypes.
  case weighted
  /// The mean of the angles to the K nearest prototypes: the rule of the published code.
  case meanAngle = "mean-angle"
}

extension MemoryBank {
  /// Anomaly scores: how far each embedding lies from its nearest prototypes, in half turns. All ranks.
  ///
  /// With s_1 ... s_K the K largest similarities (K clipped to N):
  /// - `weighted`: w_k = softmax(s_k / tau), a = sum of w_k m_k, score = acos(z . a / |a|) / pi. Each rank adds up the
  ///   rows that it owns, in fixed point.
  /// - `mean-angle`: the mean of acos(s_k) / pi.
  ///
  /// In double, cosines clamped to -1...1. A query's score depends on no other query.
  ///
  /// - Parameters:
  ///   - queries: (Q, D), rows of unit length, equal on all ranks.
  ///   - k: 1 or more.
  ///   - temperature: tau, above 0; `mean-angle` has no use for it.
  /// - Returns: Q scores in 0...1, higher is more anomalous; equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a query or a row is not finite; `MPIError`.
  public func scores(
    _ queries: [Float], k: Int, rule: ScoreRule, temperature: Double, communicator: Communicator
  ) throws -> [Double] {
    precondition(temperature > 0 && (1 / temperature).isFinite, "the temperature is \(temperature), expected above 0")
    try MemoryBankError.check(embeddings: queries, dimension: dimension)
    var scores: [Double] = []
    scores.reserveCapacity(queries.count / dimension)
    for first in stride(from: 0, to: queries.count, by: Self.queryBlock * dimension) {
      let block = Array(queries[first..<min(first + Self.queryBlock * dimension, queries.count)])
      let nearest = try nearest(block, k: k, excluding: nil, communicator: communicator)  // all ranks
      switch rule {
      case .weighted:
        let aggregated = try aggregated(nearest, temperature: temperature, communicator)  // all ranks
        for query in nearest.indices {
          let elements = (query * dimension)..<((query + 1) * dimension)
          scores.append(Self.angle(from: block[elements], to: aggregated[elements]))
        }
      case .meanAngle:
        scores += nearest.map(Self.meanAngle)
      }
    }
    return scores
  }

  /// (Q, D): each query's aggregated prototype, sum of softmax(s_k / tau) m_k over its neighbours. All ranks.
  private func aggregated(
    _ nearest: [[Neighbour]], temperature: Double, _ communicator: Communicator
  ) throws -> [Double] {
    var (sums, faults) = weightedRows(nearest, temperature: temperature)
    sums.append(faults)
    try communicator.allReduce(&sums, .sum)  // all ranks
    try MemoryBankError.check(faults: sums[nearest.count * dimension], step: "aggregation")
    return sums.dropLast().map(FixedPoint.gradient.decode)
  }

  /// (Q, D): this rank's rows among the neighbours, times their weights, in `FixedPoint.gradient`, and how many terms
  /// were out of range. Local; row by row, so that it does not matter which rank owns which row.
  func weightedRows(_ nearest: [[Neighbour]], temperature: Double) -> (sums: [Int64], faults: Int64) {
    let owned = ownedRows
    var sums = [Int64](repeating: 0, count: nearest.count * dimension)
    var faults = 0
    var terms = [Double](repeating: 0, count: dimension)
    storage.withUnsafeBufferPointer { shard in
      for (query, neighbours) in nearest.enumerated() {
        for (neighbour, weight) in zip(neighbours, Self.weights(neighbours, temperature: temperature))
        where owned.contains(neighbour.index) {
          let row = (neighbour.index - owned.lowerBound) * dimension
          for element in 0..<dimension { terms[element] = weight * Double(shard[row + element]) }
          sums.withUnsafeMutableBufferPointer { sums in
            let sum = UnsafeMutableBufferPointer(rebasing: sums[(query * dimension)..<((query + 1) * dimension)])
            faults += terms.withUnsafeBufferPointer {
              FixedPoint.gradient.accumulate($0, into: sum, terms: neighbours.count)
            }
          }
        }
      }
    }
    return (sums, Int64(faults))
  }

  /// softmax(s_k / tau), in the neighbours' order: the first is the largest.
  static func weights(_ neighbours: [Neighbour], temperature: Double) -> [Double] {
    guard let largest = neighbours.first?.similarity else { return [] }
    let terms = neighbours.map { exp(($0.similarity - largest) / temperature) }
    let sum = terms.reduce(0, +)
    return terms.map { $0 / sum }
  }

  /// acos(z . a / |a|) / pi.
  static func angle(from embedding: ArraySlice<Float>, to aggregated: ArraySlice<Double>) -> Double {
    let dot = zip(embedding, aggregated).reduce(0) { $0 + Double($1.0) * $1.1 }
    return angle(cosine: dot / max(norm(Array(aggregated)), 1e-12))
  }

  /// The mean of acos(s_k) / pi.
  static func meanAngle(_ neighbours: [Neighbour]) -> Double {
    neighbours.reduce(0) { $0 + angle(cosine: $1.similarity) } / Double(neighbours.count)
  }

  /// acos / pi, in 0...1.
  private static func angle(cosine: Double) -> Double {
    acos(min(max(cosine, -1), 1)) / .pi
  }
}
