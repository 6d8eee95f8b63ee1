import ExactSum
import Foundation
public import MPI

// B = rows in a block, N = bank rows, tau = temperature

extension MemoryBank {
  /// Rows whose entropies are computed together: their similarities to a rank's M rows stand in memory at once.
  private static let entropyBlock = 4 * Granules.tile

  /// How undecided each row's assignment is: H_i = -sum_j p_ij log p_ij with z_i = m_i. All ranks.
  ///
  /// With x_ij = (max_i - s_ij) / tau and Z_i = sum_j exp(-x_ij), H_i = log Z_i + (1 / Z_i) sum_j x_ij exp(-x_ij):
  /// every term of both sums is in 0...1. Costs 2 N^2 D operations over all ranks.
  ///
  /// - Parameters:
  ///   - temperature: tau, above 0.
  ///   - progress: called after each block with the number of rows done.
  /// - Returns: N entropies in nats, 0 ... log N, equal on all ranks.
  /// - Throws: `MemoryBankError` on all ranks when a row is not finite; `MPIError`.
  public func entropies(
    temperature: Double, communicator: Communicator, progress: (Int) -> Void = { _ in }
  ) throws -> [Double] {
    var entropies: [Double] = []
    entropies.reserveCapacity(sharding.rows)
    var assignment = Assignment(self, capacity: Self.entropyBlock, temperature: temperature)
    // Blocks start at multiples of a tile, so that a row's place in its tile follows from its index.
    for first in stride(from: 0, to: sharding.rows, by: Self.entropyBlock) {
      let block = first..<min(first + Self.entropyBlock, sharding.rows)
      assignment.compare(try rows(of: block, communicator))  // all ranks

      var (maxima, faults) = assignment.maxima()
      try communicator.allReduce(&maxima, .max)  // all ranks
      var sums = assignment.entropySums(maxima: maxima) + [faults]
      try communicator.allReduce(&sums, .sum)  // all ranks
      try MemoryBankError.check(faults: sums[2 * block.count], step: "entropies")

      for row in 0..<block.count {
        let denominator = FixedPoint.probability.decode(sums[2 * row])
        let weighted = FixedPoint.probability.decode(sums[2 * row + 1])
        entropies.append(log(denominator) + weighted / denominator)
      }
      progress(entropies.count)
    }
    return entropies
  }
}
