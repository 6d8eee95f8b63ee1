import CNetworkKernels
import COneDNN

// m = images in a micro-batch, T = threads of a team

/// A convolution's passes, cut into pieces for a team.
///
/// oneDNN computes fewer images, or fewer outputs of the weights' gradient, each by one thread: its bits do not depend on
/// either. Winograd's passes are cut by `ck_winograd_piece`.
struct TeamConvolution: Sendable {
  private enum Engine: Sendable {
    case winograd(WinogradConvolution)
    case oneDNN(Parts)
  }

  /// What oneDNN computes at a time.
  private struct Parts: Sendable {
    /// Of `partImages` images.
    let images: OneDNNConvolution
    let partImages: Int
    /// Of 1 / `sliceCount` of the outputs, for the weights' gradient.
    let slices: OneDNNConvolution
    let sliceCount: Int
  }

  private let shape: Convolution.Shape
  private let precision: Precision
  private let microBatch: Int
  private let engine: Engine
  /// Bytes of each thread.
  let ownScratch: Int
  /// Floats of all.
  let sharedScratch: Int

  // MARK: - Making one

  init(_ shape: Convolution.Shape, winograd: WinogradConvolution, precision: Precision, plan: NetworkPlan) {
    (self.shape, self.precision, microBatch) = (shape, precision, plan.microBatch)
    engine = .winograd(winograd)
    let kinds = [ck_winograd_forward] + (plan.training ? [ck_winograd_of_source, ck_winograd_of_weights] : [])
    let passes = kinds.map { winograd.pass($0) }
    ownScratch = passes.map { pass in withUnsafePointer(to: pass) { Int(ck_winograd_own($0)) } }.max()! * 4
    sharedScratch = passes.map { pass in withUnsafePointer(to: pass) { Int(ck_winograd_shared($0)) } }.max()!
  }

  /// - Parameter oneDNN: the whole convolution's shape.
  init(
    _ shape: Convolution.Shape, oneDNN whole: ck_convolution_shape, precision: Precision, plan: NetworkPlan
  ) throws {
    (self.shape, self.precision, microBatch) = (shape, precision, plan.microBatch)
    let m = plan.microBatch
    let partImages = m / (1...m).first { m % $0 == 0 && ($0 >= plan.threads || $0 == m) }!
    let blocks = Int(whole.output_channels) / OneDNN.block
    let sliceCount =
      plan.training && !shape.readsImage
      ? (1...blocks).last { blocks % $0 == 0 && $0 <= max(plan.threads, 1) }! : 1
    var part = whole
    part.images = Int32(partImages)
    var slice = whole
    slice.output_channels /= Int32(sliceCount)
    let parts = Parts(
      images: try OneDNNConvolution(part), partImages: partImages, slices: try OneDNNConvolution(slice),
      sliceCount: sliceCount)
    engine = .oneDNN(parts)
    let gradient = m * Int(slice.output_channels) * shape.outputSide * shape.outputSide * precision.elementSize
    ownScratch =
      Self.aligned(max(parts.images.scratchSize, parts.slices.scratchSize))
      + (plan.training && !shape.readsImage ? Self.aligned(gradient) : 0)
    sharedScratch = 0
  }

  private static func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

  // MARK: - Passes

  func forward(
    _ source: UnsafeRawPointer, weights: UnsafePointer<Float>, then normalisation: ck_normalisation? = nil,
    into destination: UnsafeMutableRawPointer, worker: WorkerBuffers
  ) {
    switch engine {
    case .winograd(let kernel):
      var pass = kernel.pass(ck_winograd_forward)
      (pass.source, pass.weights, pass.destination) = (source, weights, destination)
      guard let normalisation else { return run(pass, worker) }
      withUnsafePointer(to: normalisation) {
        pass.then = $0; run(pass, worker)
      }
    case .oneDNN(let parts):
      let (from, to) = (sourceBytes * parts.partImages, outputBytes * parts.partImages)
      worker.team.run(pieces: microBatch / parts.partImages) { member, piece in
        parts.images.forward(
          source + piece * from, weights: weights, into: destination + piece * to,
          scratch: worker.members[member].scratch.pointer)
      }
    }
  }

