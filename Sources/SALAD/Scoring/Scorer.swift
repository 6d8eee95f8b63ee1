import Autoencoder
import MPI
import MemoryBank
import Platform
import Radiographs

// F = features of an image, K = prototypes looked up

/// Scores images against the memory bank of a model, or of several that score together, all ranks together.
public struct Scorer {
  /// The rule of the scores: it travels with every result.
  public let rule: ScoreRule
  /// The bank that scores.
  public let bankKind: BankKind
  /// K: at most the bank's rows.
  public let topK: Int
  /// What makes scores and p-values of distances.
  public let scale: ScoreScale
  /// Whether p-values are those of this precision: the one that the model was calibrated in.
  public let isCalibrated: Bool
  /// A sentence for standard error when the model's p-values come from images kept back or from another place, and were
  /// measured under another rule, K or bank, so that the bank's own rows stand in for them.
  public let note: String?
  let scoring: ScoringConfiguration
  let models: [Model]
  let communicator: Communicator
  let watchdog: Watchdog
  /// What the model's path and its self-test say the first scores must agree with.
  private let expected: Expected?
  /// N names of the bank's images; none where nobody asks for them.
  let imageIDs: [String]
  /// What the training images have in common; nil where that is unknown.
  let typical: TypicalPicture?

  private struct Expected {
    let path: String
    let selfTest: SelfTest
    /// Its scores are of this rule and K; features are in any case.
    let withScores: Bool
  }

  /// One network with its bank.
  struct Model {
    let embedder: Embedder
    let bank: MemoryBank
    let calibration: Calibration
  }

  /// All ranks.
  ///
  /// A bank that was not measured under this K and temperature is measured now.
  ///
  /// - Parameters:
  ///   - source: what to score with.
  ///   - precision: of the encoder; nil: what the model remembers.
  ///   - rule: nil: what the model remembers.
  ///   - topK: K; nil: what the model remembers.
  ///   - workers: threads of this rank.
  ///   - host: what this rank may use.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  /// - Throws: `SaladError` on all ranks: 64 where the rule does not suit the model, or one rank's memory does not suffice.
  public init(
    _ source: ModelSource, precision: Precision? = nil, rule: ScoreRule?, topK: Int?, workers: Int, host: HostResources,
    communicator: Communicator, watchdog: Watchdog
  ) throws {
    let scoring = source.scoring
    let levels = source.bankKind == .refreshed ? scoring.levels : .bottleneck
    let rule = rule ?? (levels.isBottleneck || !scoring.scoreRule.isAngular ? scoring.scoreRule : .weightedDistance)
    let k = min(topK ?? scoring.topK, source.imageIDs.count)
    guard levels.isBottleneck || !rule.isAngular else {
      throw SaladError(
        .usage,
        "--score-rule \(rule.rawValue) compares unit vectors, and \(source.path) scores by the levels \(levels): give "
          + "another rule, or train with --levels z")
    }

    let memory = ScoringMemory(
      scoring: scoring, precision: precision ?? scoring.precision, models: source.models.count,
      rows: source.imageIDs.count,
      features: source.bankKind == .refreshed ? scoring.featureCount : scoring.embeddingDimension, topK: k,
      holdsBank: !source.mapsBank,
      measuresBank: source.models.contains {
        $0.calibration(matching: source.bankKind, rule: rule, topK: k, scoreTemperature: scoring.scoreTemperature)
          == nil
      }, workers: workers, ranks: communicator.size)
    try agree(communicator) {  // all ranks
      try memory.require(of: host, for: "scoring", cure: topK == nil ? nil : "a smaller --top-k")
    }

    watchdog.enter("loading the model", step: nil)
    let models = try source.models.map { model in
      let embedder = try source.embedder(  // all ranks
        of: model, precision: precision, workers: workers, communicator: communicator)
      let bank = try source.bank(  // all ranks
        of: model, workers: embedder.replica.workers, communicator: communicator)
      return Model(
        embedder: embedder,
        bank: bank,
        calibration: try model.calibration(
          matching: source.bankKind, rule: rule, topK: k, scoreTemperature: scoring.scoreTemperature)
          ?? Self.measure(  // all ranks
            bank, of: model, source, rule: rule, topK: k, communicator: communicator, watchdog: watchdog))
    }
    self.init(
      scoring, models: models, kind: source.bankKind, rule: rule, communicator: communicator, watchdog: watchdog,
      note: Self.note(of: source, judgedBy: models),
      // Its numbers are those of the model's own precision.
      expected: (precision ?? scoring.precision) != scoring.precision
        ? nil
        : source.selfTest.map {
          Expected(
            path: source.path, selfTest: $0,
            withScores: source.isWhole && rule == scoring.scoreRule && k == min(scoring.topK, source.imageIDs.count))
        }, imageIDs: source.imageIDs, typical: source.typicalPicture)
  }

