import Autoencoder
import MPI
import MemoryBank
import Radiographs

// B = images in the step, m = images in a micro-batch, D = embedding dimension

/// One optimiser step over a batch, as all ranks do it together.
struct TrainingStep {
  private let configuration: Configuration
  private let replica: Replica
  private let communicator: Communicator
  private let watchdog: Watchdog
  /// The training images' paths by index, for messages.
  private let images: [String]
  /// nil for one rank alone.
  private let exchange: GradientExchange?

  init(
    configuration: Configuration, replica: Replica, images: [String], communicator: Communicator, watchdog: Watchdog
  ) {
    self.configuration = configuration
    self.replica = replica
    self.communicator = communicator
    self.watchdog = watchdog
    self.images = images
    exchange =
      communicator.size == 1
      ? nil
      : GradientExchange(
        configuration.reduction, replica: replica, communicator: communicator, watchdog: watchdog)
  }

  /// All ranks. Trains on one batch: the same bits for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - number: steps taken before this one, for messages.
  ///   - order: the step's micro-batches, m image indices each.
  ///   - learningRate: of this step.
  ///   - source: gives this rank's micro-batches of them.
  /// - Throws: `SaladError` 70 on all ranks when numbers went out of hand.
  func run(
    number: Int, order: [[Int]], learningRate: Double, source: some PixelSource, bank: inout MemoryBank,
    anchors: AnchorNeighbourhoods
  ) throws -> StepLosses {
    let mine = Share.range(of: communicator.rank, ranks: communicator.size, count: order.count)
    let indices = order.flatMap { $0 }

    watchdog.enter("reading images", step: number)
    let pixels = try mine.map { try next(source, expected: order[$0]) }  // mine

    watchdog.enter("encoding", step: number)
    let embeddings = try replica.encode(  // mine
      pixels, imagesInStep: indices.count, microBatchesInStep: order.count,
      reconstructionLoss: configuration.reconstructionLoss, reconstructionWeight: configuration.reconstructionWeight)

    watchdog.enter("gathering embeddings", step: number)
    let batch = try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks

    watchdog.enter("computing the embedding loss", step: number)
    let loss = try naming(number, indices, pixels) {
      try bank.embeddingLoss(  // all ranks (MAX, SUM)
        imageIndices: indices, embeddings: batch, neighbourhoods: anchors, temperature: configuration.temperature,
        weight: configuration.aggregationWeight, communicator: communicator)
    }

    watchdog.enter("reconstructing and going backward", step: number)
    let rows = mine.lowerBound * configuration.microBatch..<mine.upperBound * configuration.microBatch
    let dimension = configuration.embeddingDimension
    exchange?.begin()  // all ranks (SUM), behind backward
    try replica.reconstructAndBackward(  // mine
      embeddingGradients: Array(loss.gradient[rows.lowerBound * dimension..<rows.upperBound * dimension]))

    watchdog.enter("reducing gradients", step: number)
    let gradients = try exchange?.finish()  // all ranks
    try communicator.allReduce(replica.sums.fixedRest, .sum)  // all ranks
    try checkFaults(replica.sums.faults, step: number, pixels)  // all ranks

    let reconstruction = replica.sums.reconstructionLoss
    let total = configuration.reconstructionWeight * reconstruction + configuration.aggregationWeight * loss.mean
    guard total.isFinite else {
      throw try diagnosis.error(step: number, "the loss is \(total)", pixels: pixels)  // all ranks
    }

    watchdog.enter("updating weights and bank", step: number)
    replica.update(  // every replica
      gradients: gradients, learningRate: learningRate, weightDecay: configuration.weightDecay)
    bank.update(imageIndices: indices, embeddings: batch, momentum: configuration.momentum)  // mine
    return StepLosses(
      images: indices.count,
      total: total,
      reconstruction: reconstruction, embedding: loss.mean,
      instance: loss.instanceCount > 0 ? loss.instanceMean : nil,
      aggregation: loss.aggregationCount > 0 ? loss.aggregationMean : nil)
  }

  // MARK: Pixels

  private func next(_ source: some PixelSource, expected: [Int]) throws -> PixelBatch {
    guard let batch = try source.next(), batch.imageIndices == expected else {
      preconditionFailure("the source gives other images than \(expected)")
    }
    return batch
  }

  // MARK: Checks

  private var diagnosis: Diagnosis {
    Diagnosis(configuration: configuration, replica: replica, images: images, communicator: communicator)
  }

  /// All ranks. The bank's errors are thrown on all ranks alike; they do not know the step, nor the images.
  private func naming<R>(_ step: Int, _ indices: [Int], _ pixels: [PixelBatch], _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as MemoryBankError {
      var image: Int?
      if case .embeddingNotFinite(let embedding, _) = error { image = indices[embedding] }
      throw try diagnosis.error(step: step, error.description, pixels: pixels, image: image)  // all ranks
    }
  }

  /// All ranks.
  private func checkFaults(_ faults: Int, step: Int, _ pixels: [PixelBatch]) throws {
    guard faults > 0 else { return }
    throw try diagnosis.error(  // all ranks
      step: step,
      "\(faults) micro-batch\(faults == 1 ? " has" : "es have") losses, gradients or statistics that are not finite or too "
        + "large", pixels: pixels)
  }
}

/// The losses of one step, equal on all ranks.
struct StepLosses {
  /// B.
  var images: Int
  /// What was minimised: the weighted sum of both.
  var total: Double
  var reconstruction: Double
  /// Mean over the batch: of each image's instance loss or, for an anchor, its aggregation loss.
  var embedding: Double
  /// Mean over the images that are no anchors; nil when all are.
  var instance: Double?
  /// Mean over the anchors; nil when there is none.
  var aggregation: Double?
}
