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
  }

  /// - Parameters:
  ///   - values: (m, inputs, side, side) blocked.
  ///   - output: (m, outputs, side, side).
  func forward(
    _ values: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, worker: WorkerBuffers
  ) {
    padWeights(parameters, into: worker.channelFloats.pointer)
    ck_project(
      values, worker.channelFloats.pointer, Int64(images), Int64(outputs), Int64(padded(inputs) / OneDNN.block),
      Int64(side * side), precision.layout, output)
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
    ck_project_backward(
      values, worker.channelFloats.pointer, gradient, Int64(images), Int64(outputs), Int64(width / OneDNN.block),
      Int64(side * side), precision.layout, valueGradient, worker.channelSums.pointer)
    let weightGradient = worker.weightGradient.pointer
    for output in 0..<outputs {
      for input in 0..<inputs {
        weightGradient[output * inputs + input] = Float(worker.channelSums.pointer[output * width + input])
      }
    }
    return sums.addGradient(UnsafeBufferPointer(start: weightGradient, count: outputs * inputs), at: weightOffset)
  }

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
