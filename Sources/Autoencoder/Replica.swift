import CNetworkKernels
import ExactSum
public import Platform
import Radiographs
import Synchronization

// m = images in a micro-batch, S = image side, D = embedding dimension

/// This rank's replica of the autoencoder: its parameters, Adam's moments, and the workers that compute micro-batches.
///
/// A training step is `encode`, `reconstructAndBackward`, a reduction of `sums` over the ranks, and `update`. Nothing here
/// communicates, and nothing depends on how many workers there are or which micro-batches are this rank's.
public final class Replica {
  public let configuration: NetworkConfiguration
  public let precision: Precision
  /// m: images in one micro-batch.
  public let microBatch: Int
  let network: any Network
  let layout: ParameterLayout
  let shared: SharedBuffers
  /// This rank's threads, W * T; others may use them between two calls.
  public let workers: Workers
  /// W teams of T of them, each of which computes one micro-batch.
  private let teams: Teams
  private let workerBuffers: [WorkerBuffers]
  private let isTrained: Bool
  private let slotCount: Int
  private let activationLimit: Int
  private var slots: [Slot] = []
  private var step: Step?
  /// The parameters have changed since they were packed.
  private var packedIsStale = true
  private var evaluationIsStale = true
  let firstMoments: AlignedBuffer<Float>
  let secondMoments: AlignedBuffer<Float>
  /// Steps that the running statistics have moved: what PyTorch calls num_batches_tracked.
  var statisticSteps = 0
  /// Adam steps taken.
  public internal(set) var stepsTaken = 0

  /// What `reconstructAndBackward` needs from `encode`.
  private struct Step {
    let batches: [PixelBatch]
    let kind: ReconstructionLoss
    /// d total loss / d (sum of the pixels' losses).
    let reconstructionFactor: Float
    /// d mean loss / d (sum of the pixels' losses).
    let lossShare: Double
    /// Micro-batches whose activations are kept; those behind them are computed again.
    let kept: Int
  }

  /// - Parameters:
  ///   - microBatch: m, at least 2 when training.
  ///   - workers: W: micro-batches that are computed at a time.
  ///   - threads: T: of each of them. More than one have bits of their own when training, the same whatever their number; an
  ///     embedding has the same bits by one and by several.
  ///   - training: false makes a replica that can only `embed`.
  ///   - activationLimit: bytes for the activations kept between `encode` and `reconstructAndBackward`.
  ///     Micro-batches beyond it are computed again in the latter, with the same bits.
  /// - Throws: `AutoencoderError` when this machine cannot compute the network, or not in this precision; `MemoryError`.
  public init(
    configuration: NetworkConfiguration, precision: Precision = .float32, microBatch: Int, workers: Int,
    threads: Int = 1, training: Bool, activationLimit: Int
  ) throws {
    self.configuration = configuration
    self.precision = precision
    self.microBatch = microBatch
    self.activationLimit = activationLimit
    let (network, plan) = try Self.plan(
      configuration, precision: precision, microBatch: microBatch, threads: threads, training: training)
    self.network = network
    layout = plan.layout
    shared = try SharedBuffers(
      layout: layout, packed: plan.packed.count, evaluation: plan.evaluation.count, training: training)
    self.workers = Workers(count: workers * threads)
    teams = Teams(count: workers, size: threads, workers: self.workers)
    let sizes = plan.sizes
    workerBuffers = try teams.teams.map { try WorkerBuffers(sizes, training: training, team: $0) }
    isTrained = training
    slotCount = training ? plan.encoderPart.count : 0
    firstMoments = try AlignedBuffer(count: training ? layout.parameterCount : 0)
    secondMoments = try AlignedBuffer(count: training ? layout.parameterCount : 0)
  }

  /// The network, and what it needs: nothing of it is allocated yet.
  static func plan(
    _ configuration: NetworkConfiguration, precision: Precision, microBatch: Int, threads: Int, training: Bool
  ) throws -> (any Network, NetworkPlan) {
    try precision.requireSupport()
    var plan = NetworkPlan(microBatch: microBatch, precision: precision, training: training, threads: threads)
    let network: any Network =
      switch configuration.architecture {
      case .unet: try UNet(configuration, plan: &plan)
      case .resnet18: try ResNet18(configuration, plan: &plan)
      }
    plan.sizes.decoder = plan.decoderPart.count
    return (network, plan)
  }

  /// Elements of all weights, scales and shifts.
  public var parameterCount: Int {
    layout.tensors.reduce(0) { sum, tensor in
      if case .parameter = tensor.storage { sum + tensor.count } else { sum }
    }
  }

  /// Multiplications and additions of the convolutions for one image: forward and both gradients.
  public var trainingOperations: Int {
    network.convolutions.reduce(0) { $0 + $1.operations * ($1.shape.readsImage ? 2 : 3) }
  }

  /// The same for an embedding.
  public var embeddingOperations: Int { network.encoderConvolutions.reduce(0) { $0 + $1.operations } }

