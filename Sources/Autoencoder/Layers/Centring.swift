// m = images in a micro-batch, D = embedding dimension

/// Batch normalisation without scale and shift over the D numbers of the bottleneck, so that no direction common to all
/// images is left in the embeddings.
///
/// Training normalises by the micro-batch's own mean and biased variance (eps 1e-5) and adds mean and unbiased variance to
/// the step's sums; evaluation uses the running ones. PyTorch: `BatchNorm1d(D, affine=False)`.
struct Centring: Sendable {
  /// PyTorch's module.
  static let name = "feat_norm"

  private let dimension: Int
  private let microBatch: Int
  private let meanOffset: Int
  private let varianceOffset: Int
  // In a slot: what came out, (m, D), and 1 / deviation, (D).
  private let centredPlace: Slot.Place
  private let inverseDeviationPlace: Slot.Place

  init(dimension: Int, plan: inout NetworkPlan) {
    self.dimension = dimension
    microBatch = plan.microBatch
    (meanOffset, varianceOffset) = plan.layout.addRunningStatistics(Self.name, channels: dimension)
    centredPlace = plan.reserve(microBatch * dimension)
    inverseDeviationPlace = plan.reserve(dimension)
  }

  /// Centres rows (m, D) in place. False when a statistic is not finite.
  func forward(_ rows: UnsafeMutablePointer<Float>, slot: Slot, sums: StepSums) -> Bool {
    let count = Double(microBatch)
    let (centred, inverseDeviations) = (slot[centredPlace], slot[inverseDeviationPlace])
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * dimension) { statistics in
      let (means, variances) = (statistics.baseAddress!, statistics.baseAddress! + dimension)
      for element in 0..<dimension {
        var (sum, squares) = (0.0, 0.0)
        for image in 0..<microBatch { sum += Double(rows[image * dimension + element]) }
        let mean = sum / count
        for image in 0..<microBatch {
          let difference = Double(rows[image * dimension + element]) - mean
          squares += difference * difference
        }
        let inverseDeviation = 1 / (squares / count + BatchNormalisation.epsilon).squareRoot()
        for image in 0..<microBatch {
          let place = image * dimension + element
          rows[place] = Float((Double(rows[place]) - mean) * inverseDeviation)
        }
        inverseDeviations[element] = Float(inverseDeviation)
        (means[element], variances[element]) = (mean, squares / (count - 1))
      }
      centred.update(from: rows, count: microBatch * dimension)
      guard slot.recordsStatistics else { return true }
      let soundMean = sums.addStatistic(UnsafeBufferPointer(start: means, count: dimension), at: meanOffset)
      let soundVariance = sums.addStatistic(UnsafeBufferPointer(start: variances, count: dimension), at: varianceOffset)
      return soundMean && soundVariance
    }
  }

  /// From the gradient of what came out, (m, D), to that of what went in, in place.
  ///
  /// d y = (d x - mean of d x - x * mean of (x . d x)) / deviation, x what came out, means over the micro-batch.
  func backward(_ gradient: UnsafeMutablePointer<Float>, slot: Slot) {
    let count = Double(microBatch)
    let (centred, inverseDeviations) = (slot[centredPlace], slot[inverseDeviationPlace])
    for element in 0..<dimension {
      var (sum, product) = (0.0, 0.0)
      for image in 0..<microBatch {
        let place = image * dimension + element
        sum += Double(gradient[place])
        product += Double(gradient[place]) * Double(centred[place])
      }
      let inverseDeviation = Double(inverseDeviations[element])
      for image in 0..<microBatch {
        let place = image * dimension + element
        let difference = Double(gradient[place]) - sum / count - Double(centred[place]) * product / count
        gradient[place] = Float(difference * inverseDeviation)
      }
    }
  }

  /// Centres rows (m, D) in place by the running statistics.
  func evaluate(_ rows: UnsafeMutablePointer<Float>, running: AlignedBuffer<Float>) {
    let (means, variances) = (running.pointer + meanOffset, running.pointer + varianceOffset)
    for element in 0..<dimension {
      let inverseDeviation = 1 / (Double(variances[element]) + BatchNormalisation.epsilon).squareRoot()
      for image in 0..<microBatch {
        let place = image * dimension + element
        rows[place] = Float((Double(rows[place]) - Double(means[element])) * inverseDeviation)
      }
    }
  }
}
