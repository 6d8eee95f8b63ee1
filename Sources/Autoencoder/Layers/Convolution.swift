import CKernels
import COneDNN

// m = images in a micro-batch, I = input channels, O = output channels, k = kernel side

/// A convolution without bias on blocked activations.
///
/// Its weights stand in the flat buffer as PyTorch has them, (O, I, k, k), and are packed once a step for all workers.
struct Convolution: Sendable {
  struct Shape: Sendable {
    var inputs: Int
    var outputs: Int
    /// Side of the source, which is padded by kernel / 2.
    var side: Int
    var kernel: Int
    var stride = 1
    /// The source is the image itself, (m, I, S, S), and needs no gradient.
    var readsImage = false

    var outputSide: Int { side / stride }

    /// Winograd's F(4 x 4, 3 x 3) on maps that hold whole tiles of it, where the CPU has AVX-512 (oneDNN has no other): up to
    /// 2.7 times as fast as direct, and slower below 8 x 8. A table, not a measurement at run time: the choice is part of
    /// the bits. docs/performance.md has the times, docs/parity.md the errors.
    var algorithm: salad_algorithm {
      kernel == 3 && stride == 1 && side >= 8 && !readsImage && OneDNN.block == 16 ? salad_winograd : salad_direct
    }
  }

  let shape: Shape
  private let microBatch: Int
  private let primitive: OneDNNConvolution
  private let weightOffset: Int
  private let packedForward: Int
  private let packedBackward: Int

  /// - Parameter name: PyTorch's module.
  init(_ name: String, _ shape: Shape, plan: inout NetworkPlan) throws {
    self.shape = shape
    microBatch = plan.microBatch
    weightOffset = plan.layout.addWeights(
      "\(name).weight", shape: [shape.outputs, shape.inputs, shape.kernel, shape.kernel],
      fanIn: shape.inputs * shape.kernel * shape.kernel)
    let inputs = shape.readsImage ? shape.inputs : padded(shape.inputs)
    let algorithm = shape.algorithm
    primitive = try OneDNNConvolution(
      salad_convolution_shape(
        images: Int32(microBatch), input_channels: Int32(inputs), output_channels: Int32(padded(shape.outputs)),
        height: Int32(shape.side), width: Int32(shape.side), kernel: Int32(shape.kernel),
        stride: Int32(shape.stride), padding: Int32(shape.kernel / 2), block: Int32(OneDNN.block),
        plain_source: shape.readsImage ? 1 : 0,
        training: plan.training ? 1 : 0, algorithm: (algorithm, algorithm, algorithm)))
    let packedCount = inputs * padded(shape.outputs) * shape.kernel * shape.kernel
    packedForward = plan.packed.reserve(packedCount)
    // Winograd's data gradients read the forward packing.
    let sharesPacking = !plan.training || shape.readsImage || algorithm == salad_winograd
    packedBackward = sharesPacking ? packedForward : plan.packed.reserve(packedCount)
    plan.note(self)
  }

  /// A map of at most 4 x 4, whose weight gradient is not oneDNN's.
  var isOnSmallMap: Bool { shape.side <= 4 && shape.kernel > 1 && shape.stride == 1 }

  var weightCount: Int { shape.outputs * shape.inputs * shape.kernel * shape.kernel }
  /// Elements of the packed weights and of their packed gradient.
  var packedCount: Int {
    (shape.readsImage ? shape.inputs : padded(shape.inputs)) * padded(shape.outputs) * shape.kernel * shape.kernel
  }
  var scratchSize: Int { primitive.scratchSize }
  /// Multiplications and additions of one pass over one image; Winograd's count as direct ones.
  var operations: Int { 2 * weightCount * shape.outputSide * shape.outputSide }
  func implementation(_ pass: salad_pass) -> String { primitive.implementation(pass) }

