import Autoencoder
import ExactSum
import MPI
import Platform
import Radiographs
import SALAD

/// The gradients of the chosen network, summed over the ranks by each reduction, with nothing else going on.
struct ReduceBench: BenchSubject {
  static let name = "reduce"

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let configuration = bench.configuration
    let replica = try Replica(
      configuration: configuration.network, microBatch: configuration.microBatch, workers: bench.workers,
      training: true, activationLimit: 0)
    let sums = replica.sums
    let gradients = UnsafeMutableBufferPointer<Float>.allocate(capacity: sums.fixedGradients.count)
    defer { gradients.deallocate() }
    // Gradients of a few thousandths, other ones on each rank.
    let random = CounterRandom(UInt64(bench.communicator.rank))
    for index in 0..<gradients.count {
      sums.fixedGradients[index] = Int64((random.uniform(UInt64(index)) - 0.5) * 0x1p36)
    }

    var record = BenchRecord()
    record["elements"] = Double(gradients.count)
    record["buckets"] = Double(sums.buckets.count)
    for reduction in Reduction.allCases {
      let reducing = GradientReduction(
        reduction, largest: sums.buckets.map(\.count).max() ?? 0, communicator: bench.communicator)
      var phases: [GradientReduction.Phases] = []
      let times = try bench.times {  // all ranks
        var spent = GradientReduction.Phases()
        for bucket in sums.buckets {
          try reducing.run(  // all ranks
            UnsafeBufferPointer(rebasing: sums.fixedGradients[bucket]),
            into: UnsafeMutableBufferPointer(rebasing: gradients[bucket]), phases: &spent)
        }
        phases.append(spent)
      }
      // Those of rank 0; the first one warmed up.
      phases.removeFirst()
      record.record(seconds: times, group: reduction.rawValue)
      let bytes = Double(reduction.traffic(count: gradients.count, ranks: bench.communicator.size))
      func milliseconds(_ phase: KeyPath<GradientReduction.Phases, Double>) -> Double {
        1000 * Spread(phases.map { $0[keyPath: phase] }).median
      }
      record[group: reduction.rawValue]?.merge(
        [
          "encode": milliseconds(\.encode), "exchange": milliseconds(\.exchange), "sum": milliseconds(\.sum),
          "decode": milliseconds(\.decode), "bytes_sent": bytes,
          "gigabytes_per_second": bytes / Spread(times).median / 1e9,
        ], uniquingKeysWith: { _, new in new })
    }
    return record
  }
}
