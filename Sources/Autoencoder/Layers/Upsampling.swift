import CKernels

/// A decoder level's way up: 1 x 1 convolution, bilinear upsampling x2 with aligned corners, batch normalisation.
///
/// The published network upsamples first. A 1 x 1 convolution commutes with it: doing it on the small map is the same
/// mathematics at a quarter of the cost.
struct Upsampling: Sendable {
  let convolution: Convolution
  private let normalisation: BatchNormalisation
  private let side: Int
  private let channels: Int
  private let microBatch: Int
  /// In a slot: the upsampled values, and their normalisation.
  private let valuesOffset: Int
  let outputOffset: Int

  /// - Parameters name: PyTorch's module, whose 1 is the convolution and 2 the normalisation. side: of the small map.
  init(_ name: String, inputs: Int, outputs: Int, side: Int, plan: inout NetworkPlan) throws {
    self.side = side
    channels = outputs
    microBatch = plan.microBatch
    convolution = try Convolution(
      "\(name).1", Convolution.Shape(inputs: inputs, outputs: outputs, side: side, kernel: 1), plan: &plan)
    normalisation = BatchNormalisation(
      "\(name).2", channels: outputs, side: 2 * side, slope: 1, pools: false, plan: &plan)
    let values = plan.microBatch * padded(outputs) * 4 * side * side
    valuesOffset = plan.slot.reserve(values)
    outputOffset = plan.slot.reserve(values)
    plan.note(activation: values)
  }

  private var planes: Int64 { Int64(microBatch * padded(channels) / OneDNN.block) }

  func forward(_ source: UnsafePointer<Float>, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    let values = slot.floats.pointer + valuesOffset
    convolution.forward(source, into: worker.front.pointer, packed: shared.packed, worker: worker)
    ck_upsample(worker.front.pointer, planes, Int64(side), Int64(side), Int64(OneDNN.block), values)
    return normalisation.forward(
      values, into: slot.floats.pointer + outputOffset, images: microBatch, slot: slot,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
  }

  /// The output's gradient is in `worker.front`, and then the source's.
  func backward(source: UnsafePointer<Float>, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    var sound = normalisation.backward(
      worker.front.pointer, values: slot.floats.pointer + valuesOffset, into: worker.front.pointer,
      images: microBatch, slot: slot, worker: worker, sums: shared.sums)
    ck_upsample_backward(
      worker.front.pointer, planes, Int64(side), Int64(side), Int64(OneDNN.block), worker.back.pointer)
    if !convolution.backwardWeights(
      source: source, gradient: worker.back.pointer, worker: worker, sums: shared.sums)
    {
      sound = false
    }
    convolution.backwardData(
      worker.back.pointer, into: worker.front.pointer, packed: shared.packed, worker: worker)
    return sound
  }
}