  /// Lays the weights out as the passes want them.
  func pack(_ parameters: AlignedBuffer<Float>, into packed: AlignedBuffer<Float>) {
    let weights = parameters.pointer + weightOffset
    let (outputs, inputs) = (Int64(shape.outputs), Int64(shape.inputs))
    let (taps, block) = (Int64(shape.kernel * shape.kernel), Int64(OneDNN.block))
    if shape.readsImage {
      ck_pack_image_weights(weights, outputs, inputs, taps, block, packed.pointer + packedForward)
      return
    }
    ck_pack_weights(weights, outputs, inputs, taps, block, 1, packed.pointer + packedForward)
    if packedBackward != packedForward {
      ck_pack_weights(weights, outputs, inputs, taps, block, 0, packed.pointer + packedBackward)
    }
  }

  func forward(
    _ source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, packed: AlignedBuffer<Float>,
    worker: WorkerBuffers
  ) {
    primitive.forward(
      source, weights: packed.pointer + packedForward, into: destination, scratch: worker.scratch.pointer)
  }

  func backwardData(
    _ gradient: UnsafePointer<Float>, into sourceGradient: UnsafeMutablePointer<Float>, packed: AlignedBuffer<Float>,
    worker: WorkerBuffers
  ) {
    primitive.backwardData(
      gradient, weights: packed.pointer + packedBackward, into: sourceGradient, scratch: worker.scratch.pointer)
  }

  /// Adds this micro-batch's weight gradient to the sums. False when it saw a fault.
  func backwardWeights(
    source: UnsafePointer<Float>, gradient: UnsafePointer<Float>, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    guard !shape.readsImage else {
      return backwardImageWeights(image: source, gradient: gradient, worker: worker, sums: sums)
    }
    let (block, packedGradient) = (OneDNN.block, worker.packedGradient.pointer)
    if isOnSmallMap {
      ck_small_map_weight_gradient(
        source, gradient, Int64(microBatch), Int64(padded(shape.inputs) / block),
        Int64(padded(shape.outputs) / block), Int64(shape.side), Int64(shape.kernel), Int64(block), packedGradient)
    } else {
      primitive.backwardWeights(
        source: source, gradient: gradient, into: packedGradient, scratch: worker.scratch.pointer)
    }
    let (inputs, taps) = (Int64(shape.inputs), Int64(shape.kernel * shape.kernel))
    let packedRow = packedCount / (padded(shape.outputs) / block)
    var sound = true
    // A block of outputs at a time: what was unpacked is still in cache when it is added.
    for first in stride(from: 0, to: shape.outputs, by: block) {
      let outputs = min(block, shape.outputs - first)
      let plain = worker.weightGradient[0..<outputs * shape.inputs * Int(taps)]
      ck_unpack_weights(
        packedGradient + first / block * packedRow, Int64(outputs), inputs, taps, Int64(block), plain.baseAddress)
      let offset = weightOffset + first * shape.inputs * Int(taps)
      if !sums.addGradient(UnsafeBufferPointer(plain), at: offset) { sound = false }
    }
    return sound
  }

  private func backwardImageWeights(
    image: UnsafePointer<Float>, gradient: UnsafePointer<Float>, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let (block, taps) = (OneDNN.block, shape.inputs * shape.kernel * shape.kernel)
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: packedCount) { blocked in
      ck_image_weight_gradient(
        image, gradient, Int64(microBatch), Int64(shape.inputs), Int64(padded(shape.outputs) / block),
        Int64(shape.side), Int64(shape.kernel), Int64(shape.stride), Int64(block), blocked.baseAddress)
      let plain = worker.weightGradient[0..<weightCount]
      for output in 0..<shape.outputs {
        for tap in 0..<taps {
          plain[output * taps + tap] = Float(blocked[(output / block * taps + tap) * block + output % block])
        }
      }
      return sums.addGradient(UnsafeBufferPointer(plain), at: weightOffset)
    }
  }
}
