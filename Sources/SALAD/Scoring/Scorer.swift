import Autoencoder
import MPI
import MemoryBank
import Radiographs
import Safetensors

// D = embedding dimension

/// Scores images against a memory bank, all ranks together.
public struct Scorer {
  /// The rule of the scores: it travels with every result.
  public let rule: ScoreRule
  /// The bank that scores.
  public let bankKind: BankKind
  /// K, prototypes looked up: at most the bank's rows.
  public let topK: Int
  /// How the model was calibrated; nil where it was not, or with another K, bank or precision.
  public let calibration: Calibration?
  private let scoring: ScoringConfiguration
  private let bank: MemoryBank
  private let embedder: Embedder
  private let communicator: Communicator
  private let watchdog: Watchdog
  /// What the model's path and its self-test say the first scores must agree with.
  private let expected: (path: String, selfTest: SelfTest)?

  /// All ranks.
  ///
  /// - Parameters:
  ///   - precision: of the encoder; nil: what the model remembers.
  ///   - rule: nil: what the model remembers.
  ///   - topK: K; nil: what the model remembers.
  ///   - workers: threads of this rank.
  public init(
    _ source: ModelSource, precision: Precision? = nil, rule: ScoreRule?, topK: Int?, workers: Int,
    communicator: Communicator, watchdog: Watchdog
  ) throws {
    let scoring = source.scoring
    self.scoring = scoring
    self.rule = rule ?? scoring.scoreRule
    bankKind = source.bankKind
    self.topK = min(topK ?? scoring.topK, source.imageIDs.count)
    self.communicator = communicator
    self.watchdog = watchdog

    watchdog.enter("loading the model", step: nil)
    let replica = try agree(communicator) {  // all ranks
      let replica = try Replica(
        configuration: scoring.network, precision: precision ?? scoring.precision, microBatch: scoring.microBatch,
        workers: workers, training: false, activationLimit: 0)
      try replica.loadModel(SafetensorsFile(path: source.modelPath))
      return replica
    }
    embedder = Embedder(replica: replica, microBatch: scoring.microBatch, workers: workers)
    bank = try source.bank(workers: replica.workers, communicator: communicator)  // all ranks
    // Its numbers are those of the model's own precision.
    expected = replica.precision == scoring.precision ? source.selfTest.map { (source.path, $0) } : nil
    let k = self.topK
    calibration = source.calibration.flatMap { calibration in
      calibration.bank == source.bankKind && calibration.topK == k && replica.precision == scoring.precision
        ? calibration : nil
    }
  }

  /// Local. A scorer under the rule and K of `scoring`, with a network and a refreshed bank that are in memory already.
  init(
    _ scoring: ScoringConfiguration, bank: MemoryBank, embedder: Embedder, communicator: Communicator,
    watchdog: Watchdog
  ) {
    self.scoring = scoring
    rule = scoring.scoreRule
    bankKind = .refreshed
    topK = min(scoring.topK, bank.sharding.rows)
    calibration = nil
    expected = nil
    self.bank = bank
    self.embedder = embedder
    self.communicator = communicator
    self.watchdog = watchdog
  }

  /// What the encoder computes with.
  public var precision: Precision { embedder.replica.precision }

  /// tau.
  var temperature: Double { scoring.temperature }

  /// All ranks. Anomaly scores in 0...1, higher is more anomalous, in the order of `paths`: the same bits for any
  /// number of ranks and workers.
  ///
  /// Where the model has a self-test, its images lead the first block: beside one image they cost nothing.
  ///
  /// - Parameter paths: of PNG images, equal on all ranks.
  /// - Throws: `SaladError` on all ranks: 65 naming an image that cannot be read, 70 when the self-test fails.
  public func scores(of paths: [String]) throws -> [Double] {
    let progress = ProgressDisplay("scoring", unit: "images", total: paths.count, isShown: communicator.isRoot)
    let leading = expected == nil ? 0 : SelfTest.images
    var scores: [Double] = []
    for block in Share.blocks(of: 0..<leading + paths.count, size: try imagesPerBlock()) {  // all ranks
      let tests = block.lowerBound == 0 ? leading : 0
      var embeddings = try embed(block.map { $0 < leading ? .selfTest($0) : .file(paths[$0 - leading]) })  // all ranks
      if let expected, tests > 0 {
        let found = try selfTest(Array(embeddings.prefix(tests * bank.dimension)))  // all ranks
        try expected.selfTest.check(found, precision: precision, path: expected.path)
        embeddings.removeFirst(tests * bank.dimension)
      }
      scores += try self.scores(of: embeddings, rules: [rule])[0]  // all ranks
      progress.show(scores.count)
    }
    return scores
  }

