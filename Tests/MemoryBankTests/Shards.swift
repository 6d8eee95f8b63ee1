import Radiographs
import WorkerThreads

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
