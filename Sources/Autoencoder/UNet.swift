import CNetworkKernels
import Foundation

// m = images in a micro-batch, S = image side, C = channels, D = embedding dimension, k = S / 64

/// The autoencoder of the published code: an encoder of seven levels, an embedding on the unit sphere, and a decoder
/// that sees nothing but the embedding.
///
///     image (m, C, S, S) -> input, e1 ... e6 -> feat -> z (m, D) -> defeat -> d1 ... d6 -> final -> reconstruction
struct UNet: Network {
  let configuration: NetworkConfiguration
  let microBatch: Int
  private let precision: Precision
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
  private let featuresPlace: Slot.Place
  private let grownPlace: Slot.ActivationPlace

  init(_ configuration: NetworkConfiguration, plan: inout NetworkPlan) throws {
    self.configuration = configuration
    microBatch = plan.microBatch
    precision = plan.precision
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
          slope: Self.slope, keepsOutput: false, plan: &plan))
      encoder.append(
        try NormalisedConvolution(
          "\(name).3", "\(name).4",
          shape: Convolution.Shape(inputs: widths[level], outputs: widths[level], side: levelSide, kernel: 3),
          slope: Self.slope, pools: level < 6, keepsOutput: false, plan: &plan))
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
    featuresPlace = plan.reserve(m * features)
    embedding = UnitEmbedding(dimension: dimension, centre: configuration.centre, plan: &plan)
    plan.part = .decoder
    grownPlace = plan.reserve(activation: m * padded(widths[6]) * deepest * deepest)
    plan.note(floats: m * max(features, dimension))

    decoder = try (1...6).map { level in
      let (inputs, outputs) = (widths[7 - level], widths[6 - level])
      let small = deepest << (level - 1)
      let name = "d\(level).conv.conv"
      let shape = Convolution.Shape(inputs: outputs, outputs: outputs, side: 2 * small, kernel: 3)
      return Level(
        up: try Upsampling(
          "d\(level).up", inputs: inputs, outputs: outputs, side: small, keepsOutput: false, plan: &plan),
        first: try NormalisedConvolution(
          "\(name).0", "\(name).1", shape: shape, slope: Self.slope, keepsOutput: false, plan: &plan),
        second: try NormalisedConvolution(
          "\(name).3", "\(name).4", shape: shape, slope: Self.slope, keepsOutput: false, plan: &plan))
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
    reconstruction.setImage(pixels, slot: slot, team: worker.team)
    var sound = true
    for (index, layer) in encoder.enumerated() {
      let source = index == 0 ? UnsafeRawPointer(reconstruction.image(slot)) : UnsafeRawPointer(worker.front.pointer)
      if !layer.forward(source, slot: slot, shared: shared, worker: worker) { sound = false }
    }
    let features = slot[featuresPlace]
    flatten(worker.front.pointer, into: features)
    feat.reduce(
      features, into: embedding.rows(slot), images: microBatch, parameters: shared.parameters, team: worker.team)
    if !embedding.forward(slot: slot, into: embeddings, sums: shared.sums) { sound = false }
    return sound
  }

  func decode(slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    defeat.expand(
      embedding.rows(slot), into: worker.front.floats, images: microBatch,
      parameters: shared.parameters, team: worker.team)
    unflatten(worker.front.floats, into: slot[grownPlace])
    var sound = true
    for (index, level) in decoder.enumerated() {
      let source = index == 0 ? slot[grownPlace] : worker.front.pointer
      if !level.up.forward(source, slot: slot, shared: shared, worker: worker) { sound = false }
      for layer in [level.first, level.second]
      where !layer.forward(worker.front.pointer, slot: slot, shared: shared, worker: worker) {
        sound = false
      }
    }
    final.forward(
      worker.front.pointer, into: reconstruction.output(slot), images: microBatch,
      parameters: shared.parameters, worker: worker)
    reconstruction.finish(slot, team: worker.team)
    return sound
  }

  func backward(
    embeddingGradients: UnsafePointer<Float>, reconstructionFactor: Float, kind: ReconstructionLoss, slot: Slot,
    shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    reconstruction.gradient(
      into: worker.imageGradient.pointer, factor: reconstructionFactor, kind: kind, slot: slot, team: worker.team)
    var sound = final.backward(
      worker.imageGradient.pointer, values: decoder.last!.second.repeatOutput(slot, worker: worker),
      into: worker.front.pointer,
      images: microBatch, parameters: shared.parameters, worker: worker, sums: shared.sums)
    for index in decoder.indices.reversed() {
      let level = decoder[index]
      let firstOutput = level.first.repeatOutput(slot, worker: worker)
      if !level.second.backward(source: firstOutput, slot: slot, shared: shared, worker: worker) { sound = false }
      let upOutput = level.up.repeatOutput(slot, worker: worker)
      if !level.first.backward(source: upOutput, slot: slot, shared: shared, worker: worker) { sound = false }
      let source =
        index == 0
        ? UnsafeRawPointer(slot[grownPlace]) : decoder[index - 1].second.repeatOutput(slot, worker: worker)
      if !level.up.backward(source: source, slot: slot, shared: shared, worker: worker) { sound = false }
    }

    // Through the bottleneck, on plain vectors.
    let grown = worker.back.floats
    flatten(worker.front.pointer, into: grown)
    if !defeat.addWeightGradient(
      vectors: embedding.rows(slot), features: grown, images: microBatch, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    let gradient = worker.front.floats
    defeat.reduce(grown, into: gradient, images: microBatch, parameters: shared.parameters, team: worker.team)
    for index in 0..<microBatch * configuration.embeddingDimension { gradient[index] += embeddingGradients[index] }
    embedding.backward(gradient, slot: slot)
    if !feat.addWeightGradient(
      vectors: gradient, features: slot[featuresPlace], images: microBatch, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    feat.expand(
      gradient, into: worker.back.floats, images: microBatch, parameters: shared.parameters, team: worker.team)
    unflatten(worker.back.floats, into: worker.front.pointer)

    for index in encoder.indices.reversed() {
      let source =
        index == 0
        ? UnsafeRawPointer(reconstruction.image(slot)) : encoder[index - 1].repeatOutput(slot, worker: worker)
      if !encoder[index].backward(source: source, slot: slot, shared: shared, worker: worker) { sound = false }
    }
    return sound
  }

  // MARK: - Scoring

  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, means: StageMeans?, into features: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  ) {
    reconstruction.repeatGray(pixels, into: worker.front.floats, team: worker.team)
    for (index, layer) in encoder.enumerated() {
      // Two convolutions make a stage; the image's own, before e1, is none that is averaged.
      let stage = index / 2 - 1
      if let means, index % 2 == 1, stage >= 0, means.isAskedFor(stage) {
        layer.evaluate(
          worker.front.pointer, into: worker.back.pointer, means: means, stage: stage, features: features,
          shared: shared, worker: worker)
        if stage == means.last { return }
      } else {
        layer.evaluate(worker.front.pointer, into: worker.back.pointer, shared: shared, worker: worker)
      }
      worker.swapFrontAndBack()
    }
    flatten(worker.front.pointer, into: worker.back.floats)
    feat.reduce(
      worker.back.floats, into: features, images: microBatch, parameters: shared.parameters, team: worker.team)
    embedding.evaluate(features, norms: worker.channelFloats.pointer, running: shared.running)
  }

  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, maps: StageMaps, into rows: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  ) {
    reconstruction.repeatGray(pixels, into: worker.front.floats, team: worker.team)
    for (index, layer) in encoder.enumerated() {
      // As for the means: the map before the maximum that leads to the next level.
      let stage = index / 2 - 1
      if index % 2 == 1, stage >= 0, maps.isAskedFor(stage) {
        layer.evaluate(
          worker.front.pointer, into: worker.back.pointer, maps: maps, stage: stage, rows: rows, shared: shared,
          worker: worker)
        if stage == maps.last { return }
      } else {
        layer.evaluate(worker.front.pointer, into: worker.back.pointer, shared: shared, worker: worker)
      }
      worker.swapFrontAndBack()
    }
  }

  // MARK: - Between the layers

  /// The deepest map, blocked, to (m, F).
  private func flatten(_ blocked: UnsafeRawPointer, into plain: UnsafeMutablePointer<Float>) {
    ck_from_blocked(
      blocked, Int64(microBatch), Int64(configuration.widths[6]),
      Int64(configuration.deepestSide * configuration.deepestSide), precision.layout, plain)
  }

  private func unflatten(_ plain: UnsafePointer<Float>, into blocked: UnsafeMutableRawPointer) {
    ck_to_blocked(
      plain, Int64(microBatch), Int64(configuration.widths[6]),
      Int64(configuration.deepestSide * configuration.deepestSide), precision.layout, blocked)
  }
}
