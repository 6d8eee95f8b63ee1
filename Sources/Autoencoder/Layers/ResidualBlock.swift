import CNetworkKernels

/// What a residual block adds to its second convolution, and the way to its first.
///
/// A block is  y = ReLU(BN(conv2(ReLU(first))) + identity),  with one of
///
/// | kind | first | identity |
/// |---|---|---|
/// | plain | BN(conv1(x)) | x |
/// | strided | BN(conv1(x)), stride 2 | BN(1 x 1 convolution of x, stride 2) |
/// | upsampling | BN(1 x 1 convolution of x upsampled) | the same |
struct ResidualBlock: Sendable {
  private enum Entry: Sendable {
    case convolution(NormalisedConvolution, shortcut: NormalisedConvolution?)
    /// `rectified`: in a slot, ReLU of what was upsampled.
    case upsampling(Upsampling, rectified: Slot.ActivationPlace)
  }

  private let entry: Entry
  private let second: NormalisedConvolution
  /// Elements of the output.
  private let count: Int
  private let precision: Precision
  private let outputPlace: Slot.ActivationPlace
  /// Of what comes out.
  let channels: Int
  let side: Int

  // MARK: - Making one

  /// A block of torchvision's trunk: `NAME.conv1 bn1 conv2 bn2`, and `downsample.0 .1` where the stride is 2.
  init(trunk name: String, inputs: Int, outputs: Int, side: Int, stride: Int, plan: inout NetworkPlan) throws {
    let first = try NormalisedConvolution(
      "\(name).conv1", "\(name).bn1",
      shape: Convolution.Shape(inputs: inputs, outputs: outputs, side: side, kernel: 3, stride: stride), slope: 0,
      keepsOutput: true, plan: &plan)
    let second = try Self.second("\(name).conv2", "\(name).bn2", channels: outputs, side: side / stride, plan: &plan)
    let shortcut =
      stride == 1
      ? nil
      : try NormalisedConvolution(
        "\(name).downsample.0", "\(name).downsample.1",
        shape: Convolution.Shape(inputs: inputs, outputs: outputs, side: side, kernel: 1, stride: stride), slope: 1,
        keepsOutput: true, plan: &plan)
    self.init(.convolution(first, shortcut: shortcut), second, plan: &plan)
  }

  /// A block of the decoder: `NAME.conv1.{0,1}`, or `NAME.upsampleLayer.{1,2}` where it upsamples, and `NAME.conv2 bnrm`.
  init(decoder name: String, inputs: Int, outputs: Int, side: Int, upsamples: Bool, plan: inout NetworkPlan) throws {
    let entry: Entry
    let outputSide = upsamples ? 2 * side : side
    if upsamples {
      let up = try Upsampling(
        "\(name).upsampleLayer", inputs: inputs, outputs: outputs, side: side, keepsOutput: true, plan: &plan)
      let rectified = plan.reserve(activation: plan.microBatch * padded(outputs) * outputSide * outputSide)
      entry = .upsampling(up, rectified: rectified)
    } else {
      let first = try NormalisedConvolution(
        "\(name).conv1.0", "\(name).conv1.1",
        shape: Convolution.Shape(inputs: inputs, outputs: outputs, side: side, kernel: 3), slope: 0,
        keepsOutput: true, plan: &plan)
      entry = .convolution(first, shortcut: nil)
    }
    let second = try Self.second("\(name).conv2", "\(name).bnrm", channels: outputs, side: outputSide, plan: &plan)
    self.init(entry, second, plan: &plan)
  }

  private init(_ entry: Entry, _ second: NormalisedConvolution, plan: inout NetworkPlan) {
    self.entry = entry
    self.second = second
    precision = plan.precision
    (channels, side) = (second.convolution.shape.outputs, second.convolution.shape.side)
    count = plan.microBatch * padded(channels) * side * side
    outputPlace = plan.reserve(activation: count)
    plan.sizes.needsResidual = true
  }

  private static func second(
    _ name: String, _ normalisationName: String, channels: Int, side: Int, plan: inout NetworkPlan
  ) throws -> NormalisedConvolution {
    try NormalisedConvolution(
      name, normalisationName,
      shape: Convolution.Shape(inputs: channels, outputs: channels, side: side, kernel: 3), slope: 1,
      keepsOutput: true, plan: &plan)
  }

  /// In a slot: y, blocked.
  func output(_ slot: Slot) -> UnsafeMutableRawPointer { slot[outputPlace] }

  private var layout: Int64 { precision.layout }

  var convolutions: [Convolution] {
    switch entry {
    case .convolution(let first, let shortcut):
      [first.convolution, second.convolution] + (shortcut.map { [$0.convolution] } ?? [])
    case .upsampling(let up, _): [up.convolution, second.convolution]
    }
  }

  // MARK: - Training

