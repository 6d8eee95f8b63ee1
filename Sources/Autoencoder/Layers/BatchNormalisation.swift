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
  /// How a team cuts its maps, where there are several threads.
  private let pieces: MapPieces?
  private let planes: MapPieces?

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
    let (images, blocks) = (plan.microBatch, padded(channels) / OneDNN.block)
    pieces = plan.threads > 1 ? MapPieces(images: images, blocks: blocks, side: side) : nil
    planes = plan.threads > 1 ? MapPieces(images: images, blocks: blocks, side: side, wholePlanes: true) : nil
    if let pieces { plan.note(partialSums: 2 * images * pieces.runs, width: padded(channels)) }
  }

  var outputSide: Int { pools ? side / 2 : side }

  /// Of what comes out.
  func outputBytes(images: Int) -> Int { images * padded(channels) * outputSide * outputSide * precision.elementSize }

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
    let (row, layout) = (Int64(side), precision.layout)
    addUp(images, worker: worker, into: sum, squares) { map, sum, squares in
      ck_batch_moments(values + map.values, map.images, map.blocks, map.height * row, layout, sum, squares)
    }
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
    apply(values, into: output, images: images, scale: kept.scale, shift: kept.shift, worker: worker)
    guard slot.recordsStatistics else { return true }
    let soundMean = sums.addStatistic(UnsafeBufferPointer(start: sum, count: channels), at: meanOffset)
    let soundVariance = sums.addStatistic(UnsafeBufferPointer(start: squares, count: channels), at: varianceOffset)
    return soundMean && soundVariance
  }

  /// The output of `forward` once more, with the same bits, from the values and what it kept.
  func repeatForward(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int, slot: Slot,
    worker: WorkerBuffers
  ) {
    let kept = Kept(slot[keptPlace], width: padded(channels))
    apply(values, into: output, images: images, scale: kept.scale, shift: kept.shift, worker: worker)
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
    let (row, layout, slope, pools) = (Int64(side), precision.layout, slope, pools)
    addUp(images, worker: worker, into: sumGradient, sumProduct) { map, sumGradient, sumProduct in
      let channel = map.channel
      let (values, gradient) = (values + map.values, gradient + map.pooled)
      if pools {
        ck_normalise_pool_backward_sums(
          values, gradient, map.images, map.blocks, map.height, row, layout, kept.scale + channel,
          kept.shift + channel, slope, kept.mean + channel, kept.inverseDeviation + channel, sumGradient, sumProduct)
      } else {
        ck_normalise_backward_sums(
          values, gradient, map.images, map.blocks, map.height * row, layout, kept.scale + channel,
          kept.shift + channel, slope, kept.mean + channel, kept.inverseDeviation + channel, sumGradient, sumProduct)
      }
    }
    let (meanGradient, meanProduct) = (worker.channelFloats.pointer, worker.channelFloats.pointer + width)
    let (scaleGradient, shiftGradient) = (worker.weightGradient.pointer, worker.weightGradient.pointer + width)
    let count = Double(images) * Double(side * side)
    for channel in 0..<width {
      meanGradient[channel] = Float(sumGradient[channel] / count)
      meanProduct[channel] = Float(sumProduct[channel] / count)
      scaleGradient[channel] = Float(sumProduct[channel])
      shiftGradient[channel] = Float(sumGradient[channel])
    }
    each(pieces, images, worker: worker) { map in
      let channel = map.channel
      let (values, gradient, valueGradient) = (values + map.values, gradient + map.pooled, valueGradient + map.values)
      if pools {
        ck_normalise_pool_backward(
          values, gradient, map.images, map.blocks, map.height, row, layout, kept.scale + channel,
          kept.shift + channel, slope, kept.mean + channel, kept.inverseDeviation + channel, meanGradient + channel,
          meanProduct + channel, valueGradient)
      } else {
        ck_normalise_backward(
          values, gradient, map.images, map.blocks, map.height * row, layout, kept.scale + channel,
          kept.shift + channel, slope, kept.mean + channel, kept.inverseDeviation + channel, meanGradient + channel,
          meanProduct + channel, valueGradient)
      }
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
    evaluation: AlignedBuffer<Float>, worker: WorkerBuffers
  ) {
    let normalisation = self.evaluation(evaluation)
    apply(
      values, into: output, images: images, scale: normalisation.scale, shift: normalisation.shift, worker: worker)
  }

  /// In place allowed where nothing is pooled, or one thread does it.
  ///
  /// - Parameter means: (m, padded channels): over each map's positions, before the maximum.
  func evaluate(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, means: UnsafeMutablePointer<Float>, images: Int,
    evaluation: AlignedBuffer<Float>, worker: WorkerBuffers
  ) {
    let normalisation = self.evaluation(evaluation)
    let (row, width, layout, slope, pools) = (Int64(side), padded(channels), precision.layout, slope, pools)
    each(planes, images, worker: worker) { map in
      ck_normalise_means(
        values + map.values, map.images, map.blocks, map.height, row, layout, normalisation.scale + map.channel,
        normalisation.shift + map.channel, slope, pools ? 1 : 0, output + map.pooled,
        means + map.image * width + map.channel)
    }
  }

  /// The activation without the maximum that follows it.
  func evaluateMap(
    _ values: UnsafeRawPointer, into map: UnsafeMutableRawPointer, images: Int, evaluation: AlignedBuffer<Float>,
    worker: WorkerBuffers
  ) {
    let normalisation = self.evaluation(evaluation)
    let (row, layout, slope, destination) = (Int64(side), precision.layout, slope, map)
    each(pieces, images, worker: worker) { map in
      ck_normalise(
        values + map.values, map.images, map.blocks, map.height * row, layout, normalisation.scale + map.channel,
        normalisation.shift + map.channel, slope, destination + map.values)
    }
  }

  /// Of the activations.
  var layout: Int64 { precision.layout }

  /// What `evaluate` does, for a convolution that does it with its output.
  func evaluation(_ evaluation: AlignedBuffer<Float>) -> ck_normalisation {
    let scales = evaluation.pointer + evaluationOffset
    return ck_normalisation(scale: scales, shift: scales + padded(channels), slope: slope, pools: pools ? 1 : 0)
  }

  /// In place where nothing is pooled.
  private func apply(
    _ values: UnsafeRawPointer, into output: UnsafeMutableRawPointer, images: Int,
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, worker: WorkerBuffers
  ) {
    let (row, layout, slope, pools) = (Int64(side), precision.layout, slope, pools)
    each(pieces, images, worker: worker) { map in
      let (values, output) = (values + map.values, output + map.pooled)
      if pools {
        ck_normalise_pool(
          values, map.images, map.blocks, map.height, row, layout, scale + map.channel, shift + map.channel, slope,
          output)
      } else {
        ck_normalise(
          values, map.images, map.blocks, map.height * row, layout, scale + map.channel, shift + map.channel, slope,
          output)
      }
    }
  }

  // MARK: - Pieces

  /// What one call of a kernel works on: all of the maps, or a piece.
  private struct Map {
    var images: Int64
    var blocks: Int64
    var height: Int64
    /// The first image and channel.
    var image = 0
    var channel = 0
    /// Bytes before it, in maps of the side that comes in and of the side that comes out.
    var values = 0
    var pooled = 0
  }

  private func whole(_ images: Int) -> Map {
    Map(images: Int64(images), blocks: Int64(padded(channels) / OneDNN.block), height: Int64(side))
  }

  private func map(_ piece: MapPieces.Piece, _ pieces: MapPieces) -> Map {
    let size = OneDNN.block * precision.elementSize
    return Map(
      images: 1, blocks: Int64(piece.blocks.count), height: Int64(piece.rows.count), image: piece.image,
      channel: piece.blocks.lowerBound * OneDNN.block, values: pieces.offset(piece) * size,
      pooled: pieces.offset(piece, pooled: pools) * size)
  }

  /// One call for all, or by a team a call for each piece.
  private func each(
    _ pieces: MapPieces?, _ images: Int, worker: WorkerBuffers, _ body: @escaping (Map) -> Void
  ) {
    guard let pieces else { return body(whole(images)) }
    worker.team.run(pieces: pieces.count) { _, index in body(map(pieces[index], pieces)) }
  }

  /// As `each`, of what gives two sums a channel. A team's are those of its pieces, added in their order.
  private func addUp(
    _ images: Int, worker: WorkerBuffers, into first: UnsafeMutablePointer<Double>,
    _ second: UnsafeMutablePointer<Double>,
    _ body: @escaping (Map, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) {
    guard let pieces else { return body(whole(images), first, second) }
    let (width, rows) = (padded(channels), images * pieces.runs)
    let (firsts, seconds) = (worker.partialSums.pointer, worker.partialSums.pointer + rows * width)
    worker.team.run(pieces: pieces.count) { _, index in
      let piece = pieces[index]
      let map = map(piece, pieces)
      let place = (piece.image * pieces.runs + piece.run) * width + map.channel
      body(map, firsts + place, seconds + place)
    }
    Autoencoder.addUp(firsts, of: rows, width: width, into: first)
    Autoencoder.addUp(seconds, of: rows, width: width, into: second)
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
