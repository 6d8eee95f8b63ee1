/// A convolution without bias, batch normalisation and, where the slope is not 1, leaky ReLU, and a 2 x 2 maximum where one
/// follows.
struct NormalisedConvolution: Sendable {
  let convolution: Convolution
  let normalisation: BatchNormalisation
  let microBatch: Int
  /// In a slot: the convolution's output.
  private let valuesPlace: Slot.ActivationPlace
  /// In a slot: the activation, where it is kept.
  private let outputPlace: Slot.ActivationPlace?

  /// - Parameters:
  ///   - name: PyTorch's module of the convolution.
  ///   - normalisationName: of the batch normalisation.
  ///   - slope: of the leaky ReLU below 0: 0 for ReLU, 1 for no activation.
  ///   - keepsOutput: the slot keeps the activation. Otherwise it is in `worker.front` after `forward`, and
  ///     `repeatOutput` computes it again from what is kept: a pass over memory for half of the memory.
  init(
    _ name: String, _ normalisationName: String, shape: Convolution.Shape, slope: Float, pools: Bool = false,
    keepsOutput: Bool, plan: inout NetworkPlan
  ) throws {
    microBatch = plan.microBatch
    convolution = try Convolution(name, shape, plan: &plan)
    normalisation = BatchNormalisation(
      normalisationName, channels: shape.outputs, side: shape.outputSide, slope: slope, pools: pools, plan: &plan)
    let planes = plan.microBatch * padded(shape.outputs)
    valuesPlace = plan.reserve(activation: planes * shape.outputSide * shape.outputSide)
    outputPlace =
      keepsOutput ? plan.reserve(activation: planes * normalisation.outputSide * normalisation.outputSide) : nil
    if !keepsOutput { plan.sizes.needsSource = true }
  }

  /// In a slot: the activation.
  func output(_ slot: Slot) -> UnsafeMutableRawPointer {
    guard let outputPlace else { preconditionFailure("an output that is not kept") }
    return slot[outputPlace]
  }

  /// `source` may be `worker.front`.
  func forward(
    _ source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    let values = slot[valuesPlace]
    convolution.forward(source, into: values, packed: shared.packed, worker: worker)
    return normalisation.forward(
      values, into: outputPlace.map { slot[$0] } ?? worker.front.pointer, images: microBatch, slot: slot,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
  }

  /// The activation of the last `forward`, in `worker.source`.
  func repeatOutput(_ slot: Slot, worker: WorkerBuffers) -> UnsafeRawPointer {
    normalisation.repeatForward(
      slot[valuesPlace], into: worker.source.pointer, images: microBatch, slot: slot, worker: worker)
    return UnsafeRawPointer(worker.source.pointer)
  }

  /// The output's gradient is in `worker.front`, and then the source's, unless the source is the image.
  func backward(source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    let (front, back) = (worker.front.pointer, worker.back.pointer)
    // A pooled gradient is smaller than the values it spreads over, so it can't be worked on in place.
    let valueGradient = normalisation.pools ? back : front
    let sourceGradient = normalisation.pools ? front : back
    var sound = normalisation.backward(
      front, values: slot[valuesPlace], into: valueGradient, images: microBatch, slot: slot,
      worker: worker, sums: shared.sums)
    if !convolution.backwardWeights(source: source, gradient: valueGradient, worker: worker, sums: shared.sums) {
      sound = false
    }
    guard !convolution.shape.readsImage else { return sound }
    convolution.backwardData(valueGradient, into: sourceGradient, packed: shared.packed, worker: worker)
    if sourceGradient == back { worker.swapFrontAndBack() }
    return sound
  }

  /// Scale and shift for `evaluate`, from the running statistics.
  func prepareEvaluation(_ shared: SharedBuffers) {
    normalisation.prepareEvaluation(shared.evaluation, parameters: shared.parameters, running: shared.running)
  }

  /// Calls `body` with where it may put what it makes of `output`, which is in `output` afterwards. By a team, what is pooled
  /// must not overwrite what others still read; the layer's source is not needed any more.
  private func inPlace(
    _ output: UnsafeMutableRawPointer, spare source: UnsafeRawPointer, _ worker: WorkerBuffers,
    _ body: (UnsafeMutableRawPointer) -> Void
  ) {
    guard worker.team.size > 1, normalisation.pools else { return body(output) }
    let room = UnsafeMutableRawPointer(mutating: source)
    body(room)
    output.copyMemory(from: room, byteCount: normalisation.outputBytes(images: microBatch))
  }

  /// From `source`, which may be overwritten, to `output`, another buffer.
  func evaluate(
    _ source: UnsafeRawPointer, into output: UnsafeMutableRawPointer, shared: SharedBuffers,
    worker: WorkerBuffers
  ) {
    let evaluation = normalisation.evaluation(shared.evaluation)
    guard !convolution.forward(source, then: evaluation, into: output, packed: shared.packed, worker: worker) else {
      return
    }
    convolution.forward(source, into: output, packed: shared.packed, worker: worker)
    inPlace(output, spare: source, worker) {
      normalisation.evaluate(output, into: $0, images: microBatch, evaluation: shared.evaluation, worker: worker)
    }
  }

  /// The same, and the means over positions of the activation, before any maximum, into their place in `features`.
  func evaluate(
    _ source: UnsafeRawPointer, into output: UnsafeMutableRawPointer, means: StageMeans, stage: Int,
    features: UnsafeMutablePointer<Float>, shared: SharedBuffers, worker: WorkerBuffers
  ) {
    convolution.forward(source, into: output, packed: shared.packed, worker: worker)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: microBatch * padded(normalisation.channels)) { room in
      let averages = room.baseAddress!
      inPlace(output, spare: source, worker) {
        normalisation.evaluate(
          output, into: $0, means: averages, images: microBatch, evaluation: shared.evaluation, worker: worker)
      }
      means.copy(averages, of: stage, images: microBatch, into: features)
    }
  }

  /// The same, and the activation's map, before any maximum, into its place in `rows`. `source` is overwritten.
  func evaluate(
    _ source: UnsafeMutableRawPointer, into output: UnsafeMutableRawPointer, maps: StageMaps, stage: Int,
    rows: UnsafeMutablePointer<Float>, shared: SharedBuffers, worker: WorkerBuffers
  ) {
    convolution.forward(source, into: output, packed: shared.packed, worker: worker)
    normalisation.evaluateMap(output, into: source, images: microBatch, evaluation: shared.evaluation, worker: worker)
    maps.copy(source, of: stage, images: microBatch, layout: normalisation.layout, into: rows)
    inPlace(output, spare: source, worker) {
      normalisation.evaluate(output, into: $0, images: microBatch, evaluation: shared.evaluation, worker: worker)
    }
  }
}