  /// All ranks. How many images to score at once.
  func imagesPerBlock() throws -> Int {
    Int(try communicator.allReduce(Int64(embedder.imagesPerBlock), .sum))  // all ranks
  }

  /// All ranks. The scores of a block of images under each of `rules`.
  func scores(ofBlock paths: [String], rules: [ScoreRule]) throws -> [[Double]] {
    try scores(of: embed(paths.map(Picture.file)), rules: rules)  // all ranks
  }

  /// All ranks. The scores of embeddings (count, D) under each of `rules`.
  private func scores(of embeddings: [Float], rules: [ScoreRule]) throws -> [[Double]] {
    watchdog.enter("looking up prototypes", step: nil)
    return try rules.map { try lookUp(embeddings, k: topK, rule: $0) }  // all ranks
  }

  /// All ranks. The scores of embeddings (count, D), of rows that nobody has changed.
  private func lookUp(_ embeddings: [Float], k: Int, rule: ScoreRule) throws -> [Double] {
    let scores = try bank.scores(  // all ranks
      embeddings, k: k, rule: rule, temperature: temperature, communicator: communicator)
    // After the search: before it, rows could still change until they are read.
    try agree(communicator) { try bank.checkUnchanged() }  // all ranks
    return scores
  }

  /// What is embedded.
  private enum Picture: Sendable {
    /// A PNG file's path.
    case file(String)
    /// One of `SelfTest.images`.
    case selfTest(Int)

    func resized(to side: Int, fit: Fit) throws -> Radiograph {
      switch self {
      case .file(let path): try Radiograph(png: path).resized(to: side, fit: fit)
      case .selfTest(let index): SelfTest.image(index).resized(to: side, fit: .stretch)
      }
    }
  }

  /// All ranks. Embeddings of a block of images: each rank decodes and embeds whole micro-batches of them.
  ///
  /// - Returns: (count, D), equal on all ranks.
  private func embed(_ pictures: [Picture]) throws -> [Float] {
    watchdog.enter("embedding images", step: nil)
    let (m, count) = (scoring.microBatch, pictures.count)
    let (side, fit) = (scoring.size, scoring.fit)
    let microBatches = (count + m - 1) / m
    let share = Share.range(of: communicator.rank, ranks: communicator.size, count: microBatches)
    let mine = min(count, share.lowerBound * m)..<min(count, share.upperBound * m)
    let embeddings = try agree(communicator) {  // all ranks
      try embedder.embed(mine.count) { try pictures[mine.lowerBound + $0].resized(to: side, fit: fit) }  // mine
    }
    return try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
  }

  // MARK: Self-test

  /// All ranks. What this machine makes of the self-test's images, under the rule and K that the model remembers.
  public func selfTest() throws -> SelfTest {
    try selfTest(embed((0..<SelfTest.images).map(Picture.selfTest)))  // all ranks
  }

  /// All ranks.
  ///
  /// - Parameter embeddings: (images, D), of the self-test's images.
  private func selfTest(_ embeddings: [Float]) throws -> SelfTest {
    watchdog.enter("testing itself", step: nil)
    let scores = try lookUp(embeddings, k: scoring.topK, rule: scoring.scoreRule)  // all ranks
    return SelfTest(embeddings: embeddings, scores: scores)
  }
}
