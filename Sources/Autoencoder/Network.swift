// m = images in a micro-batch, S = image side, C = channels, D = embedding dimension

/// An autoencoder whose passes one worker computes alone, one micro-batch at a time.
///
/// Weights and sums are in `SharedBuffers`, one micro-batch's activations in its `Slot`, working memory is the worker's. A
/// pass that returns Bool returns false when a number is not finite or too large for its sum.
protocol Network: Sendable {
  /// What an embedding takes, and what a reconstruction takes after it.
  var encoderConvolutions: [Convolution] { get }
  var decoderConvolutions: [Convolution] { get }

  /// From pixels (m, S, S) to embeddings (m, D), keeping what `decode` and `backward` need.
  func encode(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, slot: Slot, shared: SharedBuffers,
    worker: WorkerBuffers
  ) -> Bool

  /// From what `encode` left in the slot to its reconstruction.
  func decode(slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool

  /// The image that went in and the one that came out.
  var reconstruction: Reconstruction { get }

  /// After `decode`: adds the gradient of  factor * (the reconstruction loss) + embeddings . embeddingGradients  to the sums.
  func backward(
    embeddingGradients: UnsafePointer<Float>, reconstructionFactor: Float, kind: ReconstructionLoss, slot: Slot,
    shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool

  /// The encoder's normalisations, from the running statistics: evaluation goes no further.
  func prepareEvaluation(_ shared: SharedBuffers)

  /// From pixels (m, S, S) to features (m, F) with the running statistics.
  ///
  /// - Parameter means: the levels; nil: embeddings (m, D).
  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, means: StageMeans?, into features: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  )

  /// From pixels (m, S, S) to maps (m, R) with the running statistics.
  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, maps: StageMaps, into rows: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  )
}

extension Network {
  /// Every convolution whose weights are packed once a step.
  var convolutions: [Convolution] { encoderConvolutions + decoderConvolutions }
}

/// What a network needs, gathered while its layers are made.
struct NetworkPlan {
  let microBatch: Int
  let precision: Precision
  let training: Bool
  /// T: of a team that computes one micro-batch.
  let threads: Int
  var layout = ParameterLayout()
  /// The activations of one micro-batch, by part.
  private(set) var encoderPart = BufferPlan()
  private(set) var decoderPart = BufferPlan()
  /// Where the layers that are being made keep theirs.
  var part = Slot.Part.encoder
  /// Packed weights, in floats.
  private(set) var packed = BufferPlan()
  /// Scales and shifts from the running statistics.
  var evaluation = BufferPlan()
  var sizes = WorkerBuffers.Sizes()

  init(microBatch: Int, precision: Precision, training: Bool, threads: Int = 1) {
    self.threads = threads
    sizes.threads = threads
    self.microBatch = microBatch
    self.precision = precision
    self.training = training
  }

  /// Room for so many floats in the slot of a micro-batch, in the current part unless another is named.
  mutating func reserve(_ count: Int, in part: Slot.Part? = nil) -> Slot.Place {
    let part = part ?? self.part
    switch part {
    case .encoder: return Slot.Place(part: part, offset: encoderPart.reserve(count))
    case .decoder: return Slot.Place(part: part, offset: decoderPart.reserve(count))
    }
  }

  /// Room for a blocked activation of so many elements in the slot of a micro-batch.
  mutating func reserve(activation count: Int) -> Slot.ActivationPlace {
    Slot.ActivationPlace(place: reserve((count * precision.elementSize + 3) / 4))
  }

  /// The offset of so many packed weights of the precision given.
  mutating func reserve(packed count: Int, _ precision: Precision) -> Int {
    packed.reserve((count * precision.elementSize + 3) / 4)
  }

  mutating func note(_ convolution: Convolution) {
    sizes.scratch = max(sizes.scratch, convolution.scratchSize)
    sizes.ownScratch = max(sizes.ownScratch, convolution.team?.ownScratch ?? 0)
    sizes.sharedScratch = max(sizes.sharedScratch, convolution.team?.sharedScratch ?? 0)
    sizes.packedGradient = max(sizes.packedGradient, convolution.packedCount)
    let shape = convolution.shape
    sizes.weightGradient = max(sizes.weightGradient, OneDNN.block * shape.inputs * shape.kernel * shape.kernel)
    sizes.channels = max(sizes.channels, padded(shape.outputs), microBatch)
    note(activation: microBatch * padded(shape.outputs) * shape.outputSide * shape.outputSide)
    if shape.readsImage {
      // It is computed in floats.
      note(floats: microBatch * padded(shape.outputs) * shape.outputSide * shape.outputSide)
    } else {
      note(activation: microBatch * padded(shape.inputs) * shape.side * shape.side)
    }
  }

  /// Working memory goes back and forth between buffers of the largest activation.
  mutating func note(activation count: Int) {
    sizes.activation = max(sizes.activation, count * precision.elementSize)
  }
  /// Sums of so many pieces, `width` numbers each.
  mutating func note(partialSums count: Int, width: Int) { sizes.partialSums = max(sizes.partialSums, count * width) }
  mutating func note(floats count: Int) { sizes.activation = max(sizes.activation, 4 * count) }
}
