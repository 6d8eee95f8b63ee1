import CKernels
import Foundation

// m = images in a micro-batch, S = image side, C = channels, D = embedding dimension, k = S / 64

/// The autoencoder of the published code: an encoder of seven levels, an embedding on the unit sphere, and a decoder
/// that sees nothing but the embedding.
///
///     image (m, C, S, S) -> input, e1 ... e6 -> feat -> z (m, D) -> defeat -> d1 ... d6 -> final -> reconstruction
struct UNet: Network {
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

  private let embedding: UnitEmbedding
  let reconstruction: Reconstruction
  // In a slot: the deepest map, plain, and the one that the decoder starts from, blocked.
  private let featuresOffset: Int
  private let grownOffset: Int

  init(_ configuration: NetworkConfiguration, plan: inout NetworkPlan) throws {
    self.configuration = configuration
    microBatch = plan.microBatch
    let (m, side, channels) = (plan.microBatch, configuration.size, configuration.channels)
    let (widths, dimension, deepest) = (
      configuration.widths, configuration.embeddingDimension, configuration.deepestSide
    )
    reconstruction = Reconstruction(channels: channels, side: side, plan: &plan)

    var encoder: [NormalisedConvolution] = []
    for level in 0...6 {
      let name = level == 0 ? "input.conv" : "e\(level).conv.conv"
      let levelSide = side >> level
      encoder.append(
        try NormalisedConvolution(
          "\(name).0", "\(name).1",
          shape: Convolution.Shape(
            inputs: level == 0 ? channels : widths[level - 1], outputs: widths[level], side: levelSide, kernel: 3,
            readsImage: level == 0),
          slope: Self.slope, plan: &plan))
      encoder.append(
        try NormalisedConvolution(
          "\(name).3", "\(name).4",
          shape: Convolution.Shape(inputs: widths[level], outputs: widths[level], side: levelSide, kernel: 3),
          slope: Self.slope, pools: level < 6, plan: &plan))
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
    embedding = UnitEmbedding(dimension: dimension, plan: &plan)
    grownOffset = plan.slot.reserve(m * padded(widths[6]) * deepest * deepest)
    plan.note(activation: m * max(features, dimension))

    decoder = try (1...6).map { level in
      let (inputs, outputs) = (widths[7 - level], widths[6 - level])
      let small = deepest << (level - 1)
      let name = "d\(level).conv.conv"
      let shape = Convolution.Shape(inputs: outputs, outputs: outputs, side: 2 * small, kernel: 3)
      return Level(
        up: try Upsampling("d\(level).up", inputs: inputs, outputs: outputs, side: small, plan: &plan),
        first: try NormalisedConvolution(
          "\(name).0", "\(name).1", shape: shape, slope: Self.slope, plan: &plan),
        second: try NormalisedConvolution(
          "\(name).3", "\(name).4", shape: shape, slope: Self.slope, plan: &plan))
    }
    final = Projection("final", inputs: widths[0], outputs: channels, side: side, plan: &plan)
  }

  /// Of the leaky ReLU.
  private static let slope: Float = 0.1

  var encoderConvolutions: [Convolution] { encoder.map(\.convolution) }

  var decoderConvolutions: [Convolution] {
    decoder.flatMap { [$0.up.convolution, $0.first.convolution, $0.second.convolution] }
  }

  func prepareEvaluation(_ shared: SharedBuffers) {
    for layer in encoder { layer.prepareEvaluation(shared) }
  }

  // MARK: - Training

  func encode(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, slot: Slot, shared: SharedBuffers,
    worker: WorkerBuffers
  ) -> Bool {
    reconstruction.setImage(pixels, slot: slot)
    var sound = true
    for index in encoder.indices
    where !encoder[index].forward(source(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    let features = slot.floats.pointer + featuresOffset
    flatten(slot.floats.pointer + encoder.last!.outputOffset, into: features)
    feat.reduce(features, into: embedding.rows(slot), images: microBatch, parameters: shared.parameters)
    if !embedding.normalise(slot: slot, into: embeddings) { sound = false }
    return sound
  }

  func decode(slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    defeat.expand(
      embedding.rows(slot), into: worker.front.pointer, images: microBatch,
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
      source, into: reconstruction.output(slot), images: microBatch, parameters: shared.parameters, worker: worker)
    reconstruction.finish(slot)
    return sound
  }

  func backward(
    embeddingGradients: UnsafePointer<Float>, reconstructionFactor: Float, kind: ReconstructionLoss, slot: Slot,
    shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    let floats = slot.floats.pointer
    reconstruction.gradient(into: worker.imageGradient.pointer, factor: reconstructionFactor, kind: kind, slot: slot)
    var sound = final.backward(
      worker.imageGradient.pointer, values: floats + decoder.last!.second.outputOffset, into: worker.front.pointer,
      images: microBatch, parameters: shared.parameters, worker: worker, sums: shared.sums)
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
      vectors: embedding.rows(slot), features: grown, images: microBatch, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    let gradient = worker.front.pointer
    defeat.reduce(grown, into: gradient, images: microBatch, parameters: shared.parameters)
    for index in 0..<microBatch * configuration.embeddingDimension { gradient[index] += embeddingGradients[index] }
    embedding.backward(gradient, slot: slot)
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

  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, shared: SharedBuffers,
    worker: WorkerBuffers
  ) {
    reconstruction.repeatGray(pixels, into: worker.front.pointer)
    for layer in encoder {
      layer.evaluate(worker.front.pointer, into: worker.front.pointer, shared: shared, worker: worker)
    }
    flatten(worker.front.pointer, into: worker.back.pointer)
    feat.reduce(worker.back.pointer, into: embeddings, images: microBatch, parameters: shared.parameters)
    embedding.normalise(embeddings, norms: worker.channelFloats.pointer)
  }

  // MARK: - Between the layers

  private func source(of layer: Int, _ slot: Slot) -> UnsafePointer<Float> {
    layer == 0 ? reconstruction.image(slot) : UnsafePointer(slot.floats.pointer + encoder[layer - 1].outputOffset)
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
}