  /// From `source`, x, to the slot's y. False when a number is not finite.
  func forward(_ source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    var sound = true
    func pass(_ layer: NormalisedConvolution, _ source: UnsafeRawPointer) {
      if !layer.forward(source, slot: slot, shared: shared, worker: worker) { sound = false }
    }
    let identity: UnsafeRawPointer
    switch entry {
    case .convolution(let first, let shortcut):
      pass(first, source)
      pass(second, first.output(slot))
      if let shortcut { pass(shortcut, source) }
      identity = shortcut.map { UnsafeRawPointer($0.output(slot)) } ?? source
    case .upsampling(let up, let rectified):
      if !up.forward(source, slot: slot, shared: shared, worker: worker) { sound = false }
      identity = UnsafeRawPointer(up.output(slot))
      rectify(identity, into: slot[rectified], worker: worker)
      pass(second, slot[rectified])
    }
    addRectified(second.output(slot), identity, into: output(slot), worker: worker)
    return sound
  }

  /// y's gradient is in `worker.front`, and then x's. False when a gradient is not finite or too large.
  func backward(source: UnsafeRawPointer, slot: Slot, shared: SharedBuffers, worker: WorkerBuffers) -> Bool {
    var sound = true
    func pass(_ layer: NormalisedConvolution, _ source: UnsafeRawPointer) {
      if !layer.backward(source: source, slot: slot, shared: shared, worker: worker) { sound = false }
    }
    let both = worker.front.pointer
    rectifyBackward(output(slot), both, worker: worker)
    worker.residual.pointer.copyMemory(from: both, byteCount: count * precision.elementSize)
    switch entry {
    case .convolution(let first, let shortcut):
      pass(second, first.output(slot))
      pass(first, source)
      if let shortcut {
        worker.swapResidual()
        pass(shortcut, source)
      }
      let shape = first.convolution.shape
      let inputs = second.microBatch * padded(shape.inputs) * shape.side * shape.side
      add(worker.residual.pointer, inputs, to: worker.front.pointer, worker: worker)
    case .upsampling(let up, let rectified):
      pass(second, slot[rectified])
      let gradient = worker.front.pointer
      rectifyBackward(slot[rectified], gradient, worker: worker)
      add(worker.residual.pointer, count, to: gradient, worker: worker)
      if !up.backward(source: source, slot: slot, shared: shared, worker: worker) { sound = false }
    }
    return sound
  }

  // MARK: - Scoring

  /// The trunk's normalisations, from the running statistics.
  func prepareEvaluation(_ shared: SharedBuffers) {
    guard case .convolution(let first, let shortcut) = entry else {
      preconditionFailure("only the encoder is evaluated")
    }
    for layer in [first, second, shortcut].compactMap({ $0 }) { layer.prepareEvaluation(shared) }
  }

  /// x is in `worker.front`, and then y.
  func evaluate(_ shared: SharedBuffers, worker: WorkerBuffers) {
    guard case .convolution(let first, let shortcut) = entry else {
      preconditionFailure("only the encoder is evaluated")
    }
    worker.swapResidual()
    first.evaluate(worker.residual.pointer, into: worker.front.pointer, shared: shared, worker: worker)
    second.evaluate(worker.front.pointer, into: worker.back.pointer, shared: shared, worker: worker)
    worker.swapFrontAndBack()
    let y = worker.front.pointer
    var x = worker.residual.pointer
    if let shortcut {
      shortcut.evaluate(x, into: worker.back.pointer, shared: shared, worker: worker)
      x = worker.back.pointer
    }
    addRectified(y, x, into: y, worker: worker)
  }

  // MARK: - Element by element

  /// Elements and the bytes before them: all, or by a team some at a time.
  private func each(_ count: Int, _ worker: WorkerBuffers, _ body: @escaping (Int64, Int) -> Void) {
    guard worker.team.size > 1 else { return body(Int64(count), 0) }
    let size = precision.elementSize
    worker.each(count) { body(Int64($0.count), $0.lowerBound * size) }
  }

  private func rectify(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, worker: WorkerBuffers
  ) {
    each(count, worker) { [layout] in ck_rectify(values + $1, $0, layout, output + $1) }
  }

  /// `output` may be `first`.
  private func addRectified(
    _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, into output: UnsafeMutableRawPointer, worker: WorkerBuffers
  ) {
    each(count, worker) { [layout] in ck_add_rectified(first + $1, second + $1, $0, layout, output + $1) }
  }

  /// In place: the gradient of what `output` was rectified from.
  private func rectifyBackward(
    _ output: UnsafeRawPointer, _ gradient: UnsafeMutableRawPointer, worker: WorkerBuffers
  ) {
    each(count, worker) { [layout] in ck_rectify_backward(output + $1, gradient + $1, $0, layout, gradient + $1) }
  }

  private func add(
    _ values: UnsafeRawPointer, _ count: Int, to sums: UnsafeMutableRawPointer, worker: WorkerBuffers
  ) {
    each(count, worker) { [layout] in ck_add(values + $1, $0, layout, sums + $1) }
  }
}
