import Autoencoder
import MPI
import Platform
import Radiographs
import SALAD

/// Features of clean images by the encoder alone: what an image costs when it is scored, but for reading it and the look-up.
struct ScoreBench: BenchSubject {
  static let name = "score"

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let (configuration, images) = (bench.configuration, bench.configuration.batchSize)
    let replica = try agree(bench.communicator) {  // all ranks
      try Replica(
        configuration: configuration.network, precision: configuration.precision,
        microBatch: configuration.microBatch, workers: bench.workers, threads: configuration.threads, training: false,
        activationLimit: 0)
    }
    replica.initialise(seed: configuration.seed)
    let random = CounterRandom(UInt64(bench.communicator.rank))
    let area = configuration.size * configuration.size
    let pixels = (0..<images * area).map { Float(2 * random.uniform(UInt64($0)) - 1) }
    let times = try bench.times {  // all ranks
      let rows = try pixels.withUnsafeBufferPointer {
        try replica.embed($0, count: images, levels: configuration.levels)
      }  // mine
      precondition(rows.count == images * configuration.scoring.featureCount, "\(rows.count) features were found")
    }

    var record = BenchRecord()
    let total = Double(images * bench.communicator.size)
    let spread = Spread(times)
    record.record(seconds: times, group: "batch")
    record[group: "images_per_second"] = [
      "median": total / spread.median, "slowest": total / spread.most, "fastest": total / spread.least,
    ]
    let operations = Double(replica.embeddingOperations) * total / spread.median
    record["gflops"] = operations / 1e9
    record["share_of_peak"] = operations / bench.peak
    return record
  }
}
