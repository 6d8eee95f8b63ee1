import CNetworkKernels
import Platform

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
  func setImage(_ pixels: UnsafeBufferPointer<Float>, slot: Slot, team: Team) {
    repeatGray(pixels, into: slot[imagePlace], team: team)
  }

  /// (m, S, S) to (m, C, S, S).
  func repeatGray(_ pixels: UnsafeBufferPointer<Float>, into image: UnsafeMutablePointer<Float>, team: Team) {
    let (plane, channels) = (side * side, channels)
    precondition(pixels.count == microBatch * plane, "\(pixels.count) pixels, expected \(microBatch) x \(plane)")
    let source = pixels.baseAddress!
    team.run(pieces: microBatch * channels) { _, index in
      (image + index * plane).update(from: source + index / channels * plane, count: plane)
    }
  }

  /// tanh of what the last convolution left at `output`.
  func finish(_ slot: Slot, team: Team) {
    let output = output(slot)
    guard team.size > 1 else { return ck_tanh(output, Int64(count)) }
    team.run(elements: count, piece: Self.piece) { _, range in
      ck_tanh(output + range.lowerBound, Int64(range.count))
    }
  }

  /// Pixels that a thread of a team takes at a time.
  private static let piece = 1 << 13

  // MARK: - Loss

  /// Sum over pixels, channels and images of the absolute or squared difference, in order, in double. By a team it is
  /// the sum of the images' sums.
  func loss(slot: Slot, kind: ReconstructionLoss, team: Team) -> Double {
    let (output, image) = (output(slot), image(slot))
    func sum(_ range: Range<Int>) -> Double {
      var sum = 0.0
      for index in range {
        let difference = Double(output[index]) - Double(image[index])
        sum += kind == .l1 ? abs(difference) : difference * difference
      }
      return sum
    }
    guard team.size > 1 else { return sum(0..<count) }
    let (images, size) = (microBatch, count / microBatch)
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: images) { sums in
      let places = sums.baseAddress!
      team.run(pieces: images) { _, image in places[image] = sum(image * size..<(image + 1) * size) }
      return (0..<images).reduce(0) { $0 + places[$1] }
    }
  }

  /// The gradient of `factor` times the loss with respect to what `finish` took, (m, C, S, S).
  func gradient(
    into gradient: UnsafeMutablePointer<Float>, factor: Float, kind: ReconstructionLoss, slot: Slot,
    team: Team
  ) {
    let (output, image) = (output(slot), image(slot))
    team.run(elements: count, piece: team.size > 1 ? Self.piece : count) { _, range in
      for index in range {
        let value = output[index]
        let difference = value - image[index]
        let slope: Float = kind == .l1 ? (difference > 0 ? 1 : difference < 0 ? -1 : 0) : 2 * difference
        gradient[index] = factor * slope * (1 - value * value)
      }
    }
  }
}
