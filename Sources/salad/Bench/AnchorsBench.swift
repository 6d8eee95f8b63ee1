import MPI
import MemoryBank
import Platform
import SALAD

/// The choice of anchors and their neighbours, as before a round: for round 3, and for the last one, with all rows.
struct AnchorsBench: BenchSubject {
  static let name = "anchors"

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let configuration = bench.configuration
    let bank = MemoryBank(
      rows: bench.rows, dimension: configuration.embeddingDimension, seed: configuration.seed,
      workers: Workers(count: bench.workers), communicator: bench.communicator)
    var record = BenchRecord()
    record["rows"] = Double(bench.rows)
    record["neighbours"] = Double(configuration.neighbours)
    for (group, round) in [("round_3", 3), ("all_rows", Int.max)] {
      let times = try bench.times {  // all ranks
        let anchors = try bank.anchorNeighbourhoods(
          round: round, rate: configuration.anchorRate, neighbours: configuration.neighbours,
          temperature: configuration.temperature, communicator: bench.communicator,
          progress: { _ in bench.watchdog.progress() })
        precondition(!anchors.anchors.isEmpty, "no anchors of \(bench.rows) rows")
      }
      record.record(seconds: times, group: group)
    }
    // Of everything this process has done: alone in its run, the subject's own.
    record["peak_resident_bytes"] =
      Double(try bench.communicator.allReduce(Int64(Host.peakResidentMemory), .max))  // all ranks
    return record
  }
}
