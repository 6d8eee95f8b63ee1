import CNetworkKernels

// m = images in a micro-batch, C = channels, S = image side

/// Both ends of the autoencoder: the image that goes in, the one that comes out, and the loss between them.
struct Reconstruction: Sendable {
  let channels: Int
  let side: Int
  private let microBatch: Int
  // In a slot: (m, C, S, S) each, in -1...1.
  private let imagePlace: Slot.Place
  private let outputPlace: Slot.Place

  init(channels: Int, side: Int, plan: inout NetworkPlan) {
    self.channels = channels
    self.side = side
    microBatch = plan.microBatch
    let count = microBatch * channels * side * side
    imagePlace = plan.reserve(count, in: .encoder)
    outputPlace = plan.reserve(count, in: .decoder)
    plan.sizes.image = count
    plan.note(floats: count)
  }

  private var count: Int { microBatch * channels * side * side }

  // MARK: - Forward

  func image(_ slot: Slot) -> UnsafePointer<Float> { UnsafePointer(slot[imagePlace]) }
  func output(_ slot: Slot) -> UnsafeMutablePointer<Float> { slot[outputPlace] }

  /// Puts pixels (m, S, S) into the slot.
  func setImage(_ pixels: UnsafeBufferPointer<Float>, slot: Slot) {
    repeatGray(pixels, into: slot[imagePlace])
  }

  /// (m, S, S) to (m, C, S, S).
  func repeatGray(_ pixels: UnsafeBufferPointer<Float>, into image: UnsafeMutablePointer<Float>) {
    let plane = side * side
    precondition(pixels.count == microBatch * plane, "\(pixels.count) pixels, expected \(microBatch) x \(plane)")
    for index in 0..<microBatch * channels {
      (image + index * plane).update(from: pixels.baseAddress! + index / channels * plane, count: plane)
    }
  }

  /// tanh of what the last convolution left at `output`.
  func finish(_ slot: Slot) { ck_tanh(output(slot), Int64(count)) }

  // MARK: - Loss

  /// Sum over pixels, channels and images of the absolute or squared difference, in order, in double.
  func loss(slot: Slot, kind: ReconstructionLoss) -> Double {
    let (output, image) = (output(slot), image(slot))
    var sum = 0.0
    for index in 0..<count {
      let difference = Double(output[index]) - Double(image[index])
      sum += kind == .l1 ? abs(difference) : difference * difference
    }
    return sum
  }

  /// The gradient of `factor` times the loss with respect to what `finish` took, (m, C, S, S).
  func gradient(
    into gradient: UnsafeMutablePointer<Float>, factor: Float, kind: ReconstructionLoss, slot: Slot
  ) {
    let (output, image) = (output(slot), image(slot))
    for index in 0..<count {
      let value = output[index]
      let difference = value - image[index]
      let slope: Float = kind == .l1 ? (difference > 0 ? 1 : difference < 0 ? -1 : 0) : 2 * difference
      gradient[index] = factor * slope * (1 - value * value)
    }
  }
}
