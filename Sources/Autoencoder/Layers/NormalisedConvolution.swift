/// A convolution without bias, batch normalisation and leaky ReLU, and a 2 x 2 maximum where one follows.
struct NormalisedConvolution: Sendable {
  let convolution: Convolution
  let normalisation: BatchNormalisation
  /// In a slot: the convolution's output, and the activation.
  private let valuesOffset: Int
  let outputOffset: Int
  let microBatch: Int

  /// - Parameters name: PyTorch's module; its convolution is NAME.index, its normalisation NAME.(index + 1).
  init(
    _ name: String, index: Int, shape: Convolution.Shape, pools: Bool = false, plan: inout NetworkPlan
  ) throws {
    microBatch = plan.microBatch
    let fanIn = shape.inputs * shape.kernel * shape.kernel
    let offset = plan.layout.addWeights(
      "\(name).\(index).weight", shape: [shape.outputs, shape.inputs, shape.kernel, shape.kernel], fanIn: fanIn)
    convolution = try Convolution(
      shape, microBatch: plan.microBatch, training: plan.training, weightOffset: offset, packed: &plan.packed)
    normalisation = BatchNormalisation(
      "\(name).\(index + 1)", channels: shape.outputs, side: shape.side, slope: 0.1, pools: pools,
      layout: &plan.layout, slot: &plan.slot, evaluation: &plan.evaluation)
    let values = plan.microBatch * padded(shape.outputs) * shape.side * shape.side
    let outputSide = normalisation.outputSide
    valuesOffset = plan.slot.reserve(values)
    outputOffset = plan.slot.reserve(plan.microBatch * padded(shape.outputs) * outputSide * outputSide)
    plan.note(convolution)
    plan.note(activation: max(values, plan.microBatch * padded(shape.inputs) * shape.side * shape.side))
  }

  func forward(
    _ source: UnsafePointer<Float>, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers
  ) -> Bool {
    let values = slot.floats.pointer + valuesOffset
    convolution.forward(source, into: values, packed: shared.packed, worker: worker)
    return normalisation.forward(
      values, into: slot.floats.pointer + outputOffset, images: microBatch, slot: slot,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
  }

  /// The output's gradient is in `worker.front`, and then the source's, unless the source is the image.
  func backward(source: UnsafePointer<Float>, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    let (front, back) = (worker.front.pointer, worker.back.pointer)
    // A pooled gradient is smaller than the values it spreads over, so it can't be worked on in place.
    let valueGradient = normalisation.pools ? back : front
    let sourceGradient = normalisation.pools ? front : back
    var sound = normalisation.backward(
      front, values: slot.floats.pointer + valuesOffset, into: valueGradient, images: microBatch, slot: slot,
      worker: worker, sums: shared.sums)
    if !convolution.backwardWeights(source: source, gradient: valueGradient, worker: worker, sums: shared.sums) {
      sound = false
    }
    guard !convolution.shape.readsImage else { return sound }
    convolution.backwardData(valueGradient, into: sourceGradient, packed: shared.packed, worker: worker)
    if sourceGradient == back { worker.swapGradients() }
    return sound
  }

  /// From `source` to `worker.front`, by way of `worker.back`.
  func evaluate(_ source: UnsafePointer<Float>, shared: SharedBuffers, worker: WorkerBuffers) {
    convolution.forward(source, into: worker.back.pointer, packed: shared.packed, worker: worker)
    normalisation.evaluate(
      worker.back.pointer, into: worker.front.pointer, images: microBatch, evaluation: shared.evaluation)
  }
}
