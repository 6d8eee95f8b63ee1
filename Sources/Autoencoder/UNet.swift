import CKernels
import Foundation

// m = images in a micro-batch, S = image side, C = channels, D = embedding dimension, k = S / 64

/// What a network needs, gathered while its layers are made.
struct NetworkPlan {
  let microBatch: Int
  let training: Bool
  var layout = ParameterLayout()
  /// Activations of one micro-batch.
  var slot = BufferPlan()
  /// Packed weights.
  var packed = BufferPlan()
  /// Scales and shifts from the running statistics.
  var evaluation = BufferPlan()
  var sizes = WorkerBuffers.Sizes()

  init(microBatch: Int, training: Bool) {
    self.microBatch = microBatch
    self.training = training
  }

  mutating func note(_ convolution: Convolution) {
    sizes.scratch = max(sizes.scratch, convolution.scratchSize)
    sizes.packedGradient = max(sizes.packedGradient, convolution.packedCount)
    let taps = convolution.shape.kernel * convolution.shape.kernel
    sizes.weightGradient = max(sizes.weightGradient, OneDNN.block * convolution.shape.inputs * taps)
    sizes.channels = max(sizes.channels, padded(convolution.shape.outputs), microBatch)
  }

  mutating func note(activation: Int) { sizes.activation = max(sizes.activation, activation) }
}

/// The autoencoder of the published code: an encoder of seven levels, an embedding on the unit sphere, and a decoder
/// that sees nothing but the embedding.
///
///     image (m, C, S, S) -> input, e1 ... e6 -> feat -> z (m, D) -> defeat -> d1 ... d6 -> final -> reconstruction
struct UNet: Sendable {
  let configuration: NetworkConfiguration
  let microBatch: Int
  /// Two a level, the second with the maximum that leads to the next level.
  private let encoder: [NormalisedConvolution]
  private let feat: Dense
  private let defeat: Dense
  private let decoder: [Level]
  private let final: Projection

  private struct Level: Sendable {
    let up: Upsampling
    let first: NormalisedConvolution
    let second: NormalisedConvolution
  }

  // In a slot.
  private let imageOffset: Int
  private let featuresOffset: Int
  private let embeddingOffset: Int
  private let normOffset: Int
  private let grownOffset: Int
  private let reconstructionOffset: Int

  init(_ configuration: NetworkConfiguration, plan: inout NetworkPlan) throws {
    self.configuration = configuration
    microBatch = plan.microBatch
    let (m, side, channels) = (plan.microBatch, configuration.size, configuration.channels)
    let (widths, dimension, deepest) = (
      configuration.widths, configuration.embeddingDimension, configuration.deepestSide
    )
    imageOffset = plan.slot.reserve(m * channels * side * side)
    plan.sizes.image = m * channels * side * side

    var encoder: [NormalisedConvolution] = []
    for level in 0...6 {
      let name = level == 0 ? "input.conv" : "e\(level).conv.conv"
      let levelSide = side >> level
      encoder.append(
        try NormalisedConvolution(
          name, index: 0,
          shape: Convolution.Shape(
            inputs: level == 0 ? channels : widths[level - 1], outputs: widths[level], side: levelSide, kernel: 3,
            readsImage: level == 0),
          plan: &plan))
      encoder.append(
        try NormalisedConvolution(
          name, index: 3,
          shape: Convolution.Shape(inputs: widths[level], outputs: widths[level], side: levelSide, kernel: 3),
          pools: level < 6, plan: &plan))
    }
    self.encoder = encoder

    let features = widths[6] * deepest * deepest
    feat = Dense(
      rows: dimension, features: features,
      weightOffset: plan.layout.addWeights(
        "feat.weight", shape: [dimension, widths[6], deepest, deepest], fanIn: features))
    // PyTorch takes the fan-in of a transposed convolution from its outputs.
    defeat = Dense(
      rows: dimension, features: features,
      weightOffset: plan.layout.addWeights(
        "defeat.weight", shape: [dimension, widths[6], deepest, deepest], fanIn: features))
    plan.sizes.weightGradient = max(plan.sizes.weightGradient, features)
    featuresOffset = plan.slot.reserve(m * features)
    embeddingOffset = plan.slot.reserve(m * dimension)
    normOffset = plan.slot.reserve(m)
    grownOffset = plan.slot.reserve(m * padded(widths[6]) * deepest * deepest)
    plan.note(activation: m * max(features, dimension))

    decoder = try (1...6).map { level in
      let (inputs, outputs) = (widths[7 - level], widths[6 - level])
      let small = deepest << (level - 1)
      let shape = Convolution.Shape(inputs: outputs, outputs: outputs, side: 2 * small, kernel: 3)
      return Level(
        up: try Upsampling("d\(level).up", inputs: inputs, outputs: outputs, side: small, plan: &plan),
        first: try NormalisedConvolution("d\(level).conv.conv", index: 0, shape: shape, plan: &plan),
        second: try NormalisedConvolution("d\(level).conv.conv", index: 3, shape: shape, plan: &plan))
    }
    final = Projection(
      inputs: widths[0], outputs: channels, side: side,
      weightOffset: plan.layout.addWeights("final.weight", shape: [channels, widths[0], 1, 1], fanIn: widths[0]))
    // The last layer's padded weights, one row a channel, use the same small buffers.
    plan.sizes.channels = max(plan.sizes.channels, channels * padded(widths[0]))
    reconstructionOffset = plan.slot.reserve(m * channels * side * side)
  }

