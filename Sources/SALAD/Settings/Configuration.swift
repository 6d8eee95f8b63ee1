import Autoencoder
import ExactSum
import Foundation
import MemoryBank
import Radiographs

/// What happens to images that cannot be read.
public enum BadImages: String, Codable, Sendable, CaseIterable {
  /// The first one ends the command, on all ranks.
  case fail
  /// Every one is named on standard error and left out, on all ranks alike.
  case skip
}

/// What the rows of a new memory bank are.
public enum BankStart: String, Codable, Sendable, CaseIterable {
  /// The embeddings of the clean training images, by the network as it starts.
  case pass
  /// Random unit vectors, as in the published code.
  case random
}

/// What becomes of the learning rate within each round.
public enum LearningRateDecay: String, Codable, Sendable, CaseIterable {
  /// It stays.
  case none
  /// It falls in equal steps to (nearly) zero at the round's end.
  case linear
}

/// Everything that determines what a run computes: with the data, every bit of its result.
///
/// Defaults are those of `Recipe.default`. What only says how it runs is `Execution`'s.
public struct Configuration: Codable, Sendable, Equatable {
  // MARK: Network

  public var architecture = Architecture.unet
  /// S, side of the network's input: 64, 128, 256 or 512 pixels.
  public var size = 128
  /// C: 1, or 3 which repeats the gray channel.
  public var channels = 1
  /// Caps every level's channels, in 1...1024.
  public var maximumWidth = 1024
  /// D, in 2...4096.
  public var embeddingDimension = 200
  public var centre = Centre.batch

  // MARK: Images

  public var fit = Fit.pad
  /// The part of each side that is covered with black, in 0...0.25; nil: none.
  public var borderMask: Double?
  /// White in files of 16 bits, in 255...65535; nil of a new run: measured; of runs of before there was a choice: 65,535.
  public var greyRange: Int?
  public var augmentation = Augmentation.standard
  public var badImages = BadImages.fail

  // MARK: Training

  /// B, images in a step over all ranks: a multiple of `microBatch`.
  public var batchSize = 32
  /// m, images that one worker computes together and batch normalisation normalises over, at least 2.
  public var microBatch = 8
  /// T, threads that compute one micro-batch together; nil: one. Several have bits of their own, the same whatever their number.
  public var threadsPerMicroBatch: Int?
  /// R, rounds with anchors; one without comes before them.
  public var rounds = 3
  public var epochsPerRound = 4
  public var learningRate = 1e-4
  public var learningRateDecay = LearningRateDecay.none
  /// L2, added to the gradient of every parameter.
  public var weightDecay = 1e-6
  public var reconstructionLoss = ReconstructionLoss.l1
  public var reconstructionWeight = 1.0
  public var aggregationWeight = 1.0
  public var precision = Precision.float32
  public var reduction = Reduction.exact
  public var seed: UInt64 = 0

  // MARK: Memory bank

  public var bankStart = BankStart.pass
  /// tau, above 0.
  public var temperature = 0.1
  /// mu, in 0..<1: how much of a prototype stays when its image is seen again.
  public var momentum = 0.5
  /// The fraction of images that each round adds to the anchors, in 0...1.
  public var anchorRate = 0.1
  /// A, neighbours of an anchor.
  public var neighbours = 10

  // MARK: Scoring

  /// What describes an image to the bank that scores.
  public var levels = Architecture.unet.defaultLevels
  public var featureScale = FeatureScale.root
  /// How much of the direction in which exposures move levels' means is taken out of them, in 0...1; nil, as in runs of
  /// before there was a choice: nothing.
  public var exposureDamping: Double? = 0.5
  public var scoreRule = ScoreRule.weightedDistance
  /// K, prototypes looked up; clipped to the bank's rows.
  public var topK = 30
  /// tau_s, above 0: how fast the weights of the K nearest fall with their distance.
  public var scoreTemperature = 1.0

  // MARK: Calibration

  /// The fraction of the normal images that training never sees, in 0..<1; nil: none.
  public var validationFraction: Double?
  /// Determines which those are; nil, as in runs of before there was a choice: `seed` does.
  public var validationSeed: UInt64? = 0
  /// The fraction of normal images that may be flagged, above 0 and below 1; nil: `defaultFalseAlarmRate`.
  public var falseAlarmRate: Double?

  public init() {}

  // A key is that of its `Setting`: its flag's name with underscores.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case architecture, size, channels, fit, augmentation, rounds, precision, reduction, seed, temperature, momentum
    case neighbours, centre, levels
    case maximumWidth = "max_width"
    case embeddingDimension = "embedding_dimension"
    case borderMask = "border_mask"
    case greyRange = "grey_range"
    case badImages = "bad_images"
    case batchSize = "batch_size"
    case microBatch = "micro_batch"
    case threadsPerMicroBatch = "threads_per_micro_batch"
    case epochsPerRound = "epochs_per_round"
    case learningRate = "learning_rate"
    case learningRateDecay = "learning_rate_decay"
    case bankStart = "bank_start"
    case weightDecay = "weight_decay"
    case reconstructionLoss = "reconstruction_loss"
    case reconstructionWeight = "reconstruction_weight"
    case aggregationWeight = "aggregation_weight"
    case anchorRate = "anchor_rate"
    case featureScale = "feature_scale"
    case exposureDamping = "exposure_damping"
    case scoreRule = "score_rule"
    case topK = "top_k"
    case scoreTemperature = "score_temperature"
    case validationFraction = "validation_fraction"
    case validationSeed = "validation_seed"
    case falseAlarmRate = "false_alarm_rate"
  }
}

