import ArgumentParser
import Foundation
import MPI
import MemoryBank
import Radiographs
import SALAD

struct Evaluate: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Measure how well a model tells anomalous test images from normal ones.",
    discussion: """
      DIR/test/good (or normal) holds normal images, every other folder of DIR/test one kind of anomalous ones; or DIR is \
      NIH ChestX-ray14 or MURA as downloaded, or a table says which images test (--layout).

        salad evaluate run --data phantoms
        mpirun -n 2 salad evaluate run --data phantoms --json
        salad score run phantoms/test --csv --output scores.csv
        salad evaluate --scores scores.csv --data phantoms      # the same numbers, without scoring again

      An image is flagged when its score reaches a threshold. Each number is in
      0...1, higher is better:

        AUROC          chance that an anomalous image scores above a normal one
        AP             precision, averaged as sensitivity rises to 1
        best F1        harmonic mean of precision and sensitivity, by hindsight
        sensitivity    anomalous images flagged while 90 (95) % of normal are not
        specificity    normal images not flagged while 90 (95) % of anomalous are
        95 % interval  spread over test sets redrawn by patient (bootstrap)
        flagged        images at or below the false-alarm rate

      Precision is the share of flagged images that are anomalous. Each kind of anomaly is measured against all normal \
      images. Whose an image is says the table; without one its name does in NIH ChestX-ray14, MURA and Kermany et al.; \
      others are redrawn singly. Where studies are known, each is judged by the mean score of its images as well.
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Measure the scores in this table, which salad score --csv wrote, instead of a model's.", valueName: "file.csv"),
    completion: .file(extensions: ["csv"]))
  var scores: String?

  @Option(help: ArgumentHelp("The data set's folder or table.", valueName: "dir"))
  var data: String

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Flag(help: "Measure also what the nearest training image in raw 32 x 32 pixels is worth.")
  var baseline = false

  @OptionGroup var measurement: MeasurementOptions

  @OptionGroup var scoring: ScoringOptions
  @OptionGroup(title: "Which rows of several sites") var sites: SiteOptions
  @OptionGroup var work: WorkOptions

  static let numbers = MeasurementOptions.numbers + ScoringOptions.numbers + DataOptions.numbers

  func validate() throws {
    guard (model == nil) != (scores == nil) else {
      throw ValidationError("give either a run or deployment, or --scores, a table that salad score --csv wrote")
    }
    guard scores == nil || scoring.areDefaults else {
      throw ValidationError(
        "--scores comes with scores that are made: leave options of scoring, such as --top-k, to salad score")
    }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: false) { session in
      if let scores { return try evaluate(scores: scores, session) }
      return try evaluate(model ?? "", session)
    }
  }

  /// What there is to measure.
  private struct Scored {
    var images: [LabelledImage]
    /// One an image.
    var scores: [Double]
    var skipped: [SkippedImage]
    var rule: ScoreRule
    var bank: BankKind?
    var topK: Int?
    /// The model's of images.
    var preparation: Preparation?
    /// One an image, where scores are calibrated.
    var pValues: [Double]?
    var rates: CalibratedRates?
  }

  /// All ranks. Of a model.
  private func evaluate(_ model: String, _ session: Session) throws -> ExitStatus {
    let selection = selection.request(data).selection()
    let listed = try ListedImages.test(  // all ranks
      of: data, selection, communicator: session.communicator, log: session.log)
    if let note = try selection.differenceFromRun(model, communicator: session.communicator) {  // all ranks
      session.log.warn(note)
    }
    let workers = session.workers(work.workers)
    let loaded = try scoring.load(  // all ranks
      model, sites: sites, workers: work.workers, session: session
    ) { source in
      try measurement.leakGuard(source, log: session.log).check(  // all ranks
        listed, side: source.scoring.size, workers: workers, communicator: session.communicator,
        watchdog: session.watchdog)
    }
    let (scorer, threshold) = (loaded.scorer, loaded.threshold)
    let tests = try TestScores(of: listed, by: scorer, badImages: scoring.badImages ?? .fail)  // all ranks
    // Letters were named when the data set was listed.
    for sentence in tests.remarks.sentences([.negative]) { session.log.warn(sentence) }
    return try report(  // all ranks
      Scored(
        images: tests.images, scores: tests.scores, skipped: tests.skipped, rule: scorer.rule, bank: scorer.bankKind,
        topK: scorer.topK, preparation: scorer.preparation,
        pValues: threshold.map { threshold in tests.scores.map(threshold.pValue(of:)) },
        rates: threshold.map { CalibratedRates(images: tests.images, scores: tests.scores, threshold: $0) }),
      selection, session)
  }

  /// All ranks. Of scores that are made.
  private func evaluate(scores path: String, _ session: Session) throws -> ExitStatus {
    let selection = selection.request(data).selection()
    let listed = try ListedImages.test(  // all ranks
      of: data, selection, communicator: session.communicator, log: session.log)
    let table = try agree(session.communicator) { try ScoresTable(contentsOf: path) }  // all ranks
    let rows = try agree(session.communicator) { try table.rows(of: listed.images) }  // all ranks
    session.log.note(
      "\(path) does not tell what its model learnt from: whether it knows these patients or pictures is not checked")
    if table.count > rows.count {
      session.log.note(
        "\(path) has \(table.count - rows.count) scores more than there are test images: they do not count")
    }
    let found = zip(listed.images, rows).filter { $0.1.score != nil }
    let images = found.map(\.0)
    let pValues = found.compactMap(\.1.pValue)
    let flags = found.compactMap(\.1.isFlagged)
    return try report(  // all ranks
      Scored(
        images: images, scores: found.compactMap(\.1.score),
        skipped: zip(listed.images, rows).filter { $0.1.score == nil }.map { image, row in
          SkippedImage(path: image.path, reason: row.reason ?? "\(image.path): no score in \(path)")
        },
        rule: table.rule, pValues: pValues.count == found.count ? pValues : nil,
        rates: flags.count == found.count && Set(images.map(\.isAnomalous)).count == 2
          ? CalibratedRates(images: images, flags: flags) : nil),
      selection, session)
  }

  /// All ranks.
  private func report(_ scored: Scored, _ selection: DataSelection, _ session: Session) throws -> ExitStatus {
    for image in scored.skipped { session.log.warn("skipped: \(image.reason)") }
    session.watchdog.enter("evaluating scores", step: nil)
    let workers = session.workers(work.workers)
    // Rank 0 reports, so it alone resamples.
    let resampling = session.communicator.isRoot ? measurement.resampling : nil
    var evaluation = try agree(session.communicator) {  // all ranks
      try Evaluation(
        images: scored.images, scores: scored.scores, rule: scored.rule, bank: scored.bank, topK: scored.topK,
        bootstrap: resampling, workers: workers)
    }
    evaluation.skipped = scored.skipped
    if baseline {
      evaluation.baselineAUROC = try RawPixelEvaluation.areaUnderROC(  // all ranks
        of: data, selection, images: scored.images, prepared: scored.preparation, workers: workers,
        communicator: session.communicator, watchdog: session.watchdog)
    }
    if let pValues = scored.pValues {
      let normal = zip(scored.images, pValues).filter { !$0.0.isAnomalous }.map(\.1)
      if let warning = Drift.warning(ofNormal: normal) { session.log.warn(warning) }
    }
    evaluation.calibrated = scored.rates
    if session.communicator.isRoot {
      try Console.output(json ? Self.object(evaluation) : EvaluationTable.text(of: evaluation))
    }
    return .success
  }

  private static func object(_ evaluation: Evaluation) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(evaluation), as: UTF8.self) + "\n"
  }
}
