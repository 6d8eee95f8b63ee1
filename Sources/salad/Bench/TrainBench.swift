import MPI
import Platform
import SALAD

/// Whole training steps.
struct TrainBench: BenchSubject {
  static let name = "train"

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let benchmark = try StepBenchmark(  // all ranks
      bench.configuration, rows: bench.rows, workers: bench.workers, communicator: bench.communicator,
      watchdog: bench.watchdog)
    var phases: [[StepBenchmark.Phase: Double]] = []
    var processor: [Double] = []
    let times = try bench.times {
      let start = Host.processorSeconds
      phases.append(try benchmark.run())  // all ranks
      processor.append(Host.processorSeconds - start)
    }
    // Those of rank 0; the first step warmed up.
    phases.removeFirst()
    // Of all ranks together: what a step costs where more ranks than cores take turns. MPI's waiting is work to a processor.
    try bench.communicator.allReduce(&processor, .sum)  // all ranks

    var record = BenchRecord()
    var milliseconds: [String: Double] = [:]
    for phase in StepBenchmark.Phase.allCases {
      milliseconds[phase.rawValue] = 1000 * Spread(phases.map { $0[phase] ?? 0 }).median
    }
    let spread = Spread(times)
    milliseconds["step"] = 1000 * spread.median
    record[group: "milliseconds"] = milliseconds
    let images = Double(bench.configuration.batchSize)
    record[group: "images_per_second"] = [
      "median": images / spread.median, "slowest": images / spread.most, "fastest": images / spread.least,
    ]
    let operations = Double(benchmark.replica.trainingOperations) * images / spread.median
    record["processor_seconds"] = Spread(Array(processor.dropFirst())).median
    record["gflops"] = operations / 1e9
    record["share_of_peak"] = operations / bench.peak
    return record
  }
}