  func backwardData(
    _ gradient: UnsafeRawPointer, weights: UnsafePointer<Float>, into sourceGradient: UnsafeMutableRawPointer,
    worker: WorkerBuffers
  ) {
    switch engine {
    case .winograd(let kernel):
      var pass = kernel.pass(ck_winograd_of_source)
      (pass.source, pass.weights, pass.destination) = (gradient, weights, sourceGradient)
      run(pass, worker)
    case .oneDNN(let parts):
      let (from, to) = (outputBytes * parts.partImages, sourceBytes * parts.partImages)
      worker.team.run(pieces: microBatch / parts.partImages) { member, piece in
        parts.images.backwardData(
          gradient + piece * from, weights: weights, into: sourceGradient + piece * to,
          scratch: worker.members[member].scratch.pointer)
      }
    }
  }

  /// - Parameter packedGradient: as the whole convolution has it.
  func backwardWeights(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, into packedGradient: UnsafeMutablePointer<Float>,
    packedCount: Int, worker: WorkerBuffers
  ) {
    switch engine {
    case .winograd(let kernel):
      var pass = kernel.pass(ck_winograd_of_weights)
      (pass.source, pass.gradient, pass.weight_gradient) = (source, gradient, packedGradient)
      run(pass, worker)
    case .oneDNN(let parts):
      let slices = parts.sliceCount
      let start = Self.aligned(max(parts.images.scratchSize, parts.slices.scratchSize))
      worker.team.run(pieces: slices) { member, slice in
        let scratch = worker.members[member].scratch.pointer
        parts.slices.backwardWeights(
          source: source,
          gradient: slices == 1
            ? gradient : self.slice(slice, of: slices, gradient, into: UnsafeMutableRawPointer(scratch + start)),
          into: packedGradient + slice * (packedCount / slices), scratch: scratch)
      }
    }
  }

  /// A map of at most 4 x 4: a block of outputs at a time, as `ck_small_map_weight_gradient` goes through them.
  func backwardSmallMapWeights(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, into packedGradient: UnsafeMutablePointer<Float>,
    packedCount: Int, worker: WorkerBuffers
  ) {
    let (block, blocks) = (OneDNN.block, padded(shape.outputs) / OneDNN.block)
    let (images, pixels) = (microBatch, shape.side * shape.side)
    worker.team.run(pieces: blocks) { _, output in
      withUnsafeTemporaryAllocation(byteCount: images * pixels * block * 4, alignment: 64) { room in
        let part = self.slice(output, of: blocks, gradient, into: room.baseAddress!)
        ck_small_map_weight_gradient(
          source.assumingMemoryBound(to: Float.self), part.assumingMemoryBound(to: Float.self), Int64(images),
          Int64(padded(shape.inputs) / block), 1, Int64(shape.side), Int64(shape.kernel), Int64(block),
          packedGradient + output * (packedCount / blocks))
      }
    }
  }

  // MARK: - Pieces

  private func run(_ pass: ck_winograd_pass, _ worker: WorkerBuffers) {
    var pass = pass
    pass.shared = worker.sharedScratch.pointer
    // Only read, until `run` returns.
    nonisolated(unsafe) let whole = pass
    for phase in Int32(0)...1 {
      let pieces = withUnsafePointer(to: whole) { Int(ck_winograd_pieces($0, phase)) }
      worker.team.run(pieces: pieces) { member, piece in
        withUnsafePointer(to: whole) {
          ck_winograd_piece(
            $0, phase, Int64(piece),
            UnsafeMutableRawPointer(worker.members[member].scratch.pointer).assumingMemoryBound(to: Float.self))
        }
      }
    }
  }

  /// Bytes of an image's maps.
  private var sourceBytes: Int {
    shape.readsImage
      ? shape.inputs * shape.side * shape.side * MemoryLayout<Float>.stride
      : padded(shape.inputs) * shape.side * shape.side * precision.elementSize
  }
  private var outputBytes: Int {
    padded(shape.outputs) * shape.outputSide * shape.outputSide * precision.elementSize
  }

  /// The outputs' part `slice` of `count`, of all images, side by side.
  private func slice(
    _ slice: Int, of count: Int, _ gradient: UnsafeRawPointer, into room: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    let bytes = outputBytes / count
    for image in 0..<microBatch {
      (room + image * bytes).copyMemory(from: gradient + image * outputBytes + slice * bytes, byteCount: bytes)
    }
    return UnsafeRawPointer(room)
  }
}
