import CNetworkKernels

/// Batch normalisation over one micro-batch, (leaky) ReLU, and a 2 x 2 maximum where one follows, in as few passes over
/// memory as can be.
///
/// Training normalises by the micro-batch's own mean and biased variance (eps 1e-5) and adds mean and unbiased variance
/// to the step's sums; evaluation uses the running ones.
struct BatchNormalisation: Sendable {
  static let epsilon = 1e-5

  let channels: Int
  /// Side of the map that comes in.
  let side: Int
  /// Of the leaky ReLU below 0: 0 for ReLU, 1 for no activation.
  let slope: Float
  /// The activation is followed by a 2 x 2 maximum.
  let pools: Bool
  private let precision: Precision
  private let scaleOffset: Int
  private let shiftOffset: Int
  private let meanOffset: Int
  private let varianceOffset: Int
  /// In a slot: mean, 1 / deviation, and scale and shift of the whole normalisation, by padded channel.
  private let keptPlace: Slot.Place
  /// In the replica's evaluation buffer: scale and shift from the running statistics.
  private let evaluationOffset: Int

  init(_ name: String, channels: Int, side: Int, slope: Float, pools: Bool, plan: inout NetworkPlan) {
    self.channels = channels
    self.side = side
    self.slope = slope
    self.pools = pools
    precision = plan.precision
    (scaleOffset, shiftOffset, meanOffset, varianceOffset) = plan.layout.addBatchNormalisation(
      name, channels: channels)
    keptPlace = plan.reserve(4 * padded(channels))
    evaluationOffset = plan.evaluation.reserve(2 * padded(channels))
  }

  var outputSide: Int { pools ? side / 2 : side }

  /// - Parameters:
  ///   - values: (m, channels, side, side) blocked: the convolution's output, kept for `backward`.
  ///   - output: (m, channels, outputSide, outputSide) blocked.
  /// - Returns: false when a statistic is not finite.
  func forward(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int, slot: Slot,
    parameters: AlignedBuffer<Float>, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let pixels = side * side
    let width = padded(channels)
    let (sum, squares) = (worker.channelSums.pointer, worker.channelSums.pointer + width)
    ck_batch_moments(
      values, Int64(images), Int64(width / OneDNN.block), Int64(pixels), precision.layout, sum, squares)
    let kept = Kept(slot[keptPlace], width: width)
    let count = Double(images * pixels)
    for channel in 0..<channels {
      let mean = sum[channel] / count
      let variance = max(squares[channel] / count - mean * mean, 0)
      let inverseDeviation = 1 / (variance + Self.epsilon).squareRoot()
      let scale = Double(parameters.pointer[scaleOffset + channel]) * inverseDeviation
      kept.mean[channel] = Float(mean)
      kept.inverseDeviation[channel] = Float(inverseDeviation)
      kept.scale[channel] = Float(scale)
      kept.shift[channel] = Float(Double(parameters.pointer[shiftOffset + channel]) - mean * scale)
      sum[channel] = mean
      squares[channel] = variance * count / (count - 1)
    }
    apply(values, into: output, images: images, scale: kept.scale, shift: kept.shift)
    guard slot.recordsStatistics else { return true }
    let soundMean = sums.addStatistic(UnsafeBufferPointer(start: sum, count: channels), at: meanOffset)
    let soundVariance = sums.addStatistic(UnsafeBufferPointer(start: squares, count: channels), at: varianceOffset)
    return soundMean && soundVariance
  }

  /// The output of `forward` once more, with the same bits, from the values and what it kept.
  func repeatForward(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int, slot: Slot
  ) {
    let kept = Kept(slot[keptPlace], width: padded(channels))
    apply(values, into: output, images: images, scale: kept.scale, shift: kept.shift)
  }

