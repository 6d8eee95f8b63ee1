import CNetworkKernels
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

    /// Computed by Winograd's algorithm, our own, and not by oneDNN: what holds whole tiles of it and more than one, where the
    /// CPU is an x86-64. A table, not a measurement at run time: the choice is part of the bits. docs/performance.md has the
    /// times, docs/parity.md the errors.
    var usesWinograd: Bool {
      kernel == 3 && stride == 1 && side >= 8 && side % 4 == 0 && !readsImage && WinogradConvolution.isAvailable
    }
  }

  private enum Engine {
    case oneDNN(OneDNNConvolution)
    case winograd(WinogradConvolution)
  }

  let shape: Shape
  /// Of the source unless that is the image, and of the weights that oneDNN reads.
  private let precision: Precision
  /// Of what comes out.
  private let outputPrecision: Precision
  private let microBatch: Int
  private let engine: Engine
  /// How several threads compute it.
  let team: TeamConvolution?
  private let weightOffset: Int
  private let packedForward: Int
  private let packedBackward: Int

  /// - Parameter name: PyTorch's module.
  init(_ name: String, _ shape: Shape, plan: inout NetworkPlan) throws {
    self.shape = shape
    // oneDNN has no fast one that reads an image of bfloat16, and an image's pixels would lose by it.
    precision = shape.readsImage ? .float32 : plan.precision
    outputPrecision = plan.precision
    microBatch = plan.microBatch
    weightOffset = plan.layout.addWeights(
      "\(name).weight", shape: [shape.outputs, shape.inputs, shape.kernel, shape.kernel],
      fanIn: shape.inputs * shape.kernel * shape.kernel)
    let inputs = shape.readsImage ? shape.inputs : padded(shape.inputs)
    let weightPrecision: Precision
    if shape.usesWinograd {
      weightPrecision = .float32
      let kernel = WinogradConvolution(
        images: microBatch, inputBlocks: inputs / OneDNN.block, outputBlocks: padded(shape.outputs) / OneDNN.block,
        side: shape.side, layout: precision.layout)
      engine = .winograd(kernel)
      team =
        plan.threads > 1 ? TeamConvolution(shape, winograd: kernel, precision: precision, plan: plan) : nil
    } else {
      weightPrecision = precision
      let whole = ck_convolution_shape(
        images: Int32(microBatch), input_channels: Int32(inputs), output_channels: Int32(padded(shape.outputs)),
        height: Int32(shape.side), width: Int32(shape.side), kernel: Int32(shape.kernel),
        stride: Int32(shape.stride), padding: Int32(shape.kernel / 2), block: Int32(OneDNN.block),
        plain_source: shape.readsImage ? 1 : 0, training: plan.training ? 1 : 0,
        bfloat16: precision == .bfloat16 ? 1 : 0)
      engine = .oneDNN(try OneDNNConvolution(whole))
      team =
        plan.threads > 1 ? try TeamConvolution(shape, oneDNN: whole, precision: precision, plan: plan) : nil
    }
    let packedCount = inputs * padded(shape.outputs) * shape.kernel * shape.kernel
    packedForward = plan.reserve(packed: packedCount, weightPrecision)
    let hasBackward = plan.training && !shape.readsImage
    packedBackward = hasBackward ? plan.reserve(packed: packedCount, weightPrecision) : packedForward
    if shape.readsImage { plan.note(partialSums: microBatch, width: packedCount) }
    plan.note(self)
  }

  /// A map of at most 4 x 4, whose weight gradient is not oneDNN's; in bfloat16 it is.
  var isOnSmallMap: Bool {
    shape.side <= 4 && shape.kernel > 1 && shape.stride == 1 && precision == .float32
  }

  var weightCount: Int { shape.outputs * shape.inputs * shape.kernel * shape.kernel }
  /// Elements of the packed weights and of their packed gradient.
  var packedCount: Int {
    (shape.readsImage ? shape.inputs : padded(shape.inputs)) * padded(shape.outputs) * shape.kernel * shape.kernel
  }
  /// Bytes.
  var scratchSize: Int {
    switch engine {
    case .oneDNN(let primitive): primitive.scratchSize
    case .winograd(let kernel): kernel.scratchSize
    }
  }
  /// Multiplications and additions of one pass over one image; Winograd's count as direct ones.
  var operations: Int { 2 * weightCount * shape.outputSide * shape.outputSide }

  /// Packing is done by so many workers, whatever they are given: a run of output blocks each.
  var packingPieces: Int {
    let isCut = !shape.readsImage && (precision == .float32 || shape.usesWinograd)
    return isCut ? (padded(shape.outputs) / OneDNN.block + Self.packedBlocks - 1) / Self.packedBlocks : 1
  }

  /// Blocks of outputs of a piece.
  private static let packedBlocks = 4

  /// Lays the weights out as the passes want them.
  ///
  /// - Parameter piece: of `packingPieces`.
  func pack(_ parameters: AlignedBuffer<Float>, into packed: AlignedBuffer<Float>, piece: Int) {
    let weights = parameters.pointer + weightOffset
    let (outputs, inputs) = (Int64(shape.outputs), Int64(shape.inputs))
    let (taps, block) = (Int64(shape.kernel * shape.kernel), Int64(OneDNN.block))
    if shape.readsImage {
      ck_pack_image_weights(weights, outputs, inputs, taps, block, packed.pointer + packedForward)
      return
    }
    if precision == .bfloat16 && !shape.usesWinograd {
      func place(_ offset: Int) -> UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(packed.pointer + offset).assumingMemoryBound(to: UInt16.self)
      }
      ck_pack_weights_bfloat16(weights, outputs, inputs, taps, ck_OIhw8i16o2i, place(packedForward))
      guard packedBackward != packedForward else { return }
      let order = shape.kernel == 1 ? ck_IOhw8o16i2o : ck_OIhw8o16i2o
      ck_pack_weights_bfloat16(weights, outputs, inputs, taps, order, place(packedBackward))
      return
    }
    let first = piece * Self.packedBlocks
    let rows = min(Self.packedBlocks * OneDNN.block, shape.outputs - first * OneDNN.block)
    let from = weights + first * OneDNN.block * shape.inputs * Int(taps)
    let place = first * packedRow
    ck_pack_weights(from, Int64(rows), inputs, taps, block, 1, packed.pointer + packedForward + place)
    if packedBackward != packedForward {
      ck_pack_weights(from, Int64(rows), inputs, taps, block, 0, packed.pointer + packedBackward + place)
    }
  }

  /// Elements of one block of outputs, packed.
  private var packedRow: Int { packedCount / (padded(shape.outputs) / OneDNN.block) }

  /// Where the precision of what comes out is not that of the convolution, it passes through `worker.back`, which may be
  /// the destination.
  func forward(
    _ source: UnsafeRawPointer, into destination: UnsafeMutableRawPointer, packed: AlignedBuffer<Float>,
    worker: WorkerBuffers
  ) {
    let isRounded = outputPrecision != precision
    let (weights, scratch) = (packed.pointer + packedForward, worker.scratch.pointer)
    if let team {
      team.forward(source, weights: weights, into: isRounded ? worker.back.pointer : destination, worker: worker)
    } else {
      switch engine {
      case .oneDNN(let primitive):
        primitive.forward(
          source, weights: weights, into: isRounded ? worker.back.pointer : destination, scratch: scratch)
      case .winograd(let kernel): kernel.forward(source, weights: weights, into: destination, scratch: scratch)
      }
    }
    guard isRounded else { return }
    // In one go where the destination is where the floats are: what lies behind is overwritten.
    let count = microBatch * padded(shape.outputs) * shape.outputSide * shape.outputSide
    if destination == worker.back.pointer || team == nil {
      ck_round_to_bfloat16(worker.back.floats, Int64(count), destination)
    } else {
      let floats = worker.back.floats
      worker.each(count) {
        ck_round_to_bfloat16(
          floats + $0.lowerBound, Int64($0.count), destination + $0.lowerBound * MemoryLayout<UInt16>.stride)
      }
    }
  }

  /// `forward` and what `normalisation` does, in one pass. False, and nothing done, where the algorithm has none.
  func forward(
    _ source: UnsafeRawPointer, then normalisation: ck_normalisation, into destination: UnsafeMutableRawPointer,
    packed: AlignedBuffer<Float>, worker: WorkerBuffers
  ) -> Bool {
    guard case .winograd(let kernel) = engine else { return false }
    if let team {
      team.forward(
        source, weights: packed.pointer + packedForward, then: normalisation, into: destination, worker: worker)
      return true
    }
    kernel.forward(
      source, weights: packed.pointer + packedForward, then: normalisation, into: destination,
      scratch: worker.scratch.pointer)
    return true
  }

  func backwardData(
    _ gradient: UnsafeRawPointer, into sourceGradient: UnsafeMutableRawPointer, packed: AlignedBuffer<Float>,
    worker: WorkerBuffers
  ) {
    let (weights, scratch) = (packed.pointer + packedBackward, worker.scratch.pointer)
    if let team { return team.backwardData(gradient, weights: weights, into: sourceGradient, worker: worker) }
    switch engine {
    case .oneDNN(let primitive):
      primitive.backwardData(gradient, weights: weights, into: sourceGradient, scratch: scratch)
    case .winograd(let kernel):
      kernel.backwardData(gradient, weights: weights, into: sourceGradient, scratch: scratch)
    }
  }

  /// Adds this micro-batch's weight gradient to the sums. False when it saw a fault.
  func backwardWeights(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    guard !shape.readsImage else {
      return backwardImageWeights(image: source, gradient: gradient, worker: worker, sums: sums)
    }
    let (block, packedGradient) = (OneDNN.block, worker.packedGradient.pointer)
    if let team {
      (isOnSmallMap ? team.backwardSmallMapWeights : team.backwardWeights)(
        source, gradient, packedGradient, packedCount, worker)
    } else if isOnSmallMap {
      ck_small_map_weight_gradient(
        source.assumingMemoryBound(to: Float.self), gradient.assumingMemoryBound(to: Float.self), Int64(microBatch),
        Int64(padded(shape.inputs) / block),
        Int64(padded(shape.outputs) / block), Int64(shape.side), Int64(shape.kernel), Int64(block), packedGradient)
    } else {
      switch engine {
      case .oneDNN(let primitive):
        primitive.backwardWeights(
          source: source, gradient: gradient, into: packedGradient, scratch: worker.scratch.pointer)
      case .winograd(let kernel):
        kernel.backwardWeights(
          source: source, gradient: gradient, into: packedGradient, scratch: worker.scratch.pointer)
      }
    }
    let (inputs, taps) = (Int64(shape.inputs), Int64(shape.kernel * shape.kernel))
    let faults = Faults()
    // A block of outputs at a time: what was unpacked is still in cache when it is added.
    worker.team.run(pieces: padded(shape.outputs) / block) { member, piece in
      let outputs = min(block, shape.outputs - piece * block)
      let room = worker.members.isEmpty ? worker.weightGradient : worker.members[member].weightGradient
      let plain = room[0..<outputs * shape.inputs * Int(taps)]
      ck_unpack_weights(
        packedGradient + piece * packedRow, Int64(outputs), inputs, taps, Int64(block), plain.baseAddress)
      let offset = weightOffset + piece * block * shape.inputs * Int(taps)
      if !sums.addGradient(UnsafeBufferPointer(plain), at: offset) { faults.note() }
    }
    return !faults.isNoted
  }

  private func backwardImageWeights(
    image: UnsafeRawPointer, gradient: UnsafeRawPointer, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let (block, taps) = (OneDNN.block, shape.inputs * shape.kernel * shape.kernel)
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: packedCount) { blocked in
      addImageWeights(image: image, gradient: gradient, into: blocked.baseAddress!, worker: worker)
      let plain = worker.weightGradient[0..<weightCount]
      for output in 0..<shape.outputs {
        for tap in 0..<taps {
          plain[output * taps + tap] = Float(blocked[(output / block * taps + tap) * block + output % block])
        }
      }
      return sums.addGradient(UnsafeBufferPointer(plain), at: weightOffset)
    }
  }

  /// By a team, an image at a time, and then their sum.
  private func addImageWeights(
    image: UnsafeRawPointer, gradient: UnsafeRawPointer, into blocked: UnsafeMutablePointer<Double>,
    worker: WorkerBuffers
  ) {
    func weights(of images: Range<Int>, into sums: UnsafeMutablePointer<Double>) {
      let plane = shape.inputs * shape.side * shape.side
      let output = padded(shape.outputs) * shape.outputSide * shape.outputSide * outputPrecision.elementSize
      ck_image_weight_gradient(
        image.assumingMemoryBound(to: Float.self) + images.lowerBound * plane, gradient + images.lowerBound * output,
        Int64(images.count), Int64(shape.inputs), Int64(padded(shape.outputs) / OneDNN.block), Int64(shape.side),
        Int64(shape.kernel), Int64(shape.stride), outputPrecision.layout, sums)
    }
    guard team != nil else { return weights(of: 0..<microBatch, into: blocked) }
    let (partial, count) = (worker.partialSums.pointer, packedCount)
    worker.team.run(pieces: microBatch) { _, image in weights(of: image..<image + 1, into: partial + image * count) }
    addUp(partial, of: microBatch, width: count, into: blocked)
  }
}
