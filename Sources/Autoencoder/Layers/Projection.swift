import CKernels
import Foundation

/// The decoder's last layer: a 1 x 1 convolution to the image's channels, tanh, and the reconstruction loss.
struct Projection: Sendable {
  let inputs: Int
  let outputs: Int
  let side: Int
  private let weightOffset: Int

  init(inputs: Int, outputs: Int, side: Int, weightOffset: Int) {
    self.inputs = inputs
    self.outputs = outputs
    self.side = side
    self.weightOffset = weightOffset
  }

  /// - Parameters:
  ///   - values: (m, inputs, side, side) blocked.
  ///   - output: (m, outputs, side, side) in -1...1.
  func forward(
    _ values: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, worker: WorkerBuffers
  ) {
    padWeights(parameters, into: worker.channelFloats.pointer)
    ck_project(
      values, worker.channelFloats.pointer, Int64(images), Int64(outputs), Int64(padded(inputs) / OneDNN.block),
      Int64(side * side), Int64(OneDNN.block), output)
  }

  /// Sum over pixels, channels and images of the absolute or squared difference, in order, in double.
  func loss(
    _ reconstruction: UnsafePointer<Float>, image: UnsafePointer<Float>, images: Int, kind: ReconstructionLoss
  ) -> Double {
    var sum = 0.0
    for index in 0..<images * outputs * side * side {
      let difference = Double(reconstruction[index]) - Double(image[index])
      sum += kind == .l1 ? abs(difference) : difference * difference
    }
    return sum
  }

  /// The gradient with respect to `values`, of `factor` times the loss.
  /// - Returns: false when a weight gradient is not finite or too large.
  func backward(
    reconstruction: UnsafePointer<Float>, image: UnsafePointer<Float>, factor: Float, kind: ReconstructionLoss,
    values: UnsafePointer<Float>, into valueGradient: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let beforeTanh = worker.imageGradient.pointer
    for index in 0..<images * outputs * side * side {
      let output = reconstruction[index]
      let difference = output - image[index]
      let slope: Float = kind == .l1 ? (difference > 0 ? 1 : difference < 0 ? -1 : 0) : 2 * difference
      beforeTanh[index] = factor * slope * (1 - output * output)
    }
    padWeights(parameters, into: worker.channelFloats.pointer)
    let width = padded(inputs)
    ck_project_backward(
      values, worker.channelFloats.pointer, beforeTanh, Int64(images), Int64(outputs),
      Int64(width / OneDNN.block), Int64(side * side), Int64(OneDNN.block), valueGradient, worker.channelSums.pointer)
    let gradient = worker.weightGradient.pointer
    for output in 0..<outputs {
      for input in 0..<inputs {
        gradient[output * inputs + input] = Float(worker.channelSums.pointer[output * width + input])
      }
    }
    return sums.addGradient(UnsafeBufferPointer(start: gradient, count: outputs * inputs), at: weightOffset)
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
