import Autoencoder
import MemoryBank
import Radiographs

/// What scoring must know beside weights and bank. A checkpoint's manifest and a deployment's carry it.
public struct ScoringConfiguration: Codable, Sendable, Equatable {
  public var architecture: Architecture
  /// S, side of the network's input in pixels.
  public var size: Int
  /// C, 1 or 3.
  public var channels: Int
  /// Caps every level's channels.
  public var maximumWidth: Int
  /// D.
  public var embeddingDimension: Int
  public var centre: Centre
  /// Of the encoder's activations, where nothing else is asked for.
  public var precision: Precision
  /// m, images that are embedded together: fixed, so that an embedding's bits are.
  public var microBatch: Int
  public var fit: Fit
  /// The part of each side that is covered with black, in 0...0.25; nil: none.
  public var borderMask: Double?
  /// White in files of 16 bits; nil: 65,535.
  public var greyRange: Int?
  public var scoreRule: ScoreRule
  /// What describes an image: the refreshed bank's rows.
  public var levels: Levels
  /// Of the levels' means.
  public var featureScale: FeatureScale
  /// In 0...1: how much of the direction in which exposures move the levels' means is taken out; nil: nothing.
  public var exposureDamping: Double?
  /// K, prototypes looked up; clipped to the bank's rows.
  public var topK: Int
  /// tau_s, of the weights of the K nearest.
  public var scoreTemperature: Double

  public init(
    architecture: Architecture, size: Int, channels: Int, maximumWidth: Int, embeddingDimension: Int,
    centre: Centre = .none, precision: Precision = .float32, microBatch: Int, fit: Fit, borderMask: Double? = nil,
    greyRange: Int? = nil, levels: Levels, featureScale: FeatureScale, exposureDamping: Double? = nil,
    scoreRule: ScoreRule, topK: Int, scoreTemperature: Double
  ) {
    self.architecture = architecture
    self.size = size
    self.channels = channels
    self.maximumWidth = maximumWidth
    self.embeddingDimension = embeddingDimension
    self.centre = centre
    self.precision = precision
    self.microBatch = microBatch
    self.fit = fit
    self.borderMask = borderMask
    self.greyRange = greyRange
    self.scoreRule = scoreRule
    self.levels = levels
    self.featureScale = featureScale
    self.exposureDamping = exposureDamping
    self.topK = topK
    self.scoreTemperature = scoreTemperature
  }

  /// What `Replica` wants to know.
  public var network: NetworkConfiguration {
    NetworkConfiguration(
      architecture: architecture, size: size, channels: channels, maximumWidth: maximumWidth,
      embeddingDimension: embeddingDimension, centre: centre)
  }

  /// What becomes of an image before the network sees it.
  public var preparation: Preparation {
    Preparation(side: size, fit: fit, borderMask: borderMask ?? 0, greyRange: greyRange)
  }

  /// F: numbers in a row of the refreshed bank.
  public var featureCount: Int { network.featureCount(levels) }

  /// What differs from `other`, for a sentence: `--size 64, --levels z`.
  func differences(from other: ScoringConfiguration) -> String {
    func flag(_ name: String, _ value: some Equatable, _ theirs: some Equatable) -> String? {
      "\(value)" == "\(theirs)" ? nil : "--\(name) \(value)"
    }
    let flags = [
      flag("architecture", architecture.rawValue, other.architecture.rawValue), flag("size", size, other.size),
      flag("channels", channels, other.channels), flag("max-width", maximumWidth, other.maximumWidth),
      flag("embedding-dimension", embeddingDimension, other.embeddingDimension),
      flag("centre", centre.rawValue, other.centre.rawValue),
      flag("precision", precision.rawValue, other.precision.rawValue),
      flag("micro-batch", microBatch, other.microBatch), flag("fit", fit.rawValue, other.fit.rawValue),
      flag("border-mask", borderMask ?? 0, other.borderMask ?? 0),
      flag("grey-range", greyRange ?? 65535, other.greyRange ?? 65535),
      flag("levels", levels, other.levels),
      flag("feature-scale", featureScale.rawValue, other.featureScale.rawValue),
      flag("exposure-damping", exposureDamping ?? 0, other.exposureDamping ?? 0),
      flag("score-rule", scoreRule.rawValue, other.scoreRule.rawValue),
      flag("top-k", topK, other.topK), flag("score-temperature", scoreTemperature, other.scoreTemperature),
    ].compactMap { $0 }
    return flags.isEmpty ? "the same bank" : flags.joined(separator: ", ")
  }

  enum CodingKeys: String, CodingKey {
    case architecture, size, channels, centre, precision, fit, levels
    case maximumWidth = "max_width"
    case embeddingDimension = "embedding_dimension"
    case microBatch = "micro_batch"
    case borderMask = "border_mask"
    case greyRange = "grey_range"
    case featureScale = "feature_scale"
    case exposureDamping = "exposure_damping"
    case scoreRule = "score_rule"
    case topK = "top_k"
    case scoreTemperature = "score_temperature"
  }
}

extension KeyedDecodingContainer {
  /// What was written before there was a choice is float32.
  func decode(_: Precision.Type, forKey key: Key) throws -> Precision {
    try decodeIfPresent(Precision.self, forKey: key) ?? .float32
  }

  /// ... and compares means as they are.
  func decode(_: FeatureScale.Type, forKey key: Key) throws -> FeatureScale {
    try decodeIfPresent(FeatureScale.self, forKey: key) ?? .linear
  }
}
