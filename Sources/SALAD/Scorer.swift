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
  /// - Parameter paths: of PNG images, equal on all ranks.
  /// - Throws: `SaladError` 65 on all ranks, naming an image that cannot be read.
  public func scores(of paths: [String]) throws -> [Double] {
    let progress = ProgressDisplay("scoring", unit: "images", total: paths.count, isShown: communicator.isRoot)
    var scores: [Double] = []
    for block in Share.blocks(of: paths.indices, size: try imagesPerBlock()) {  // all ranks
      scores += try self.scores(ofBlock: Array(paths[block]), rules: [rule])[0]  // all ranks
      progress.show(block.upperBound)
    }
    return scores
  }

  /// All ranks. How many images to score at once.
  func imagesPerBlock() throws -> Int {
    Int(try communicator.allReduce(Int64(embedder.imagesPerBlock), .sum))  // all ranks
  }

  /// All ranks. The scores of a block of images under each of `rules`.
  func scores(ofBlock paths: [String], rules: [ScoreRule]) throws -> [[Double]] {
    watchdog.enter("embedding images", step: nil)
    let (side, fit) = (scoring.size, scoring.fit)
    let embeddings = try embed(paths.count) {  // all ranks
      try Radiograph(png: paths[$0]).resized(to: side, fit: fit)
    }

    watchdog.enter("looking up prototypes", step: nil)
    return try rules.map { rule in
      try bank.scores(  // all ranks
        embeddings, k: topK, rule: rule, temperature: temperature, communicator: communicator)
    }
  }

  /// All ranks. Embeddings of a block of images: each rank decodes and embeds whole micro-batches of them.
  ///
  /// - Parameter image: the resized image `0 ..< count`; called from several threads.
  /// - Returns: (count, D), equal on all ranks.
  private func embed(_ count: Int, image: @escaping @Sendable (Int) throws -> Radiograph) throws -> [Float] {
    let m = scoring.microBatch
    let microBatches = (count + m - 1) / m
    let share = Share.range(of: communicator.rank, ranks: communicator.size, count: microBatches)
    let mine = min(count, share.lowerBound * m)..<min(count, share.upperBound * m)
    let embeddings = try agree(communicator) {  // all ranks
      try embedder.embed(mine.count) { try image(mine.lowerBound + $0) }  // mine
    }
    return try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
  }

  // MARK: Self-test

  /// All ranks. What this machine makes of the self-test's images, under the rule and K that the model remembers.
  public func selfTest() throws -> SelfTest {
    watchdog.enter("testing itself", step: nil)
    let side = scoring.size
    let embeddings = try embed(SelfTest.images) { SelfTest.image($0).resized(to: side, fit: .stretch) }  // all ranks
    let scores = try bank.scores(  // all ranks
      embeddings, k: scoring.topK, rule: scoring.scoreRule, temperature: temperature, communicator: communicator)
    return SelfTest(embeddings: embeddings, scores: scores)
  }
}
