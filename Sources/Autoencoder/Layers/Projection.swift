import CNetworkKernels

/// The decoder's last convolution: 1 x 1, without bias, from a blocked map to the image's channels.
struct Projection: Sendable {
  let inputs: Int
  let outputs: Int
  let side: Int
  private let precision: Precision
  private let weightOffset: Int

  /// - Parameters name: PyTorch's module. side: of the map.
  init(_ name: String, inputs: Int, outputs: Int, side: Int, plan: inout NetworkPlan) {
    self.inputs = inputs
    self.outputs = outputs
    self.side = side
    precision = plan.precision
    weightOffset = plan.layout.addWeights("\(name).weight", shape: [outputs, inputs, 1, 1], fanIn: inputs)
    // Its padded weights, one row a channel, use the small buffers.
    plan.sizes.channels = max(plan.sizes.channels, outputs * padded(inputs))
    plan.note(partialSums: plan.microBatch, width: outputs * padded(inputs))
  }

  /// - Parameters:
  ///   - values: (m, inputs, side, side) blocked.
  ///   - output: (m, outputs, side, side).
  func forward(
    _ values: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, worker: WorkerBuffers
  ) {
    padWeights(parameters, into: worker.channelFloats.pointer)
    let (weights, layout) = (worker.channelFloats.pointer, precision.layout)
    let (outputs, blocks, pixels) = (outputs, padded(inputs) / OneDNN.block, side * side)
    let bytes = mapBytes
    func run(_ range: Range<Int>) {
      ck_project(
        values + range.lowerBound * bytes, weights, Int64(range.count), Int64(outputs), Int64(blocks), Int64(pixels),
        layout, output + range.lowerBound * outputs * pixels)
    }
    guard worker.team.size > 1 else { return run(0..<images) }
    worker.team.run(pieces: images) { _, image in run(image..<image + 1) }
  }

  /// - Parameters:
  ///   - gradient: (m, outputs, side, side), of the output.
  ///   - valueGradient: (m, inputs, side, side) blocked.
  /// - Returns: false when a weight gradient is not finite or too large.
  func backward(
    _ gradient: UnsafePointer<Float>, values: UnsafeRawPointer,
    into valueGradient: UnsafeMutableRawPointer, images: Int, parameters: AlignedBuffer<Float>,
    worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    padWeights(parameters, into: worker.channelFloats.pointer)
    let width = padded(inputs)
    let (weights, layout, pixels, bytes) = (worker.channelFloats.pointer, precision.layout, side * side, mapBytes)
    func run(_ range: Range<Int>, into weightSums: UnsafeMutablePointer<Double>) {
      ck_project_backward(
        values + range.lowerBound * bytes, weights, gradient + range.lowerBound * outputs * pixels,
        Int64(range.count), Int64(outputs), Int64(width / OneDNN.block), Int64(pixels), layout,
        valueGradient + range.lowerBound * bytes, weightSums)
    }
    if worker.team.size == 1 {
      run(0..<images, into: worker.channelSums.pointer)
    } else {
      let partial = worker.partialSums.pointer
      worker.team.run(pieces: images) { _, image in
        run(image..<image + 1, into: partial + image * outputs * width)
      }
      addUp(partial, of: images, width: outputs * width, into: worker.channelSums.pointer)
    }
    let weightGradient = worker.weightGradient.pointer
    for output in 0..<outputs {
      for input in 0..<inputs {
        weightGradient[output * inputs + input] = Float(worker.channelSums.pointer[output * width + input])
      }
    }
    return sums.addGradient(UnsafeBufferPointer(start: weightGradient, count: outputs * inputs), at: weightOffset)
  }

  /// Bytes of one image's map.
  private var mapBytes: Int { padded(inputs) * side * side * precision.elementSize }

  /// (outputs, padded inputs), zeros in the padding.
  private func padWeights(_ parameters: AlignedBuffer<Float>, into weights: UnsafeMutablePointer<Float>) {
    let width = padded(inputs)
    for output in 0..<outputs {
      for input in 0..<width {
        weights[output * width + input] =
          input < inputs ? parameters.pointer[weightOffset + output * inputs + input] : 0
      }
    }
  }
}
