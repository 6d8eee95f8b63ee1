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
  public var scoreRule: ScoreRule
  /// K, prototypes looked up; clipped to the bank's rows.
  public var topK: Int
  /// tau.
  public var temperature: Double

  public init(
    architecture: Architecture, size: Int, channels: Int, maximumWidth: Int, embeddingDimension: Int,
    centre: Centre = .none, precision: Precision = .float32, microBatch: Int, fit: Fit, scoreRule: ScoreRule, topK: Int, temperature: Double
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
    self.scoreRule = scoreRule
    self.topK = topK
    self.temperature = temperature
  }

  /// What `Replica` wants to know.
  public var network: NetworkConfiguration {
    NetworkConfiguration(
      architecture: architecture, size: size, channels: channels, maximumWidth: maximumWidth,
      embeddingDimension: embeddingDimension, centre: centre)
  }

  enum CodingKeys: String, CodingKey {
    case architecture, size, channels, centre, precision, fit, temperature
    case maximumWidth = "max_width"
    case embeddingDimension = "embedding_dimension"
    case microBatch = "micro_batch"
    case scoreRule = "score_rule"
    case topK = "top_k"
  }
}

extension KeyedDecodingContainer {
  /// What was written before there was a choice is float32.
  func decode(_: Precision.Type, forKey key: Key) throws -> Precision {
    try decodeIfPresent(Precision.self, forKey: key) ?? .float32
  }
}
