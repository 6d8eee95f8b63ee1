import MPI
import Platform
import SALAD

/// What a subject of `salad bench` measures with, equal on all ranks but for the rank itself.
struct BenchSession {
  let communicator: Communicator
  let watchdog: Watchdog
  let configuration: Configuration
  /// N, of the memory bank.
  let rows: Int
  /// Threads of this rank.
  let workers: Int
  /// Measurements of each subject, after one to warm up.
  let steps: Int
  /// Operations per second of all ranks' matrix products.
  let peak: Double

  /// All ranks. Seconds of `body` in each of `steps` repetitions after one to warm up: of the slowest rank, as all wait
  /// for it.
  func times(_ body: () throws -> Void) throws -> [Double] {
    var times: [Double] = []
    for repetition in 0...steps {
      try communicator.barrier()  // all ranks
      let start = ContinuousClock.now
      try body()
      let seconds = try communicator.allReduce((ContinuousClock.now - start) / .seconds(1), .max)  // all ranks
      if repetition > 0 { times.append(seconds) }
      watchdog.progress()
      try Signals.throwIfAnyRankReceivedOne(communicator, "while times were taken")  // all ranks
    }
    return times
  }
}

/// One thing that `salad bench` measures.
protocol BenchSubject {
  /// Its key in the JSON, such as `top_k`.
  static var name: String { get }

  /// All ranks.
  func measure(_ bench: BenchSession) throws -> BenchRecord
}