// MARK: - What others need to know of it

extension Configuration {
  public var network: NetworkConfiguration {
    get { scoring.network }
    set {
      architecture = newValue.architecture
      size = newValue.size
      channels = newValue.channels
      maximumWidth = newValue.maximumWidth
      embeddingDimension = newValue.embeddingDimension
      centre = newValue.centre
    }
  }

  public var scoring: ScoringConfiguration {
    ScoringConfiguration(
      architecture: architecture, size: size, channels: channels, maximumWidth: maximumWidth,
      embeddingDimension: embeddingDimension, centre: centre, precision: precision, microBatch: microBatch, fit: fit,
      borderMask: borderMask, greyRange: greyRange, levels: levels, featureScale: featureScale,
      exposureDamping: levels.isBottleneck || exposureDamping == 0 ? nil : exposureDamping,
      scoreRule: scoreRule, topK: topK, scoreTemperature: scoreTemperature)
  }

  /// What becomes of an image before the network sees it.
  var preparation: Preparation { scoring.preparation }

  /// T.
  public var threads: Int { threadsPerMicroBatch ?? 1 }

  /// Epochs of the whole training: R + 1 rounds.
  public var epochs: Int { (rounds + 1) * epochsPerRound }
}

// MARK: - Ranges

extension Configuration {
  /// Every number's range.
  public static let ranges: [NumberRange<Configuration>] = Setting.all.compactMap(\.range)

  /// alpha where nobody says otherwise.
  public static let defaultFalseAlarmRate = 0.05

  /// Checks every range that does not depend on the data.
  ///
  /// - Throws: `SaladError` 64 naming the flag, its value and what it may be.
  public func validate() throws {
    for range in Self.ranges { try range.validate(self) }
    func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
      if !condition { throw SaladError(.usage, sentence()) }
    }
    try require(
      batchSize % microBatch == 0,
      "--batch-size \(batchSize) is not a multiple of --micro-batch \(microBatch): give a multiple, "
        + "such as \((batchSize / microBatch + 1) * microBatch)")
    try require(
      architecture.has(levels),
      "--levels is \(String(describing: levels).debugDescription): give z, or some of "
        + "\(architecture.stages.joined(separator: ",")) in this order")
    try require(
      levels.isBottleneck || !scoreRule.isAngular,
      "--score-rule \(scoreRule.rawValue) compares unit vectors, and the levels \(levels) are none: give --levels z, or "
        + "another rule")
  }

  /// The most images that a bank may remember: the scale of the softmax denominators has room for no more.
  public static let mostImages = 1 << 22

  /// Checks what depends on the number of training images.
  ///
  /// - Parameters:
  ///   - imageCount: N, without those kept back.
  ///   - keptBack: how many are kept back.
  /// - Throws: `SaladError` 64 that says what to change.
  public func validate(imageCount: Int, keptBack: Int = 0) throws {
    guard batchSize <= imageCount else {
      let most = imageCount / microBatch * microBatch
      let left = keptBack > 0 ? " that --validation-fraction \(validationFraction ?? 0) leaves" : ""
      throw SaladError(
        .usage,
        "--batch-size \(batchSize) is above the \(imageCount) training images\(left): "
          + (most > 0 ? "give at most \(most), or more images" : "give more images"))
    }
    guard imageCount <= Self.mostImages else {
      throw SaladError(
        .usage, "there are \(imageCount) training images, and a bank remembers at most \(Self.mostImages): give fewer")
    }
  }
}

// MARK: - Comparing

extension Configuration {
  /// One setting in which two configurations differ.
  public struct Difference: Sendable, Equatable {
    /// The flag, such as `--batch-size`.
    public var flag: String
    public var ours: String
    public var theirs: String
  }

  /// The settings in which this configuration is not `other`, by flag.
  public func differences(from other: Configuration) -> [Difference] {
    let ours = settings
    let theirs = other.settings
    return ours.keys.sorted().compactMap { key in
      guard let value = ours[key], let otherValue = theirs[key], value != otherValue else { return nil }
      return Difference(flag: Self.flag(key), ours: value, theirs: otherValue)
    }
  }

  /// `--batch-size` of `batch_size`.
  static func flag(_ key: String) -> String { "--" + key.replacingOccurrences(of: "_", with: "-") }

  /// Every setting by its key, as text; the strengths of the augmentation stand by themselves.
  var settings: [String: String] {
    Dictionary(
      uniqueKeysWithValues: Setting.all.filter { !$0.isShorthand }.map { ($0.key, $0.text(of: self)) })
  }
}

// MARK: - Runs of earlier versions

extension KeyedDecodingContainer {
  /// What was written before there was a choice was trained without centring.
  func decode(_: Centre.Type, forKey key: Key) throws -> Centre {
    try decodeIfPresent(Centre.self, forKey: key) ?? .none
  }

  /// ... from random rows ...
  func decode(_: BankStart.Type, forKey key: Key) throws -> BankStart {
    try decodeIfPresent(BankStart.self, forKey: key) ?? .random
  }

  /// ... at one learning rate.
  func decode(_: LearningRateDecay.Type, forKey key: Key) throws -> LearningRateDecay {
    try decodeIfPresent(LearningRateDecay.self, forKey: key) ?? .none
  }
}
