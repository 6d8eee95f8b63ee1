import CNetworkKernels

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
  private let precision: Precision
  /// In a slot: the upsampled values, and their normalisation where it is kept.
  private let valuesPlace: Slot.ActivationPlace
  private let outputPlace: Slot.ActivationPlace?

  /// - Parameters:
  ///   - name: PyTorch's module, whose 1 is the convolution and 2 the normalisation.
  ///   - side: of the small map.
  ///   - keepsOutput: as `NormalisedConvolution` has it.
  init(
    _ name: String, inputs: Int, outputs: Int, side: Int, keepsOutput: Bool, plan: inout NetworkPlan
  ) throws {
    self.side = side
    channels = outputs
    microBatch = plan.microBatch
    precision = plan.precision
    convolution = try Convolution(
      "\(name).1", Convolution.Shape(inputs: inputs, outputs: outputs, side: side, kernel: 1), plan: &plan)
    normalisation = BatchNormalisation(
      "\(name).2", channels: outputs, side: 2 * side, slope: 1, pools: false, plan: &plan)
    let values = plan.microBatch * padded(outputs) * 4 * side * side
    valuesPlace = plan.reserve(activation: values)
    outputPlace = keepsOutput ? plan.reserve(activation: values) : nil
    if !keepsOutput { plan.sizes.needsSource = true }
    plan.note(activation: values)
  }

  /// All planes, or by a team some at a time: how many, and the bytes before them in the small maps and in the large ones.
  private func each(_ worker: WorkerBuffers, _ body: @escaping (Int64, Int, Int) -> Void) {
    let planes = microBatch * padded(channels) / OneDNN.block
    guard worker.team.size > 1 else { return body(Int64(planes), 0, 0) }
    let bytes = side * side * OneDNN.block * precision.elementSize
    worker.team.run(elements: planes, piece: max(256 / (side * side), 1)) { _, range in
      body(Int64(range.count), range.lowerBound * bytes, 4 * range.lowerBound * bytes)
    }
  }

  /// In a slot: the normalised values.
  func output(_ slot: Slot) -> UnsafeMutableRawPointer {
    guard let outputPlace else { preconditionFailure("an output that is not kept") }
    return slot[outputPlace]
  }

  /// `source` may be `worker.front`.
  func forward(_ source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    let values = slot[valuesPlace]
    convolution.forward(source, into: worker.back.pointer, packed: shared.packed, worker: worker)
    let (side, layout, small) = (Int64(side), precision.layout, worker.back.pointer)
    each(worker) { planes, smallOffset, largeOffset in
      ck_upsample(small + smallOffset, planes, side, side, layout, values + largeOffset)
    }
    return normalisation.forward(
      values, into: outputPlace.map { slot[$0] } ?? worker.front.pointer, images: microBatch, slot: slot,
      parameters: shared.parameters, worker: worker, sums: shared.sums)
  }

  /// The output of the last `forward`, in `worker.source`.
  func repeatOutput(_ slot: Slot, worker: WorkerBuffers) -> UnsafeRawPointer {
    normalisation.repeatForward(
      slot[valuesPlace], into: worker.source.pointer, images: microBatch, slot: slot, worker: worker)
    return UnsafeRawPointer(worker.source.pointer)
  }

  /// The output's gradient is in `worker.front`, and then the source's.
  func backward(source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    var sound = normalisation.backward(
      worker.front.pointer, values: slot[valuesPlace], into: worker.front.pointer,
      images: microBatch, slot: slot, worker: worker, sums: shared.sums)
    let (side, layout, front, back) = (Int64(side), precision.layout, worker.front.pointer, worker.back.pointer)
    each(worker) { planes, smallOffset, largeOffset in
      ck_upsample_backward(front + largeOffset, planes, side, side, layout, back + smallOffset)
    }
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