  func pack(layer: Int, shared: SharedBuffers) {
    convolutions[layer].pack(shared.parameters, into: shared.packed)
  }

  var convolutions: [Convolution] {
    encoder.map(\.convolution)
      + decoder.flatMap { [$0.up.convolution, $0.first.convolution, $0.second.convolution] }
  }

  /// The encoder's normalisations: evaluation goes no further.
  func prepareEvaluation(_ shared: SharedBuffers) {
    for layer in encoder {
      layer.normalisation.prepareEvaluation(
        shared.evaluation, parameters: shared.parameters, running: shared.running)
    }
  }

  // MARK: - Training

  /// From pixels (m, S, S) to embeddings (m, D). False when a number is not finite.
  func encode(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, slot: Slot, shared: SharedBuffers,
    worker: WorkerBuffers
  ) -> Bool {
    repeatGray(pixels, into: slot.floats.pointer + imageOffset)
    var sound = true
    for index in encoder.indices
    where !encoder[index].forward(source(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    let features = slot.floats.pointer + featuresOffset
    flatten(slot.floats.pointer + encoder.last!.outputOffset, into: features)
    let embedding = slot.floats.pointer + embeddingOffset
    feat.reduce(features, into: embedding, images: microBatch, parameters: shared.parameters)
    if !normalise(embedding, norms: slot.floats.pointer + normOffset) { sound = false }
    embeddings.update(from: embedding, count: microBatch * configuration.embeddingDimension)
    return sound
  }

  /// From the slot's embeddings to its reconstruction. False when a number is not finite.
  func decode(slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    defeat.expand(
      slot.floats.pointer + embeddingOffset, into: worker.front.pointer, images: microBatch,
      parameters: shared.parameters)
    unflatten(worker.front.pointer, into: slot.floats.pointer + grownOffset)
    var sound = true
    var source = UnsafePointer(slot.floats.pointer + grownOffset)
    for level in decoder {
      if !level.up.forward(source, slot: slot, shared: shared, worker: worker) { sound = false }
      for (layer, offset) in [(level.first, level.up.outputOffset), (level.second, level.first.outputOffset)]
      where !layer.forward(slot.floats.pointer + offset, slot: slot, shared: shared, worker: worker) {
        sound = false
      }
      source = UnsafePointer(slot.floats.pointer + level.second.outputOffset)
    }
    final.forward(
      source, into: slot.floats.pointer + reconstructionOffset, images: microBatch, parameters: shared.parameters,
      worker: worker)
    return sound
  }

  /// Sum over the micro-batch's pixels of the absolute or squared difference.
  func reconstructionLoss(slot: Slot, kind: ReconstructionLoss) -> Double {
    final.loss(
      slot.floats.pointer + reconstructionOffset, image: slot.floats.pointer + imageOffset, images: microBatch,
      kind: kind)
  }

  /// The reconstructions (m, C, S, S) of the slot's last forward pass.
  func reconstruction(slot: Slot) -> UnsafeBufferPointer<Float> {
    let count = microBatch * configuration.channels * configuration.size * configuration.size
    return UnsafeBufferPointer(slot.floats[reconstructionOffset..<reconstructionOffset + count])
  }

  /// Adds the gradient of  factor * (the loss above) + embeddings . embeddingGradients  to the sums.
  /// False when a gradient is not finite or too large.
  func backward(
    embeddingGradients: UnsafePointer<Float>, reconstructionFactor: Float, kind: ReconstructionLoss, slot: Slot,
    shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    let floats = slot.floats.pointer
    var sound = final.backward(
      reconstruction: floats + reconstructionOffset, image: floats + imageOffset, factor: reconstructionFactor,
      kind: kind, values: floats + decoder.last!.second.outputOffset, into: worker.front.pointer, images: microBatch,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
    for index in decoder.indices.reversed() {
      let level = decoder[index]
      let source = floats + (index == 0 ? grownOffset : decoder[index - 1].second.outputOffset)
      if !level.second.backward(source: floats + level.first.outputOffset, slot: slot, shared: shared, worker: worker) {
        sound = false
      }
      if !level.first.backward(source: floats + level.up.outputOffset, slot: slot, shared: shared, worker: worker) {
        sound = false
      }
      if !level.up.backward(source: source, slot: slot, shared: shared, worker: worker) { sound = false }
    }

    // Through the bottleneck, on plain vectors.
    let grown = worker.back.pointer
    flatten(worker.front.pointer, into: grown)
    if !defeat.addWeightGradient(
      vectors: floats + embeddingOffset, features: grown, images: microBatch, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    let gradient = worker.front.pointer
    defeat.reduce(grown, into: gradient, images: microBatch, parameters: shared.parameters)
    for index in 0..<microBatch * configuration.embeddingDimension { gradient[index] += embeddingGradients[index] }
    normaliseBackward(gradient, slot: slot)
    if !feat.addWeightGradient(
      vectors: gradient, features: floats + featuresOffset, images: microBatch, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    feat.expand(gradient, into: worker.back.pointer, images: microBatch, parameters: shared.parameters)
    unflatten(worker.back.pointer, into: worker.front.pointer)

    for index in encoder.indices.reversed()
    where !encoder[index].backward(source: source(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    return sound
  }

  // MARK: - Scoring

  /// From pixels (m, S, S) to embeddings (m, D) with the running statistics.
  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, shared: SharedBuffers,
    worker: WorkerBuffers
  ) {
    repeatGray(pixels, into: worker.front.pointer)
    for layer in encoder { layer.evaluate(worker.front.pointer, shared: shared, worker: worker) }
    flatten(worker.front.pointer, into: worker.back.pointer)
    feat.reduce(worker.back.pointer, into: embeddings, images: microBatch, parameters: shared.parameters)
    _ = normalise(embeddings, norms: worker.channelFloats.pointer)
  }

  // MARK: - Between the layers

  private func source(of layer: Int, _ slot: Slot) -> UnsafePointer<Float> {
    UnsafePointer(slot.floats.pointer + (layer == 0 ? imageOffset : encoder[layer - 1].outputOffset))
  }

  /// (m, S, S) to (m, C, S, S).
  private func repeatGray(_ pixels: UnsafeBufferPointer<Float>, into image: UnsafeMutablePointer<Float>) {
    let (plane, channels) = (configuration.size * configuration.size, configuration.channels)
    precondition(pixels.count == microBatch * plane, "\(pixels.count) pixels, expected \(microBatch) x \(plane)")
    for index in 0..<microBatch * channels {
      (image + index * plane).update(from: pixels.baseAddress! + index / channels * plane, count: plane)
    }
  }

  /// The deepest map, blocked, to (m, F).
  private func flatten(_ blocked: UnsafePointer<Float>, into plain: UnsafeMutablePointer<Float>) {
    ck_from_blocked(
      blocked, Int64(microBatch), Int64(configuration.widths[6]),
      Int64(configuration.deepestSide * configuration.deepestSide), Int64(OneDNN.block), plain)
  }

  private func unflatten(_ plain: UnsafePointer<Float>, into blocked: UnsafeMutablePointer<Float>) {
    ck_to_blocked(
      plain, Int64(microBatch), Int64(configuration.widths[6]),
      Int64(configuration.deepestSide * configuration.deepestSide), Int64(OneDNN.block), blocked)
  }

  /// z = y / max(|y|, 1e-12) for each row; the norms are kept for the way back. False when one is not finite.
  private func normalise(_ rows: UnsafeMutablePointer<Float>, norms: UnsafeMutablePointer<Float>) -> Bool {
    let dimension = configuration.embeddingDimension
    var sound = true
    for image in 0..<microBatch {
      let row = rows + image * dimension
      var square = 0.0
      for index in 0..<dimension { square += Double(row[index]) * Double(row[index]) }
      let norm = max(square.squareRoot(), 1e-12)
      if !square.isFinite { sound = false }
      norms[image] = Float(norm)
      for index in 0..<dimension { row[index] = Float(Double(row[index]) / norm) }
    }
    return sound
  }

  /// d y = (d z - z (z . d z)) / |y|, in place.
  private func normaliseBackward(_ gradient: UnsafeMutablePointer<Float>, slot: Slot) {
    let dimension = configuration.embeddingDimension
    for image in 0..<microBatch {
      let z = slot.floats.pointer + embeddingOffset + image * dimension
      let row = gradient + image * dimension
      var along = 0.0
      for index in 0..<dimension { along += Double(z[index]) * Double(row[index]) }
      let norm = Double(slot.floats.pointer[normOffset + image])
      for index in 0..<dimension { row[index] = Float((Double(row[index]) - Double(z[index]) * along) / norm) }
    }
  }
}