  /// All ranks. A bank's own distances, where nobody has measured them.
  private static func measure(
    _ bank: MemoryBank, of model: ModelSource.Model, _ source: ModelSource, rule: ScoreRule, topK: Int,
    communicator: Communicator, watchdog: Watchdog
  ) throws -> Calibration {
    let pass = LeftOutPass(communicator: communicator, watchdog: watchdog)
    let calibration = try pass.run(  // all ranks
      bank, kind: source.bankKind, patients: source.patients, rules: [rule], topK: topK,
      scoreTemperature: source.scoring.scoreTemperature,
      falseAlarmRate: model.calibration?.falseAlarmRate ?? ConformalThreshold.defaultFalseAlarmRate)
    guard var calibration else { throw SaladError(.interrupted, "\(source.path): a signal asked to stop") }
    calibration.exposureAxis = source.exposure(of: model)?.axis
    return calibration
  }

  /// All ranks. The calibration of a run's bank that has none: a momentum bank's.
  public static func calibration(
    of source: ModelSource, workers: Int, communicator: Communicator, watchdog: Watchdog
  ) throws -> Calibration {
    let bank = try source.bank(  // all ranks
      of: source.models[0], workers: Workers(count: workers), communicator: communicator)
    return try measure(  // all ranks
      bank, of: source.models[0], source, rule: source.scoring.scoreRule,
      topK: min(source.scoring.topK, source.imageIDs.count),
      communicator: communicator, watchdog: watchdog)
  }

  /// Local. A scorer with networks and banks that are in memory already.
  ///
  /// - Parameters:
  ///   - models: each with a calibration for `rule`.
  ///   - kind: of their banks.
  init(
    _ scoring: ScoringConfiguration, models: [Model], kind: BankKind, rule: ScoreRule, communicator: Communicator,
    watchdog: Watchdog
  ) {
    self.init(
      scoring, models: models, kind: kind, rule: rule, communicator: communicator, watchdog: watchdog,
      note: nil, expected: nil, imageIDs: [], typical: nil)
  }

  private init(
    _ scoring: ScoringConfiguration, models: [Model], kind: BankKind, rule: ScoreRule, communicator: Communicator,
    watchdog: Watchdog, note: String?, expected: Expected?, imageIDs: [String], typical: TypicalPicture?
  ) {
    guard let scale = ScoreScale(models.map(\.calibration), rule: rule) else {
      preconditionFailure("a model that is not calibrated for \(rule.rawValue)")
    }
    self.scoring = scoring
    self.models = models
    self.rule = rule
    self.scale = scale
    bankKind = kind
    topK = models[0].calibration.topK
    isCalibrated = models.allSatisfy { $0.embedder.replica.precision == scoring.precision }
    self.communicator = communicator
    self.watchdog = watchdog
    self.note = note
    self.expected = expected
    self.imageIDs = imageIDs
    self.typical = typical
  }

  private static func note(of source: ModelSource, judgedBy models: [Model]) -> String? {
    for (remembered, model) in zip(source.models.map(\.calibration), models) {
      if let remembered, remembered.origin != .leftOut, model.calibration.origin == .leftOut {
        return "\(source.path): its \(remembered.origin.rawValue) p-values are of K \(remembered.topK) and the "
          + "\(remembered.bank.rawValue) bank: with these flags they come from the bank's own rows, each left out"
      }
    }
    return nil
  }

