import ArgumentParser
import MemoryBank
import SALAD

/// How to score; what is not given is remembered by the run or deployment.
struct ScoringOptions: ParsableArguments {
  @Option(help: "How similarities become a score. (default: what the model remembers)")
  var scoreRule: ScoreRule?

  @Option(help: "Prototypes looked up. (default: what the model remembers)")
  var topK: Int?

  @Option(help: "Which bank scores. (default: the refreshed one, or momentum where there is none)")
  var bank: BankKind?

  func validate() throws {
    if let topK, topK < 1 {
      throw ValidationError("--top-k is \(topK): give a whole number of at least 1")
    }
  }

  /// All ranks. A scorer of the run or deployment at `path`.
  func scorer(of path: String, workers: Int?, session: Session) throws -> Scorer {
    session.watchdog.enter("verifying \(path)", step: nil)
    let source = try ModelSource.open(path, bank: bank, communicator: session.communicator)  // all ranks
    if let note = source.note { session.log.note(note) }
    let workers = session.workers(workers)
    for warning in session.host.warnings(workers: workers, ranksInAll: session.communicator.size, microBatches: nil) {
      session.log.note(warning)
    }
    return try Scorer(  // all ranks
      source, rule: scoreRule, topK: topK, workers: workers, communicator: session.communicator,
      watchdog: session.watchdog)
  }
}