  /// Bytes of one micro-batch's activations from `encode` to `reconstructAndBackward`: the encoder's.
  public var activationSize: Int { slotCount * MemoryLayout<Float>.stride }

  /// Weights uniform in +-1/sqrt(fan-in), drawn from (seed, name, element); batch-norm scales 1 and shifts 0.
  public func initialise(seed: UInt64) {
    for tensor in layout.tensors {
      let buffer: AlignedBuffer<Float>
      let offset: Int
      switch tensor.storage {
      case .parameter(let place): (buffer, offset) = (shared.parameters, place)
      case .statistic(let place): (buffer, offset) = (shared.running, place)
      case .stepCount: continue
      }
      switch tensor.start {
      case .constant(let value):
        buffer[offset..<offset + tensor.count].update(repeating: value)
      case .uniform(let bound):
        let random = CounterRandom(seed: seed, name: tensor.name)
        workers.run(elements: tensor.count, piece: 1 << 16) { _, range in
          for element in range {
            buffer.pointer[offset + element] = Float((2 * random.uniform(UInt64(element)) - 1) * Double(bound))
          }
        }
      }
    }
    firstMoments.elements.update(repeating: 0)
    secondMoments.elements.update(repeating: 0)
    statisticSteps = 0
    stepsTaken = 0
    parametersChanged()
  }

  func parametersChanged() {
    packedIsStale = true
    evaluationIsStale = true
  }

  // MARK: - Training

  /// What this rank's micro-batches of the step add up to; after an all-reduce SUM of `fixedRest`, all ranks' statistics,
  /// loss and faults.
  public var sums: StepSums { shared.sums }

  /// Embeddings of this rank's micro-batches; the encoder's activations are kept for `reconstructAndBackward`.
  /// Local; none is allowed.
  ///
  /// - Parameters:
  ///   - batches: m images each.
  ///   - imagesInStep: of all ranks, for the divisors.
  ///   - microBatchesInStep: of all ranks, for the range of the sums.
  ///   - reconstructionWeight: w_rec.
  /// - Returns: (micro-batches * m, D), unit rows.
  public func encode(
    _ batches: [PixelBatch], imagesInStep: Int, microBatchesInStep: Int, reconstructionLoss: ReconstructionLoss,
    reconstructionWeight: Double
  ) throws -> [Float] {
    packIfStale()
    shared.sums.begin(microBatchesInStep: microBatchesInStep, mine: batches.count)
    let kept = try prepareSlots(for: batches.count)
    let pixels = imagesInStep * configuration.channels * configuration.size * configuration.size
    let step = Step(
      batches: batches, kind: reconstructionLoss, reconstructionFactor: Float(reconstructionWeight / Double(pixels)),
      lossShare: 1 / Double(pixels), kept: kept)
    self.step = step
    let rowCount = microBatch * configuration.embeddingDimension
    let embeddings = try AlignedBuffer<Float>(count: batches.count * rowCount)
    teams.run(items: batches.count) { [self] worker, item in
      let slot = slot(of: item, worker: worker)
      slot.isSound = true
      slot.recordsStatistics = item < kept
      let rows = embeddings.pointer + item * rowCount
      encodeOne(step.batches[item], into: rows, slot: slot, worker: worker)
    }
    return Array(embeddings.elements)
  }

