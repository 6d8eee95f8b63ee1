import Radiographs

/// What comes when: steps make epochs, epochs make rounds. All counts start at 0.
struct Schedule: Sendable {
  let order: DataOrder
  let epochsPerRound: Int
  let rounds: Int
  let learningRate: Double
  let learningRateDecay: LearningRateDecay

  init(configuration: Configuration, imageCount: Int) {
    order = DataOrder(
      imageCount: imageCount, batchSize: configuration.batchSize, microBatch: configuration.microBatch,
      seed: configuration.seed)
    epochsPerRound = configuration.epochsPerRound
    rounds = configuration.rounds
    learningRate = configuration.learningRate
    learningRateDecay = configuration.learningRateDecay
  }

  var stepsPerEpoch: Int { order.stepsPerEpoch }
  var stepsPerRound: Int { stepsPerEpoch * epochsPerRound }
  /// Steps of the whole training.
  var steps: Int { stepsPerRound * (rounds + 1) }

  /// The epoch, counted over all rounds, that step `step` belongs to.
  func epoch(of step: Int) -> Int { step / stepsPerEpoch }
  func round(of step: Int) -> Int { step / stepsPerRound }

  /// Adam's step size in step `step`. It follows from the step's place in its round alone, so that more rounds change no
  /// earlier one.
  func learningRate(of step: Int) -> Double {
    switch learningRateDecay {
    case .none: learningRate
    case .linear: learningRate * (1 - Double(step % stepsPerRound) / Double(stepsPerRound))
    }
  }

  /// Images that the steps before `step` used.
  func images(before step: Int) -> Int {
    let imagesPerEpoch = order.imageCount / order.microBatch * order.microBatch
    return epoch(of: step) * imagesPerEpoch + step % stepsPerEpoch * order.batchSize
  }
}

/// The micro-batches of each step, for steps asked in ascending order: an epoch is shuffled once.
struct StepOrder: Sendable {
  private let schedule: Schedule
  private var epoch: Int?
  private var images: [Int] = []

  init(_ schedule: Schedule) { self.schedule = schedule }

  /// - Returns: m image indices each.
  mutating func microBatches(of step: Int) -> [[Int]] {
    let wanted = schedule.epoch(of: step)
    if epoch != wanted {
      images = schedule.order.epoch(wanted)
      epoch = wanted
    }
    return schedule.order.step(step % schedule.stepsPerEpoch, in: images)
  }
}
