import Platform

/// The activations of one micro-batch, kept from its forward pass to its backward pass.
///
/// Backward has to wait for the embeddings of the whole batch, the decoder has not: its activations live no longer than
/// from `decode` to `backward`, so that a worker has one buffer for them and not each micro-batch its own.
final class Slot: @unchecked Sendable {
  enum Part: Sendable { case encoder, decoder }

  /// Where a layer's floats are.
  struct Place: Sendable {
    let part: Part
    /// In floats.
    let offset: Int
  }

  /// Where a blocked activation is, of the network's precision.
  struct ActivationPlace: Sendable { let place: Place }

  private let encoder: AlignedBuffer<Float>
  /// The worker's, from `decode` to `backward`.
  var decoder: AlignedBuffer<Float>?
  /// No number so far was NaN, infinite or too large.
  var isSound = true
  /// False in the first of two forward passes, where activations are computed again for the backward pass.
  var recordsStatistics = true

  init(count: Int) throws { encoder = try AlignedBuffer(count: count) }

  subscript(place: Place) -> UnsafeMutablePointer<Float> {
    switch place.part {
    case .encoder: return encoder.pointer + place.offset
    case .decoder:
      guard let decoder else { preconditionFailure("a decoder's activations outside of decode and backward") }
      return decoder.pointer + place.offset
    }
  }

  subscript(activation: ActivationPlace) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(self[activation.place])
  }
}

/// Working memory for an activation of the network's precision, or for floats.
final class ActivationBuffer: Sendable {
  private let bytes: AlignedBuffer<UInt8>

  init(bytes: Int) throws { self.bytes = try AlignedBuffer(count: bytes) }

  var pointer: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bytes.pointer) }
  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}

/// One worker's working memory, allocated once for the largest layer, and the team that works in it.
final class WorkerBuffers: @unchecked Sendable {
  struct Sizes: Sendable {
    /// Bytes of the largest activation.
    var activation = 0
    /// Some layer's output is computed again in the backward pass.
    var needsSource = false
    /// Of the decoder's activations, in floats.
    var decoder = 0
    /// Some layer keeps an activation waiting while it computes another.
    var needsResidual = false
    /// Bytes of the convolutions' scratch.
    var scratch = 0
    /// Elements of the largest packed weight gradient, and of the largest stretch of plain ones.
    var packedGradient = 0
    var weightGradient = 0
    /// Channels of the widest layer, padded; images in a micro-batch.
    var channels = 0
    /// (m, C, S, S)
    var image = 0
    /// Threads of a team, and where they are several: bytes that each needs of its own, floats that they share, and partial
    /// sums.
    var threads = 1
    var ownScratch = 0
    var sharedScratch = 0
    var partialSums = 0

    /// Bytes of the buffers that these sizes make.
    func byteCount(training: Bool) -> Int {
      let activations = (needsResidual ? 3 : 2) + (training && needsSource ? 1 : 0)
      let floats = 3 * channels + (training ? packedGradient + max(weightGradient, 2 * channels) + image + decoder : 0)
      return activations * activation + floats * MemoryLayout<Float>.stride
        + 3 * channels * MemoryLayout<Double>.stride + scratch + (threads > 1 ? teamByteCount(training: training) : 0)
    }

    private func teamByteCount(training: Bool) -> Int {
      threads * (ownScratch + (training ? weightGradient : 0) * MemoryLayout<Float>.stride)
        + sharedScratch * MemoryLayout<Float>.stride + partialSums * MemoryLayout<Double>.stride
    }
  }

  /// Gradients, or evaluation's activations, go back and forth between these two.
  private(set) var front: ActivationBuffer
  private(set) var back: ActivationBuffer
  /// What waits for the other path of a residual block.
  private(set) var residual: ActivationBuffer
  /// A layer's output, computed again for the next one's weight gradient.
  let source: ActivationBuffer
  let decoder: AlignedBuffer<Float>
  let scratch: AlignedBuffer<UInt8>
  let packedGradient: AlignedBuffer<Float>
  let weightGradient: AlignedBuffer<Float>
  let channelSums: AlignedBuffer<Double>
  let channelFloats: AlignedBuffer<Float>
  let imageGradient: AlignedBuffer<Float>

  /// One thread: it does all that follows as if there were no teams. Several: by pieces.
  let team: Team
  /// By member, where there are several.
  private(set) var members: [Member] = []
  let sharedScratch: AlignedBuffer<Float>
  let partialSums: AlignedBuffer<Double>

  /// What one thread of a team writes.
  struct Member: Sendable {
    let scratch: AlignedBuffer<UInt8>
    let weightGradient: AlignedBuffer<Float>
  }

  init(_ sizes: Sizes, training: Bool, team: Team = Team(size: 1)) throws {
    self.team = team
    let isTeam = team.size > 1
    sharedScratch = try AlignedBuffer(count: isTeam ? sizes.sharedScratch : 0)
    partialSums = try AlignedBuffer(count: isTeam ? sizes.partialSums : 0)
    if isTeam {
      members = try (0..<team.size).map { _ in
        Member(
          scratch: try AlignedBuffer(count: sizes.ownScratch),
          weightGradient: try AlignedBuffer(count: training ? sizes.weightGradient : 0))
      }
    }
    front = try ActivationBuffer(bytes: sizes.activation)
    back = try ActivationBuffer(bytes: sizes.activation)
    residual = try ActivationBuffer(bytes: sizes.needsResidual ? sizes.activation : 0)
    source = try ActivationBuffer(bytes: training && sizes.needsSource ? sizes.activation : 0)
    decoder = try AlignedBuffer(count: training ? sizes.decoder : 0)
    scratch = try AlignedBuffer(count: sizes.scratch)
    packedGradient = try AlignedBuffer(count: training ? sizes.packedGradient : 0)
    weightGradient = try AlignedBuffer(count: training ? max(sizes.weightGradient, 2 * sizes.channels) : 0)
    channelSums = try AlignedBuffer(count: 3 * sizes.channels)
    channelFloats = try AlignedBuffer(count: 3 * sizes.channels)
    imageGradient = try AlignedBuffer(count: training ? sizes.image : 0)
  }

  /// What was written to `back` is now in `front`.
  func swapFrontAndBack() { swap(&front, &back) }

  /// What was in `front` waits in `residual`, and the other way round.
  func swapResidual() { swap(&front, &residual) }
}

/// What all workers of a rank read, and the sums that they add to.
final class SharedBuffers: Sendable {
  let parameters: AlignedBuffer<Float>
  /// Running means and variances.
  let running: AlignedBuffer<Float>
  let packed: AlignedBuffer<Float>
  let evaluation: AlignedBuffer<Float>
  let sums: StepSums

  init(layout: ParameterLayout, packed: Int, evaluation: Int, training: Bool) throws {
    parameters = try AlignedBuffer(count: layout.parameterCount)
    running = try AlignedBuffer(count: layout.statisticCount)
    self.packed = try AlignedBuffer(count: packed)
    self.evaluation = try AlignedBuffer(count: evaluation)
    sums =
      training
      ? try StepSums(
        parameterCount: layout.parameterCount, tensors: layout.parameterRanges, statisticCount: layout.statisticCount)
      : try StepSums(parameterCount: 0, tensors: [], statisticCount: 0)
  }
}