  /// Reconstruction and backward of the micro-batches given to `encode`: their losses and gradients are added to `sums`.
  /// Local.
  ///
  /// - Parameter embeddingGradients: (micro-batches * m, D), d total loss / d z.
  public func reconstructAndBackward(embeddingGradients: [Float]) throws {
    guard let step else { preconditionFailure("reconstructAndBackward before encode") }
    let rowCount = microBatch * configuration.embeddingDimension
    precondition(
      embeddingGradients.count == step.batches.count * rowCount,
      "\(embeddingGradients.count) embedding gradients for \(step.batches.count) micro-batches of \(rowCount)")
    teams.run(items: step.batches.count) { [self] worker, item in
      let slot = slot(of: item, worker: worker)
      let buffers = workerBuffers[worker]
      if item >= step.kept {
        slot.isSound = true
        slot.recordsStatistics = true
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rowCount) { rows in
          encodeOne(step.batches[item], into: rows.baseAddress!, slot: slot, worker: worker)
        }
      }
      slot.decoder = buffers.decoder
      reconstruct(step, slot: slot, worker: worker)
      embeddingGradients.withUnsafeBufferPointer { gradients in
        if !network.backward(
          embeddingGradients: gradients.baseAddress! + item * rowCount,
          reconstructionFactor: step.reconstructionFactor, kind: step.kind, slot: slot, shared: shared,
          worker: buffers)
        {
          slot.isSound = false
        }
      }
      slot.decoder = nil
      if !slot.isSound { shared.sums.addFault(of: item) }
    }
    precondition(shared.sums.isComplete, "some tensors got no gradient")
    self.step = nil
  }

  private func encodeOne(_ batch: PixelBatch, into rows: UnsafeMutablePointer<Float>, slot: Slot, worker: Int) {
    let sound = batch.pixels.withUnsafeBufferPointer {
      network.encode($0, embeddings: rows, slot: slot, shared: shared, worker: workerBuffers[worker])
    }
    if !sound { slot.isSound = false }
  }

  private func reconstruct(_ step: Step, slot: Slot, worker: Int) {
    if !network.decode(slot: slot, shared: shared, worker: workerBuffers[worker]) { slot.isSound = false }
    let loss =
      network.reconstruction.loss(slot: slot, kind: step.kind, team: workerBuffers[worker].team) * step.lossShare
    if !shared.sums.addLoss(loss) { slot.isSound = false }
  }

  /// Makes the slots for `count` micro-batches and tells how many of those are kept.
  private func prepareSlots(for count: Int) throws -> Int {
    let (kept, needed) = Self.slots(
      for: count, workers: workerBuffers.count, limit: activationLimit, slotSize: activationSize)
    while slots.count < needed { slots.append(try Slot(count: slotCount)) }
    return kept
  }

  /// How many of `count` micro-batches are kept in `limit` bytes, and the slots that this takes.
  static func slots(for count: Int, workers: Int, limit: Int, slotSize: Int) -> (kept: Int, needed: Int) {
    let affordable = limit / max(slotSize, 1)
    let kept = count <= max(affordable, workers) ? count : max(affordable - workers, 0)
    // Behind the kept ones' slots each worker has one, for what is computed again.
    return (kept, kept == count ? count : kept + workers)
  }

  private func slot(of item: Int, worker: Int) -> Slot {
    let kept = step?.kept ?? 0
    return slots[item < kept ? item : kept + worker]
  }

  private func packIfStale() {
    guard packedIsStale else { return }
    // Scoring goes no further than the encoder.
    let convolutions = isTrained ? network.convolutions : network.encoderConvolutions
    let pieces = convolutions.indices.flatMap { layer in
      (0..<convolutions[layer].packingPieces).map { (layer, $0) }
    }
    workers.run(items: pieces.count) { [shared] _, index in
      let (layer, piece) = pieces[index]
      convolutions[layer].pack(shared.parameters, into: shared.packed, piece: piece)
    }
    packedIsStale = false
  }

  // MARK: - Scoring

  /// Features of clean images with the running statistics, by the encoder alone. Local.
  ///
  /// - Parameters:
  ///   - images: (count, S, S) in -1...1, cut into micro-batches of m, the last one filled up with black images.
  ///   - count: any number.
  ///   - levels: that the network has.
  /// - Returns: (count, F), unit rows of D where the bottleneck is asked for; a row depends neither on the images beside it
  ///   nor on its place.
  public func embed(
    _ images: UnsafeBufferPointer<Float>, count: Int, levels: Levels = .bottleneck
  ) throws -> [Float] {
    let means = StageMeans(levels, of: configuration)
    return try evaluate(
      images, count: count, rowCount: means?.count ?? configuration.embeddingDimension
    ) { network, pixels, rows, shared, worker in
      network.evaluate(pixels, means: means, into: rows, shared: shared, worker: worker)
    }
  }

  /// What `body` makes of images, micro-batch by micro-batch, (count, row). Local.
  ///
  /// - Parameters:
  ///   - rowCount: numbers that it makes of an image.
  ///   - body: is given the pixels of m images and room for m rows; called from several threads.
  func evaluate(
    _ images: UnsafeBufferPointer<Float>, count: Int, rowCount: Int,
    _ body:
      @escaping @Sendable (
        any Network, UnsafeBufferPointer<Float>, UnsafeMutablePointer<Float>, SharedBuffers, WorkerBuffers
      ) -> Void
  ) throws -> [Float] {
    let (pixels, m) = (configuration.size * configuration.size, microBatch)
    precondition(images.count == count * pixels, "\(images.count) pixels for \(count) images of \(pixels)")
    packIfStale()
    if evaluationIsStale {
      network.prepareEvaluation(shared)
      evaluationIsStale = false
    }
    let batches = (count + m - 1) / m
    let rows = try AlignedBuffer<Float>(count: batches * m * rowCount)
    // Only read, until `run` returns.
    nonisolated(unsafe) let images = images
    teams.run(items: batches) { [self] worker, batch in
      let present = min(m, count - batch * m)
      let source = UnsafeBufferPointer(rebasing: images[batch * m * pixels..<(batch * m + present) * pixels])
      let destination = rows.pointer + batch * m * rowCount
      if present == m {
        body(network, source, destination, shared, workerBuffers[worker])
        return
      }
      var filled = [Float](repeating: -1, count: m * pixels)
      filled.replaceSubrange(0..<source.count, with: source)
      filled.withUnsafeBufferPointer { body(network, $0, destination, shared, workerBuffers[worker]) }
    }
    return Array(rows.elements.prefix(count * rowCount))
  }
}