  /// - Parameters:
  ///   - gradient: (m, channels, outputSide, outputSide) blocked, of the output.
  ///   - valueGradient: (m, channels, side, side) blocked; `gradient` itself where nothing is pooled.
  /// - Returns: false when a gradient is not finite or too large.
  func backward(
    _ gradient: UnsafeRawPointer, values: UnsafeRawPointer,
    into valueGradient: UnsafeMutableRawPointer, images: Int, slot: Slot, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let width = padded(channels)
    let kept = Kept(slot[keptPlace], width: width)
    let (sumGradient, sumProduct) = (worker.channelSums.pointer, worker.channelSums.pointer + width)
    let (n, blocks, layout) = (Int64(images), Int64(width / OneDNN.block), precision.layout)
    let (height, pixels) = (Int64(side), Int64(side * side))
    if pools {
      ck_normalise_pool_backward_sums(
        values, gradient, n, blocks, height, height, layout, kept.scale, kept.shift, slope, kept.mean,
        kept.inverseDeviation, sumGradient, sumProduct)
    } else {
      ck_normalise_backward_sums(
        values, gradient, n, blocks, pixels, layout, kept.scale, kept.shift, slope, kept.mean, kept.inverseDeviation,
        sumGradient, sumProduct)
    }
    let (meanGradient, meanProduct) = (worker.channelFloats.pointer, worker.channelFloats.pointer + width)
    let (scaleGradient, shiftGradient) = (worker.weightGradient.pointer, worker.weightGradient.pointer + width)
    let count = Double(images) * Double(pixels)
    for channel in 0..<width {
      meanGradient[channel] = Float(sumGradient[channel] / count)
      meanProduct[channel] = Float(sumProduct[channel] / count)
      scaleGradient[channel] = Float(sumProduct[channel])
      shiftGradient[channel] = Float(sumGradient[channel])
    }
    if pools {
      ck_normalise_pool_backward(
        values, gradient, n, blocks, height, height, layout, kept.scale, kept.shift, slope, kept.mean,
        kept.inverseDeviation, meanGradient, meanProduct, valueGradient)
    } else {
      ck_normalise_backward(
        values, gradient, n, blocks, pixels, layout, kept.scale, kept.shift, slope, kept.mean, kept.inverseDeviation,
        meanGradient, meanProduct, valueGradient)
    }
    let soundScale = sums.addGradient(UnsafeBufferPointer(start: scaleGradient, count: channels), at: scaleOffset)
    let soundShift = sums.addGradient(UnsafeBufferPointer(start: shiftGradient, count: channels), at: shiftOffset)
    return soundScale && soundShift
  }

  /// Scale and shift for evaluation, from the running statistics.
  func prepareEvaluation(
    _ evaluation: AlignedBuffer<Float>, parameters: AlignedBuffer<Float>, running: AlignedBuffer<Float>
  ) {
    let (scales, shifts) = (
      evaluation.pointer + evaluationOffset, evaluation.pointer + evaluationOffset + padded(channels)
    )
    for channel in 0..<channels {
      let variance = Double(running.pointer[varianceOffset + channel])
      let scale = Double(parameters.pointer[scaleOffset + channel]) / (variance + Self.epsilon).squareRoot()
      scales[channel] = Float(scale)
      shifts[channel] = Float(
        Double(parameters.pointer[shiftOffset + channel]) - Double(running.pointer[meanOffset + channel]) * scale)
    }
  }

  /// In place allowed.
  func evaluate(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int,
    evaluation: AlignedBuffer<Float>
  ) {
    let normalisation = self.evaluation(evaluation)
    apply(values, into: output, images: images, scale: normalisation.scale, shift: normalisation.shift)
  }

  /// In place allowed.
  ///
  /// - Parameter means: (m, padded channels): over each map's positions, before the maximum.
  func evaluate(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, means: UnsafeMutablePointer<Float>, images: Int,
    evaluation: AlignedBuffer<Float>
  ) {
    let normalisation = self.evaluation(evaluation)
    ck_normalise_means(
      values, Int64(images), Int64(padded(channels) / OneDNN.block), Int64(side), Int64(side), precision.layout,
      normalisation.scale, normalisation.shift, slope, pools ? 1 : 0, output, means)
  }

  /// The activation without the maximum that follows it.
  func evaluateMap(
    _ values: UnsafeRawPointer, into map: UnsafeMutableRawPointer, images: Int, evaluation: AlignedBuffer<Float>
  ) {
    let normalisation = self.evaluation(evaluation)
    ck_normalise(
      values, Int64(images), Int64(padded(channels) / OneDNN.block), Int64(side * side), precision.layout,
      normalisation.scale, normalisation.shift, slope, map)
  }

  /// Of the activations.
  var layout: Int64 { precision.layout }

  /// What `evaluate` does, for a convolution that does it with its output.
  func evaluation(_ evaluation: AlignedBuffer<Float>) -> ck_normalisation {
    let scales = evaluation.pointer + evaluationOffset
    return ck_normalisation(scale: scales, shift: scales + padded(channels), slope: slope, pools: pools ? 1 : 0)
  }

  private func apply(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int,
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>
  ) {
    let (n, blocks, layout) = (Int64(images), Int64(padded(channels) / OneDNN.block), precision.layout)
    if pools {
      ck_normalise_pool(values, n, blocks, Int64(side), Int64(side), layout, scale, shift, slope, output)
    } else {
      ck_normalise(values, n, blocks, Int64(side * side), layout, scale, shift, slope, output)
    }
  }

  /// What the forward pass leaves for the backward pass. Padded channels stay zero: their values come out as zeros.
  private struct Kept {
    let mean: UnsafeMutablePointer<Float>
    let inverseDeviation: UnsafeMutablePointer<Float>
    let scale: UnsafeMutablePointer<Float>
    let shift: UnsafeMutablePointer<Float>

    init(_ kept: UnsafeMutablePointer<Float>, width: Int) {
      mean = kept
      inverseDeviation = mean + width
      scale = mean + 2 * width
      shift = mean + 3 * width
    }
  }
}
