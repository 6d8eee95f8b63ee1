/// A named configuration to start from; explicit flags override it.
public enum Recipe: String, Codable, Sendable, CaseIterable {
  /// What separated best in trials on small sets of chest X-rays.
  case `default`
  /// The settings of the published code of SALAD (MICCAI 2020, arXiv 2010.09856).
  case published

  public var configuration: Configuration {
    var configuration = Configuration()
    switch self {
    case .default: break
    case .published:
      configuration.size = 256
      configuration.channels = 3
      configuration.centre = .none
      configuration.bankStart = .random
      configuration.augmentation = .flip
      configuration.microBatch = 32
      configuration.rounds = 10
      configuration.epochsPerRound = 50
      configuration.learningRate = 1e-4
      configuration.aggregationWeight = 0.25
      configuration.levels = .bottleneck
      configuration.featureScale = .linear
      configuration.exposureDamping = nil
      configuration.scoreRule = .meanAngle
      configuration.topK = 100
    }
    return configuration
  }
}
