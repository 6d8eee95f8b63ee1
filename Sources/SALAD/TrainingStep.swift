import Autoencoder
import ExactSum
import MPI
import MemoryBank
import Radiographs

// B = images in the step, m = images in a micro-batch, D = embedding dimension

/// One optimiser step over a batch, as all ranks do it together.
struct TrainingStep {
  let configuration: Configuration
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks. Trains on one batch: the same bits for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - number: steps taken before this one, for messages.
  ///   - order: the step's micro-batches, m image indices each.
  ///   - prefetcher: gives this rank's micro-batches of them.
  /// - Throws: `SaladError` 70 on all ranks when numbers went out of hand.
  func run(
    number: Int, order: [[Int]], prefetcher: Prefetcher, replica: Replica, bank: inout MemoryBank,
    anchors: AnchorNeighbourhoods
  ) throws -> StepLosses {
    let mine = Share.range(of: communicator.rank, ranks: communicator.size, count: order.count)
    let indices = order.flatMap { $0 }

    watchdog.enter("reading images", step: number)
    let pixels = try mine.map { try next(prefetcher, expected: order[$0]) }  // mine

    watchdog.enter("computing forward", step: number)
    let embeddings = try replica.forward(  // mine
      pixels, imagesInStep: indices.count, microBatchesInStep: order.count,
      reconstructionLoss: configuration.reconstructionLoss, reconstructionWeight: configuration.reconstructionWeight)

    watchdog.enter("gathering embeddings", step: number)
    let batch = try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
    try checkFinite(batch, step: number)

    watchdog.enter("computing the embedding loss", step: number)
    let loss = try bank.embeddingLoss(  // all ranks (MAX, SUM)
      imageIndices: indices, embeddings: batch, neighbourhoods: anchors, temperature: configuration.temperature,
      weight: configuration.aggregationWeight, communicator: communicator)

    watchdog.enter("computing backward", step: number)
    let rows = mine.lowerBound * configuration.microBatch..<mine.upperBound * configuration.microBatch
    let dimension = configuration.embeddingDimension
    try replica.backward(  // mine
      embeddingGradients: Array(loss.gradient[rows.lowerBound * dimension..<rows.upperBound * dimension]))

    watchdog.enter("reducing gradients", step: number)
    try reduce(replica)  // all ranks (SUM)
    try checkFaults(replica.sums.faults, step: number)

    watchdog.enter("updating weights and bank", step: number)
    let reconstruction = replica.sums.reconstructionLoss
    replica.update(learningRate: configuration.learningRate, weightDecay: configuration.weightDecay)  // every replica
    bank.update(imageIndices: indices, embeddings: batch, momentum: configuration.momentum)  // mine
    return StepLosses(
      images: indices.count,
      total: configuration.reconstructionWeight * reconstruction + configuration.aggregationWeight * loss.mean,
      reconstruction: reconstruction, embedding: loss)
  }

  // MARK: Pixels

  private func next(_ prefetcher: Prefetcher, expected: [Int]) throws -> PixelBatch {
    guard let batch = try prefetcher.next(), batch.imageIndices == expected else {
      preconditionFailure("the prefetcher gives other images than \(expected)")
    }
    return batch
  }

  // MARK: Reducing

  /// All ranks. Adds up what every rank's micro-batches have summed.
  private func reduce(_ replica: Replica) throws {
    switch configuration.reduction {
    case .exact:
      try communicator.allReduce(replica.sums.fixed, .sum)  // all ranks
    case .float32:
      try reduceRounded(replica.sums.fixed, gradients: replica.parameterCount)  // all ranks
    }
  }

  /// All ranks. As `reduce`, the gradients rounded to 32 bits on their way: half the bytes of them travel, and the
  /// order in which MPI adds them shows in the last bits.
  private func reduceRounded(_ sums: UnsafeMutableBufferPointer<Int64>, gradients count: Int) throws {
    let fixed = UnsafeMutableBufferPointer(rebasing: sums[..<count])
    let others = UnsafeMutableBufferPointer(rebasing: sums[count...])
    let rounded = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { rounded.deallocate() }

    FixedPoint.gradient.decode(UnsafeBufferPointer(fixed), into: rounded)
    try communicator.allReduce(rounded, .sum)  // all ranks
    try communicator.allReduce(others, .sum)  // all ranks
    fixed.update(repeating: 0)
    let faults = FixedPoint.gradient.accumulate(UnsafeBufferPointer(rounded), into: fixed, terms: 1)
    if faults > 0 { throw SaladError(.internalError, "\(faults) gradients are not numbers: lower --learning-rate") }
  }

  // MARK: Checks

  /// Every rank has the same embeddings, so that all agree without asking.
  private func checkFinite(_ embeddings: [Float], step: Int) throws {
    guard let bad = embeddings.firstIndex(where: { !$0.isFinite }) else { return }
    let microBatch = bad / (configuration.embeddingDimension * configuration.microBatch)
    throw SaladError(
      .internalError,
      "step \(step): the embeddings of micro-batch \(microBatch) are not finite numbers: lower --learning-rate")
  }

  private func checkFaults(_ faults: Int, step: Int) throws {
    guard faults > 0 else { return }
    throw SaladError(
      .internalError,
      "step \(step): \(faults) micro-batch\(faults == 1 ? " has" : "es have") gradients or statistics that are not "
        + "finite or too large: lower --learning-rate")
  }
}

/// The losses of one step, equal on all ranks.
struct StepLosses {
  /// B.
  var images: Int
  /// What was minimised: the weighted sum of both.
  var total: Double
  var reconstruction: Double
  var embedding: EmbeddingLoss
}