  /// What the encoder computes with.
  public var precision: Precision { models[0].embedder.replica.precision }

  // MARK: Scoring

  /// All ranks. What became of images in the order of `paths`: the same bits for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - paths: of images, equal on all ranks.
  ///   - badImages: what an image that cannot be read does: end the command, or go without a score.
  ///   - report: on all ranks, given each block of images once it is scored.
  ///   - observing: on all ranks, given the places of each block of images and their features under the first model,
  ///     (block, F), equal on all ranks; those of images that cannot be read mean nothing.
  /// - Throws: `SaladError` on all ranks: 65 naming an image that cannot be read, 70 when the self-test fails, and what
  ///   `report` throws on any rank.
  public func scores(
    of paths: [String], badImages: BadImages = .fail, report: ([ImageScore]) throws -> Void = { _ in },
    observing: (Range<Int>, [Float]) throws -> Void = { _, _ in }
  ) throws -> [ImageScore] {
    try checkSelf()  // all ranks
    var results: [ImageScore] = []
    let isDone = try look(  // all ranks
      at: paths.map(Picture.file), rules: [rule], badImages: badImages, title: "scoring"
    ) { block in
      let scores = scale.scores(block.distances.map { $0[rule]! })
      let new = zip(block.places, scores).map { place, score in
        block.result(place, path: paths[place], score: score)
      }
      // On all ranks: they wait for the one whose reader takes its time.
      try watchdog.waiting("writing the result") {
        try agree(communicator) {  // all ranks
          try observing(block.places, block.features)
          try report(new)
        }
      }
      results += new
    }
    guard isDone else { throw SaladError(.interrupted, "a signal asked to stop") }
    return results
  }

  /// All ranks. Each model's distances under each of `rules`, in the order of the pictures.
  ///
  /// - Parameter title: of the progress; nil: none is shown.
  /// - Returns: nil on all ranks when a signal asked to stop.
  private func distances(
    of pictures: [Picture], rules: [ScoreRule], title: String?
  ) throws -> [[ScoreRule: [Double]]]? {
    var distances = models.map { _ in [ScoreRule: [Double]]() }
    let isDone = try look(at: pictures, rules: rules, badImages: .fail, title: title) { block in  // all ranks
      for (index, found) in block.distances.enumerated() {
        distances[index].merge(found) { $0 + $1 }
      }
    }
    return isDone ? distances : nil
  }

  /// All ranks. Each model's distances of images under each of `rules`.
  ///
  /// - Parameter title: of the progress.
  /// - Returns: nil on all ranks when a signal asked to stop.
  func distances(of paths: [String], rules: [ScoreRule], title: String) throws -> [[ScoreRule: [Double]]]? {
    try distances(of: paths.map(Picture.file), rules: rules, title: title)
  }

  // MARK: Self-test

  /// All ranks. Looks whether this machine computes what the one that made the deployment did; `scores(of:)` begins with it.
  ///
  /// - Throws: `SaladError` 70 on all ranks where it does not.
  public func checkSelf() throws {
    guard let expected else { return }
    try expected.selfTest.check(  // all ranks
      selfTest(), withScores: expected.withScores, precision: precision, path: expected.path)
  }

  /// All ranks. What this machine makes of the self-test's images, under the rule and K that it scores with.
  ///
  /// - Parameter scale: nil: its own.
  public func selfTest(scale: ScoreScale? = nil) throws -> SelfTest {
    watchdog.enter("testing itself", step: nil)
    let pictures = (0..<SelfTest.images).map { index in
      Picture.prepared(SelfTest.image(index).resized(to: scoring.size, fit: .stretch), name: "self-test \(index)")
    }
    let pixels = try reader.read(pictures[...]).pixels  // all ranks
    let features = try gather(models[0].embedder.features(of: pixels))  // all ranks
    guard let distances = try distances(of: pictures, rules: [rule], title: nil) else {  // all ranks
      throw SaladError(.interrupted, "a signal asked to stop")
    }
    return SelfTest(features: features, scores: (scale ?? self.scale).scores(distances.map { $0[rule]! }))
  }
}
