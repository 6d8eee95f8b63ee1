import ArgumentParser
import Autoencoder
import MemoryBank
import SALAD

/// How to score; what is not given is remembered by the run or deployment.
struct ScoringOptions: ParsableArguments {
  @Option(help: "How distances become a score. (default: what the model remembers)")
  var scoreRule: ScoreRule?

  @Option(help: "Prototypes looked up. (default: what the model remembers)")
  var topK: Int?

  @Option(help: "What the encoder computes with: float32 or bfloat16. (default: what the model was trained in)")
  var precision: Precision?

  @Option(help: "Which bank scores. (default: the refreshed one, or momentum where there is none)")
  var bank: BankKind?

  @Option(
    help: """
      Fraction of normal images that may be flagged. (default: what the model remembers)
      """)
  var falseAlarmRate: Double?

  @Option(help: "What to do about an image that cannot be read: end, or go on and name it. (default: fail)")
  var badImages: BadImages?

  private static let ranges: [NumberRange<Self>] = [.whole("--top-k", \.topK, 1 ... .max)]
  static let numbers = NumberDescription.all(ranges) + [.falseAlarmRate] + NumberDescription.work

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
    if let falseAlarmRate { try asUsage { try ConformalThreshold.validate(falseAlarmRate: falseAlarmRate) } }
  }

  /// The run or deployment that scores, a scorer of it, and what judges its scores where they are calibrated.
  struct Loaded {
    let source: ModelSource
    let scorer: Scorer
    let threshold: ConformalThreshold?
  }

  /// All ranks. The run or deployment at `path`, verified and in memory.
  ///
  /// - Parameters:
  ///   - sites: which of its rows score and judge.
  ///   - check: all ranks; throws where it may not score.
  func load(
    _ path: String, sites: SiteOptions, workers: Int?, session: Session,
    check: (ModelSource) throws -> Void = { _ in }
  ) throws -> Loaded {
    session.watchdog.enter("verifying \(path)", step: nil)
    let loaded = try ModelSource.read(  // all ranks
      path, bank: bank, workers: session.workers(workers), communicator: session.communicator
    ) { source in
      try check(source)
      return try scorer(  // all ranks
        of: sites.source(source), judges: sites.judges(of: source), workers: workers, session: session)
    }
    return loaded
  }

  /// All ranks.
  private func scorer(
    of source: ModelSource, judges: Range<Int>?, workers: Int?, session: Session
  ) throws -> Loaded {
    if let note = source.note { session.log.note(note) }
    let workers = session.workers(workers)
    for warning in session.host.warnings(workers: workers, ranksInAll: session.communicator.size, microBatches: nil) {
      session.log.note(warning)
    }
    let scorer = try Scorer(  // all ranks
      source, precision: precision, rule: scoreRule, topK: topK, workers: workers, host: session.host,
      communicator: session.communicator, watchdog: session.watchdog)
    return Loaded(
      source: source, scorer: scorer,
      threshold: try threshold(of: scorer, judges: judges, source: source, log: session.log))
  }

  /// - Throws: `SaladError` 64 when a false-alarm rate was asked for and the scores are not calibrated.
  private func threshold(
    of scorer: Scorer, judges: Range<Int>?, source: ModelSource, log: Log
  ) throws -> ConformalThreshold? {
    guard scorer.isCalibrated else {
      let reason = "its p-values are those of --precision \(source.scoring.precision.rawValue), not of this"
      guard falseAlarmRate == nil else {
        throw SaladError(.usage, "\(source.path): \(reason): leave --false-alarm-rate away, or change that")
      }
      log.note("\(source.path): \(reason)")
      return nil
    }
    let threshold = scorer.scale.threshold(falseAlarmRate: falseAlarmRate, judgedBy: judges)
    if let note = scorer.note { log.note(note) }
    if threshold.value == nil { log.note(threshold.sentence) }
    if let warning = scorer.scale.warning { log.note("\(source.path): \(warning)") }
    return threshold
  }
}
