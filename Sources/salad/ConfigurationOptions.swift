import ArgumentParser
import Autoencoder
import ExactSum
import MemoryBank
import Radiographs
import SALAD

extension Architecture: ExpressibleByArgument {}
extension BadImages: ExpressibleByArgument {}
extension BankStart: ExpressibleByArgument {}
extension BankKind: ExpressibleByArgument {}
extension Centre: ExpressibleByArgument {}
extension Levels: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
extension FeatureScale: ExpressibleByArgument {}
extension Fit: ExpressibleByArgument {}
extension LearningRateDecay: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension Recipe: ExpressibleByArgument {}
extension ReconstructionLoss: ExpressibleByArgument {}
extension Reduction: ExpressibleByArgument {}
extension ScoreRule: ExpressibleByArgument {}

/// Augmentation by name; single strengths override it.
enum AugmentationPreset: String, ExpressibleByArgument, CaseIterable {
  case none, flip, standard

  var augmentation: Augmentation {
    switch self {
    case .none: .none
    case .flip: .flip
    case .standard: .standard
    }
  }
}

private let defaults = Configuration()

/// What a training computes. All flags are optional: those given override the recipe, or a resumed run's settings.
struct ConfigurationOptions: ParsableArguments {
  @Option(help: "Where the settings start from: what worked best in our trials, or the published code's.")
  var recipe: Recipe?

  // MARK: Network

  @Option(help: "The autoencoder: unet, or a resnet18 trunk. (default: \(defaults.architecture.rawValue))")
  var architecture: Architecture?

  @Option(help: "Side of the square that images are resized to: 64, 128, 256 or 512. (default: \(defaults.size))")
  var size: Int?

  @Option(help: "1, or 3 which repeats the gray channel. (default: \(defaults.channels))")
  var channels: Int?

  @Option(help: "Most channels of any level: small networks. (default: \(defaults.maximumWidth))")
  var maxWidth: Int?

  @Option(help: "Length of an embedding. (default: \(defaults.embeddingDimension))")
  var embeddingDimension: Int?

  @Option(
    help: """
      Keep what all images have in common out of the embeddings, by batch normalisation, or not. Without it training \
      from scratch hardly starts at 128 pixels and more. (default: \(defaults.centre.rawValue))
      """)
  var centre: Centre?

  // MARK: Images

  @Option(help: "How images that are not square become so. (default: \(defaults.fit.rawValue))")
  var fit: Fit?

  @Option(
    help: """
      Cover such a part of the width at the left and right, and of the height above and below, with black, for letters \
      burned in there; remembered by the run. (default: 0)
      """)
  var borderMask: Double?

  @Option(
    help: """
      White in 16-bit files: 4095 where the scanner has 12 bits; remembered by the run. (default: the bits that the \
      largest value of the training images needs)
      """)
  var greyRange: Int?

  @Option(help: "Random changes to training images; the strengths below override it. (default: standard)")
  var augmentation: AugmentationPreset?

  @Flag(inversion: .prefixedNo, help: "Mirror every other image.")
  var flip: Bool?

  @Option(help: "Turn by up to so many degrees. (standard: \(Augmentation.standard.rotation))")
  var rotation: Double?

  @Option(help: "Scale by up to such a fraction. (standard: \(Augmentation.standard.scale))")
  var scale: Double?

  @Option(help: "Shift by up to such a fraction of the side. (standard: \(Augmentation.standard.shift))")
  var shift: Double?

  @Option(help: "Change the contrast by up to such a fraction. (standard: \(Augmentation.standard.contrast))")
  var contrast: Double?

  @Option(help: "Change the brightness by up to so much of -1...1. (standard: \(Augmentation.standard.brightness))")
  var brightness: Double?

  @Option(help: "Bend the gray scale: an exponent up to exp(this). (standard: \(Augmentation.standard.gamma))")
  var gamma: Double?

  @Option(help: "Deviation of the noise added, on the -1...1 scale. (standard: \(Augmentation.standard.noise))")
  var noise: Double?

  @Option(
    help: """
      What to do about an image that cannot be read: end, or leave it out and name it. \
      (default: \(defaults.badImages.rawValue))
      """)
  var badImages: BadImages?

  // MARK: Training

  @Option(help: "Images in a step, over all ranks. (default: \(defaults.batchSize))")
  var batchSize: Int?

  @Option(help: "Images that one worker computes together; divides the batch. (default: \(defaults.microBatch))")
  var microBatch: Int?

  @Option(help: "Rounds with anchors; one without comes before them. (default: \(defaults.rounds))")
  var rounds: Int?

  @Option(help: "Epochs in each round. (default: \(defaults.epochsPerRound))")
  var epochsPerRound: Int?

  @Option(help: "Adam's step size. (default: \(defaults.learningRate))")
  var learningRate: Double?

  @Option(
    help: """
      Keep the step size, or let it fall to zero within each round. (default: \(defaults.learningRateDecay.rawValue))
      """)
  var learningRateDecay: LearningRateDecay?

  @Option(help: "L2 decay of every parameter. (default: \(defaults.weightDecay))")
  var weightDecay: Double?

  @Option(help: "Mean absolute or squared error. (default: \(defaults.reconstructionLoss.rawValue))")
  var reconstructionLoss: ReconstructionLoss?

  @Option(help: "Weight of the reconstruction loss. (default: \(defaults.reconstructionWeight))")
  var reconstructionWeight: Double?

  @Option(help: "Weight of the instance and aggregation losses. (default: \(defaults.aggregationWeight))")
  var aggregationWeight: Double?

