import CBankKernels
import Platform
import Radiographs

@testable import MemoryBank

/// (rows, dimension) unit vectors, every 5th equal to an earlier one.
func unitRows(_ rows: Int, _ dimension: Int, seed: UInt64 = 1) -> [Float] {
  (0..<rows).flatMap { row in
    let random = CounterRandom(seed: seed, name: "rows", UInt64(row % 5 == 4 ? row / 2 : row))
    return MemoryBank.normalised((0..<dimension).map { random.normal(UInt64($0)) })
  }
}

/// The shards of `ranks` ranks of one bank, in one process, each with so many workers.
func shards(_ values: [Float], dimension: Int, ranks: Int, workers: Int = 1) -> [MemoryBank] {
  let sharding = Sharding(rows: values.count / dimension, ranks: ranks)
  return (0..<ranks).map { rank in
    let range = sharding.range(of: rank)
    return MemoryBank(
      sharding: sharding, rank: rank, dimension: dimension,
      shard: Array(values[(range.lowerBound * dimension)..<(range.upperBound * dimension)]),
      workers: Workers(count: workers))
  }
}

/// Whether this CPU's kernels round a product and the sum it goes into once: all but those for x86-64 before AVX2 do.
private let fuses: Bool = {
  // -1 + (1 + 2^-12)^2, whose last term is lost where the square is rounded first.
  let values: [Float] = [1, 1 + 0x1p-12]
  var panel = [Float](repeating: 0, count: 2 * Panels.lanes)
  var tile = [Float](repeating: 0, count: Panels.lanes)
  ck_bank_panel(values, 1, 2, &panel)
  ck_bank_similarities([-1, 1 + 0x1p-12], 1, 2, panel, &tile)
  return tile[0] == 0x1p-11 + 0x1p-24
}()

/// a * b + c as the kernels compute it.
func multiplyAdd<Number: BinaryFloatingPoint>(_ a: Number, _ b: Number, _ c: Number) -> Number {
  fuses ? c.addingProduct(a, b) : a * b + c
}
