import MPI
import MemoryBank
import Platform
import Radiographs
import SALAD

// N = bank rows, D = embedding dimension, Q = queries, K = neighbours looked up

/// The exact search of the K nearest rows of all ranks' shards, for one query and for batches of them.
struct TopKBench: BenchSubject {
  static let name = "top_k"

  let dimension: Int
  let smallCopy: SmallCopyUse

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let configuration = bench.configuration
    let (rows, k) = (bench.rows, configuration.topK)
    var bank = MemoryBank(
      rows: rows, dimension: dimension, seed: configuration.seed, workers: Workers(count: bench.workers),
      communicator: bench.communicator)
    bank.smallCopyUse = smallCopy
    var record = BenchRecord()
    // A search would make it later, when that pays: here all searches are to be alike.
    let start = ContinuousClock.now
    let bytes = bank.makeSmallCopy() ?? 0
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    record["small_copy_milliseconds"] = 1000 * (try bench.communicator.allReduce(seconds, .max))  // all ranks
    record["small_copy_bytes"] = Double(try bench.communicator.allReduce(Int64(bytes), .sum))  // all ranks
    record["dimension"] = Double(dimension)
    record["rows"] = Double(rows)
    record["neighbours"] = Double(k)
    for count in [1, 32] {
      let queries = Self.unitVectors(count, dimension)
      let operations = 2 * Double(count) * Double(rows) * Double(dimension)
      // Many searches to a measurement where one is too short for it.
      let searches = max(1, min(200, Int(2e9 / operations)))
      let times = try bench.times {  // all ranks
        for _ in 0..<searches {
          let nearest = try bank.nearest(
            queries, k: k, excluding: nil, by: .euclidean, communicator: bench.communicator)  // all ranks
          precondition(nearest.count == count, "\(nearest.count) answers to \(count) queries")
        }
      }
      let seconds = times.map { $0 / Double(searches) }
      let median = Spread(seconds).median
      let group = "queries_\(count)"
      record.record(seconds: seconds, group: group)
      record[group: group]?["gflops"] = operations / median / 1e9
      record[group: group]?["share_of_peak"] = operations / median / bench.peak
      // Of float rows: every one is read once, or its small copy, whatever the number of queries.
      record[group: group]?["gigabytes_per_second"] = 4 * Double(rows) * Double(dimension) / median / 1e9
    }
    return record
  }

  /// (count, dimension) unit vectors in any direction.
  private static func unitVectors(_ count: Int, _ dimension: Int) -> [Float] {
    (0..<count).flatMap { query in
      let random = CounterRandom(seed: 1, name: "queries", UInt64(query))
      let values = (0..<dimension).map { random.normal(UInt64($0)) }
      let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return values.map { Float($0 / length) }
    }
  }
}