  @Option(
    help: """
      What activations are stored and multiplied as: float32, or bfloat16, faster where the CPU has instructions for \
      it, in half the memory. Weights and sums stay float32. (default: \(defaults.precision.rawValue))
      """)
  var precision: Precision?

  @Option(
    help: """
      How gradients are summed: exact, where the number of ranks changes no bit; float32, two thirds of \
      the bytes without that promise; or bfloat16, a third of the bytes and gradients of 8 significant bits. (default: \(defaults.reduction.rawValue))
      """)
  var reduction: Reduction?

  @Option(help: "Determines every random draw. (default: \(defaults.seed))")
  var seed: UInt64?

  // MARK: Memory bank

  @Option(
    help: """
      What prototypes start as: the embeddings of a first pass over the images, or random vectors. \
      (default: \(defaults.bankStart.rawValue))
      """)
  var bankStart: BankStart?

  @Option(help: "Temperature of the softmax over prototypes. (default: \(defaults.temperature))")
  var temperature: Double?

  @Option(help: "How much of a prototype stays when its image is seen again. (default: \(defaults.momentum))")
  var momentum: Double?

  @Option(help: "Fraction of the images that each round adds to the anchors. (default: \(defaults.anchorRate))")
  var anchorRate: Double?

  @Option(help: "Neighbours of an anchor. (default: \(defaults.neighbours))")
  var neighbours: Int?

  // MARK: Scoring

  @Option(
    help: """
      What describes an image to the bank that scores: stages of the encoder between commas, whose maps are averaged \
      (unet: e1 to e6, resnet18: layer1 to layer4), or z, the bottleneck. (default: \
      \(Levels.defaults))
      """)
  var levels: Levels?

  @Option(
    help: """
      Whether levels' means are compared as they are (linear) or by their square roots (root). \
      (default: \(defaults.featureScale.rawValue))
      """)
  var featureScale: FeatureScale?

  @Option(
    help: """
      How much of the direction in which brightness, contrast and gamma move levels' means is taken out of them: 0 \
      nothing, 1 all. (default: \(defaults.exposureDamping ?? 0))
      """)
  var exposureDamping: Double?

  @Option(help: "The rule that scores, remembered by the run. (default: \(defaults.scoreRule.rawValue))")
  var scoreRule: ScoreRule?

  @Option(help: "Prototypes looked up when scoring, remembered by the run. (default: \(defaults.topK))")
  var topK: Int?

  @Option(
    help: """
      How evenly the nearest prototypes count: as multiples of the bank's own squared distances. \
      (default: \(defaults.scoreTemperature))
      """)
  var scoreTemperature: Double?

  // MARK: Calibration

  @Option(
    help: """
      Fraction of the normal images, by patient, that is kept back from training: their scores give p-values and a \
      threshold. (default: 0)
      """)
  var validationFraction: Double?

  @Option(
    help: """
      Determines which images those are, the same ones whatever --seed: trainings that are to score together need it. \
      (default: 0)
      """)
  var validationSeed: UInt64?

  @Option(
    help: """
      Fraction of normal images that may be flagged, remembered by the run. \
      (default: \(ConformalThreshold.defaultFalseAlarmRate))
      """)
  var falseAlarmRate: Double?

  /// Overrides what the command line names, and nothing else.
  func apply(to configuration: inout Configuration) {
    if let recipe { configuration = recipe.configuration }

    func set<T>(_ path: WritableKeyPath<Configuration, T>, _ value: T?) {
      if let value { configuration[keyPath: path] = value }
    }
    // A recipe's levels are its network's.
    if let architecture, !architecture.has(configuration.levels) { configuration.levels = architecture.defaultLevels }
    set(\.architecture, architecture)
    set(\.size, size)
    set(\.channels, channels)
    set(\.maximumWidth, maxWidth)
    set(\.embeddingDimension, embeddingDimension)
    set(\.centre, centre)

    set(\.fit, fit)
    if let borderMask { configuration.borderMask = borderMask }
    if let greyRange { configuration.greyRange = greyRange }
    set(\.augmentation, augmentation?.augmentation)
    set(\.augmentation.flip, flip)
    set(\.augmentation.rotation, rotation)
    set(\.augmentation.scale, scale)
    set(\.augmentation.shift, shift)
    set(\.augmentation.contrast, contrast)
    set(\.augmentation.brightness, brightness)
    set(\.augmentation.gamma, gamma)
    set(\.augmentation.noise, noise)
    set(\.badImages, badImages)

    set(\.batchSize, batchSize)
    set(\.microBatch, microBatch)
    set(\.rounds, rounds)
    set(\.epochsPerRound, epochsPerRound)
    set(\.learningRate, learningRate)
    set(\.learningRateDecay, learningRateDecay)
    set(\.weightDecay, weightDecay)
    set(\.reconstructionLoss, reconstructionLoss)
    set(\.reconstructionWeight, reconstructionWeight)
    set(\.aggregationWeight, aggregationWeight)
    set(\.precision, precision)
    set(\.reduction, reduction)
    set(\.seed, seed)

    set(\.bankStart, bankStart)
    set(\.temperature, temperature)
    set(\.momentum, momentum)
    set(\.anchorRate, anchorRate)
    set(\.neighbours, neighbours)
    set(\.levels, levels)
    set(\.featureScale, featureScale)
    if let exposureDamping { configuration.exposureDamping = exposureDamping }
    set(\.scoreRule, scoreRule)
    set(\.topK, topK)
    set(\.scoreTemperature, scoreTemperature)
    if let validationFraction { configuration.validationFraction = validationFraction }
    if let validationSeed { configuration.validationSeed = validationSeed }
    if let falseAlarmRate { configuration.falseAlarmRate = falseAlarmRate }
  }
}
