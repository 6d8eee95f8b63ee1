import CNetworkKernels
import Platform

// m = images in a micro-batch, S = image side, C = channels, D = embedding dimension

/// The published code's other autoencoder: torchvision's ResNet-18 without its max-pool, and a decoder of residual blocks
/// that reads the trunk's last map.
///
///     image (m, C, S, S) -> conv1, layer1 ... layer4 -> map (m, 512, S/16, S/16) -> mean, fc -> z (m, D)
///                                                       map -> decoder 0 ... 7 -> output -> reconstruction
///
/// The decoder does not see z: the embedding loss reaches the trunk alone.
struct ResNet18: Network {
  private let configuration: NetworkConfiguration
  private let microBatch: Int
  private let precision: Precision
  private let stem: NormalisedConvolution
  private let trunk: [ResidualBlock]
  private let fc: Dense
  private let biasOffset: Int
  private let decoder: [ResidualBlock]
  private let final: Projection
  private let embedding: UnitEmbedding
  let reconstruction: Reconstruction
  /// In a slot: the means over the map, (m, features), and padded as the map is.
  private let featuresPlace: Slot.Place

  /// Widths of layer1 ... layer4, capped.
  static func widths(_ configuration: NetworkConfiguration) -> [Int] {
    [64, 128, 256, 512].map { min($0, configuration.maximumWidth) }
  }

  init(_ configuration: NetworkConfiguration, plan: inout NetworkPlan) throws {
    self.configuration = configuration
    microBatch = plan.microBatch
    precision = plan.precision
    let (side, channels, dimension) = (configuration.size, configuration.channels, configuration.embeddingDimension)
    let widths = Self.widths(configuration)
    reconstruction = Reconstruction(channels: channels, side: side, plan: &plan)

    stem = try NormalisedConvolution(
      "encoder.conv1", "encoder.bn1",
      shape: Convolution.Shape(
        inputs: channels, outputs: widths[0], side: side, kernel: 7, stride: 2, readsImage: true),
      slope: 0, keepsOutput: true, plan: &plan)
    var trunk: [ResidualBlock] = []
    for layer in 1...4 {
      for block in 0...1 {
        let stride = layer > 1 && block == 0 ? 2 : 1
        trunk.append(
          try ResidualBlock(
            trunk: "encoder.layer\(layer).\(block)", inputs: trunk.last?.channels ?? widths[0],
            outputs: widths[layer - 1], side: trunk.last?.side ?? side / 2, stride: stride, plan: &plan))
      }
    }
    self.trunk = trunk

    let features = widths[3]
    fc = Dense(
      rows: dimension, features: features,
      weightOffset: plan.layout.addWeights("encoder.fc.weight", shape: [dimension, features], fanIn: features))
    biasOffset = plan.layout.addWeights("encoder.fc.bias", shape: [dimension], fanIn: features)
    plan.sizes.weightGradient = max(plan.sizes.weightGradient, features, dimension)
    featuresPlace = plan.reserve(microBatch * padded(features))
    embedding = UnitEmbedding(dimension: dimension, centre: configuration.centre, plan: &plan)
    plan.note(floats: microBatch * max(padded(features), dimension))

    // What comes out of each block: two of every width, the second of a pair after the first has upsampled.
    let outputs = [widths[3], widths[3], widths[2], widths[2], widths[1], widths[1], widths[0], widths[0]]
    var decoder: [ResidualBlock] = []
    plan.part = .decoder
    for index in 0...7 {
      let before = decoder.last ?? trunk[7]
      decoder.append(
        try ResidualBlock(
          decoder: "decoder.decoder.\(index)", inputs: before.channels, outputs: outputs[index], side: before.side,
          upsamples: [2, 4, 6].contains(index), plan: &plan))
    }
    self.decoder = decoder
    final = Projection("decoder.output.1", inputs: widths[0], outputs: channels, side: side / 2, plan: &plan)
  }

