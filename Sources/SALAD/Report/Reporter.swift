import MPI
import MemoryBank
import Pages
import Platform

/// Gathers what a page shows of a model, all ranks together, and writes it.
public struct Reporter {
  private let data: ReportData
  private let scorer: Scorer
  private let source: ModelSource
  private let threshold: ConformalThreshold?
  private let workers: Int
  private let host: HostResources
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log

  /// - Parameters:
  ///   - data: the images beside the bank.
  ///   - source: the model.
  ///   - scorer: of the model.
  ///   - threshold: what flags; nil where scores are not calibrated.
  ///   - workers: threads of this rank.
  ///   - host: what this rank may use.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  public init(
    _ data: ReportData, source: ModelSource, scorer: Scorer, threshold: ConformalThreshold?, workers: Int,
    host: HostResources, communicator: Communicator, watchdog: Watchdog, log: Log
  ) {
    self.data = data
    self.source = source
    self.scorer = scorer
    self.threshold = threshold
    self.workers = workers
    self.host = host
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
  }

  /// All ranks. Rank 0 writes the page, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: of the file to make; see `refuseExisting`.
  ///   - badImages: what a test image that cannot be read does.
  ///   - bootstrap: nil: no intervals and bands.
  ///   - hasPictures: whether patients' pictures are in it.
  /// - Throws: `SaladError` on all ranks: 65 naming an image that cannot be read, 74 where the page cannot be written.
  public func write(to path: String, badImages: BadImages, bootstrap: Bootstrap?, hasPictures: Bool) throws {
    watchdog.enter("drawing the map", step: nil)
    var map = try EmbeddingMap(of: scorer.models[0].bank, communicator: communicator)  // all ranks
    var places: [(x: Double, y: Double)] = []
    let tests = try data.tests.map { listed in
      try TestScores(of: listed, by: scorer, badImages: badImages) { _, features in  // all ranks
        places += map?.plane.places(of: features) ?? []
      }
    }
    if let tests, let listed = data.tests {
      for image in tests.skipped { log.warn("skipped: \(image.reason)") }
      for sentence in tests.remarks.sentences([.negative]) { log.warn(sentence) }
      let bad = Set(tests.skipped.map(\.path))
      map?.tests = zip(listed.images, places).filter { !bad.contains($0.0.path) }.map(\.1)
    }
    if let tests, let threshold, let drift = tests.drift(threshold) { log.warn(drift) }

    watchdog.enter("evaluating scores", step: nil)
    let evaluated = try agree(communicator) {  // all ranks
      communicator.isRoot ? try tests.flatMap { try evaluate($0, bootstrap) } : nil
    }
    watchdog.enter("reading pictures", step: nil)
    let leftOut = scorer.scale.leftOut
    let examples = try ExampleImages(  // all ranks
      data: data, source: source, scorer: scorer, threshold: threshold, host: host, communicator: communicator, log: log
    ).find(tests: tests, leftOut: leftOut, hasPictures: hasPictures)
    watchdog.enter("writing the page", step: nil)
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      let report = Report(
        path: source.path, source: source, record: data.record, history: history(), map: map, rule: scorer.rule,
        topK: scorer.topK, scale: scorer.scale, threshold: threshold, tests: tests, absence: data.absence,
        evaluation: evaluated?.evaluation, bands: evaluated?.bands, examples: examples, hasPictures: hasPictures,
        notes: [source.note, scorer.note, scorer.scale.warning].compactMap { $0 }, leftOut: leftOut)
      let page = ReportPage(report: report).page
      let bytes = Array(page.text.utf8)
      try Self.refuse(path)
      try FileSystem.writeAtomically(bytes, to: path)
      log.note("\(path) is a page of \(ByteText.of(bytes.count)) with \(Figures.count(page.pictures, "picture"))")
    }
  }

  /// All ranks.
  ///
  /// - Throws: `SaladError` on all ranks: 64 where something is at `path` already, 74 where its folder is missing.
  public static func refuseExisting(_ path: String, communicator: Communicator) throws {
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try refuse(path) }
    }
  }

  private static func refuse(_ path: String) throws {
    if FileSystem.exists(path) {
      throw SaladError(
        .usage, "\(path): expected no such file, found one: remove it, or give another --output")
    }
    let folder = Files.folder(of: path)
    guard FileSystem.isFolder(folder) else {
      throw SaladError(
        .inputOutput, "\(path): cannot be written: \(folder) is no folder: make it, or give another --output")
    }
  }

  /// Local. Nothing where a class is missing.
  private func evaluate(
    _ tests: TestScores, _ bootstrap: Bootstrap?
  ) throws -> (evaluation: Evaluation, bands: CurveBands?)? {
    guard !tests.scores(anomalous: true).isEmpty, !tests.scores(anomalous: false).isEmpty else { return nil }
    return (
      try Evaluation(tests, by: scorer, threshold: threshold, bootstrap: bootstrap, workers: workers),
      try bootstrap.map { try CurveBands(tests, bootstrap: $0, workers: workers) }
    )
  }

  /// Local. Of a run's log, where it can be read.
  private func history() -> TrainingHistory? {
    guard case .run = source.kind, let run = try? RunDirectory.open(source.path) else { return nil }
    do {
      return try TrainingHistory.read(run.metricsPath)
    } catch {
      log.note("without curves of the training: \(SaladError(error).description)")
      return nil
    }
  }
}
