import ExactSum
import Foundation
public import MPI

// B = rows in a block, N = bank rows, tau = temperature

extension MemoryBank {
  /// Rows whose entropies are computed together: their similarities to a rank's M rows stand in memory at once.
  private static let entropyBlock = 4 * Panels.lanes

  /// How undecided each row's assignment is: H_i = -sum_j p_ij log p_ij with z_i = m_i. All ranks.
  ///
  /// With x_ij = (c - s_ij) / tau and Z_i = sum_j exp(-x_ij), H_i = log Z_i + (1 / Z_i) sum_j x_ij exp(-x_ij), for any c.
  /// For unit rows c is 1, and every pair is computed once (`PairwiseComparison`): N^2 D operations over all ranks.
  ///
  /// - Parameters:
  ///   - temperature: tau, above 0.
  ///   - progress: called now and then with the number of rows done.
  /// - Returns: N entropies in nats, 0 ... log N, equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a row is not finite; `MPIError`.
  public func entropies(
    temperature: Double, communicator: Communicator, progress: (Int) throws -> Void = { _ in }
  ) throws -> [Double] {
    guard
      try PairwiseComparison.isPossible(self, temperature: temperature, communicator: communicator)  // all ranks
    else {
      return try clearEntropies(  // all ranks
        temperature: temperature, communicator: communicator, progress: progress)
    }
    return try PairwiseComparison(  // all ranks
      self, temperature: temperature, neighbours: nil, communicator: communicator, progress: progress
    ).entropies(communicator)  // all ranks
  }

  /// The same for rows of any length: c is each row's true maximum, max_i. All ranks.
  ///
  /// The clear version, at twice the cost; every term of both sums is in 0...1.
  func clearEntropies(
    temperature: Double, communicator: Communicator, progress: (Int) throws -> Void
  ) throws -> [Double] {
    var entropies: [Double] = []
    entropies.reserveCapacity(sharding.rows)
    var assignment = Assignment(self, capacity: Self.entropyBlock, temperature: temperature)
    for first in stride(from: 0, to: sharding.rows, by: Self.entropyBlock) {
      let block = first..<min(first + Self.entropyBlock, sharding.rows)
      assignment.compare(try rows(of: block, communicator))  // all ranks

      var (maxima, faults) = assignment.maxima()
      try communicator.allReduce(&maxima, .max)  // all ranks
      var sums = ExactSum(assignment.entropySums(maxima: maxima), faults: faults, scale: .probability)
      try sums.allReduce(communicator)  // all ranks
      try MemoryBankError.check(faults: sums.faults, step: "entropies")

      for row in 0..<block.count { entropies.append(entropy(sum: sums[2 * row], weighted: sums[2 * row + 1])) }
      try progress(entropies.count)
    }
    return entropies
  }
}

extension PairwiseComparison {
  /// N entropies, equal on all ranks. All ranks; once.
  func entropies(_ communicator: Communicator) throws -> [Double] {
    var all = ExactSum(Array(sums.buffer) + Array(weighted.buffer), scale: .probability)
    try all.allReduce(communicator)  // all ranks
    return (0..<sums.count).map { entropy(sum: all[$0], weighted: all[sums.count + $0]) }
  }
}

/// log Z + (1 / Z) sum_j x_j exp(-x_j), from both sums.
private func entropy(sum: Double, weighted: Double) -> Double {
  // Of a row without others rounding may leave a little less than 0.
  max(0, log(sum) + weighted / sum)
}