  var encoderConvolutions: [Convolution] { [stem.convolution] + trunk.flatMap(\.convolutions) }

  var decoderConvolutions: [Convolution] { decoder.flatMap(\.convolutions) }

  // MARK: - Training

  func encode(
    _ pixels: UnsafeBufferPointer<Float>, embeddings: UnsafeMutablePointer<Float>, slot: Slot, shared: SharedBuffers,
    worker: WorkerBuffers
  ) -> Bool {
    reconstruction.setImage(pixels, slot: slot, team: worker.team)
    var sound = stem.forward(reconstruction.image(slot), slot: slot, shared: shared, worker: worker)
    for index in trunk.indices
    where !trunk[index].forward(source(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    embed(
      trunk[7].output(slot), means: worker.front.floats, features: slot[featuresPlace],
      into: embedding.rows(slot), shared: shared, team: worker.team)
    if !embedding.forward(slot: slot, into: embeddings, sums: shared.sums) { sound = false }
    return sound
  }

  func decode(slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    var sound = true
    for index in decoder.indices
    where !decoder[index].forward(decoderSource(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    // The published order is to upsample first; a 1 x 1 convolution commutes with it.
    final.forward(
      decoder[7].output(slot), into: worker.front.floats, images: microBatch,
      parameters: shared.parameters, worker: worker)
    ck_upsample_image(
      worker.front.floats, Int64(microBatch * configuration.channels), Int64(final.side), Int64(final.side),
      reconstruction.output(slot))
    reconstruction.finish(slot, team: worker.team)
    return sound
  }

  func backward(
    embeddingGradients: UnsafePointer<Float>, reconstructionFactor: Float, kind: ReconstructionLoss, slot: Slot,
    shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    reconstruction.gradient(
      into: worker.imageGradient.pointer, factor: reconstructionFactor, kind: kind, slot: slot, team: worker.team)
    ck_upsample_image_backward(
      worker.imageGradient.pointer, Int64(microBatch * configuration.channels), Int64(final.side), Int64(final.side),
      worker.back.floats)
    var sound = final.backward(
      worker.back.floats, values: decoder[7].output(slot), into: worker.front.pointer, images: microBatch,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
    for index in decoder.indices.reversed()
    where !decoder[index].backward(
      source: decoderSource(of: index, slot), slot: slot, shared: shared, worker: worker)
    {
      sound = false
    }
    if !addEmbeddingGradient(embeddingGradients, slot: slot, shared: shared, worker: worker) { sound = false }
    for index in trunk.indices.reversed()
    where !trunk[index].backward(source: source(of: index, slot), slot: slot, shared: shared, worker: worker) {
      sound = false
    }
    if !stem.backward(source: reconstruction.image(slot), slot: slot, shared: shared, worker: worker) { sound = false }
    return sound
  }

  /// Adds the embedding's part to the last map's gradient in `worker.front`.
  private func addEmbeddingGradient(
    _ embeddingGradients: UnsafePointer<Float>, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    let (features, dimension) = (fc.features, fc.rows)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: microBatch * dimension) { buffer in
      let gradient = buffer.baseAddress!
      gradient.update(from: embeddingGradients, count: microBatch * dimension)
      embedding.backward(gradient, slot: slot)
      var sound = fc.addWeightGradient(
        vectors: gradient, features: slot[featuresPlace], images: microBatch, worker: worker,
        sums: shared.sums)
      let biasGradient = worker.weightGradient[0..<dimension]
      for index in 0..<dimension {
        biasGradient[index] = (1..<microBatch).reduce(gradient[index]) { $0 + gradient[$1 * dimension + index] }
      }
      if !shared.sums.addGradient(UnsafeBufferPointer(biasGradient), at: biasOffset) { sound = false }

      let (plain, means) = (worker.back.floats, worker.residual.floats)
      fc.expand(gradient, into: plain, images: microBatch, parameters: shared.parameters, team: worker.team)
      ck_to_blocked(plain, Int64(microBatch), Int64(features), 1, Int64(OneDNN.block), means)
      ck_mean_over_pixels_backward(
        means, Int64(microBatch), Int64(padded(features) / OneDNN.block), pixelsOfMap, precision.layout,
        worker.front.pointer)
      return sound
    }
  }

  // MARK: - Scoring

  func prepareEvaluation(_ shared: SharedBuffers) {
    stem.prepareEvaluation(shared)
    for block in trunk { block.prepareEvaluation(shared) }
  }

  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, means: StageMeans?, into features: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  ) {
    reconstruction.repeatGray(pixels, into: worker.front.floats, team: worker.team)
    stem.evaluate(worker.front.pointer, into: worker.back.pointer, shared: shared, worker: worker)
    worker.swapFrontAndBack()
    for (index, block) in trunk.enumerated() {
      block.evaluate(shared, worker: worker)
      // Two blocks make a stage.
      let stage = index / 2
      guard let means, index % 2 == 1, means.isAskedFor(stage) else { continue }
      ck_mean_over_pixels(
        worker.front.pointer, Int64(microBatch), Int64(padded(block.channels) / OneDNN.block),
        Int64(block.side * block.side), precision.layout, worker.back.floats)
      means.copy(worker.back.floats, of: stage, images: microBatch, into: features)
      if stage == means.last { return }
    }
    embed(
      worker.front.pointer, means: worker.back.floats, features: worker.residual.floats, into: features,
      shared: shared, team: worker.team)
    embedding.evaluate(features, norms: worker.channelFloats.pointer, running: shared.running)
  }

  func evaluate(
    _ pixels: UnsafeBufferPointer<Float>, maps: StageMaps, into rows: UnsafeMutablePointer<Float>,
    shared: SharedBuffers, worker: WorkerBuffers
  ) {
    reconstruction.repeatGray(pixels, into: worker.front.floats, team: worker.team)
    stem.evaluate(worker.front.pointer, into: worker.back.pointer, shared: shared, worker: worker)
    worker.swapFrontAndBack()
    for (index, block) in trunk.enumerated() {
      block.evaluate(shared, worker: worker)
      let stage = index / 2
      guard index % 2 == 1, maps.isAskedFor(stage) else { continue }
      maps.copy(worker.front.pointer, of: stage, images: microBatch, layout: precision.layout, into: rows)
      if stage == maps.last { return }
    }
  }

  // MARK: - Between the layers

  /// From the last map, blocked, to embeddings (m, D) that are not yet of unit length.
  ///
  /// - Parameters:
  ///   - means: room for (m, padded features).
  ///   - features: the means over the map's pixels, (m, features), for the way back.
  private func embed(
    _ map: UnsafeRawPointer, means: UnsafeMutablePointer<Float>, features: UnsafeMutablePointer<Float>,
    into rows: UnsafeMutablePointer<Float>, shared: SharedBuffers, team: Team
  ) {
    let (images, block) = (Int64(microBatch), Int64(OneDNN.block))
    ck_mean_over_pixels(map, images, Int64(padded(fc.features)) / block, pixelsOfMap, precision.layout, means)
    ck_from_blocked(means, images, Int64(fc.features), 1, block, features)
    fc.reduce(features, into: rows, images: microBatch, parameters: shared.parameters, team: team)
    let bias = shared.parameters.pointer + biasOffset
    for index in 0..<microBatch * fc.rows { rows[index] += bias[index % fc.rows] }
  }

  private var pixelsOfMap: Int64 { Int64(trunk[7].side * trunk[7].side) }

  /// What the trunk's block reads.
  private func source(of block: Int, _ slot: Slot) -> UnsafeMutableRawPointer {
    block == 0 ? stem.output(slot) : trunk[block - 1].output(slot)
  }

  /// What the decoder's block reads.
  private func decoderSource(of block: Int, _ slot: Slot) -> UnsafeMutableRawPointer {
    block == 0 ? trunk[7].output(slot) : decoder[block - 1].output(slot)
  }
}
