import Platform

// N = images, B = batch size, m = micro-batch

/// Which image stands where in an epoch: a permutation of (seed, global epoch) alone.
///
/// Every epoch shuffles all N images and uses the first floor(N / m) * m of them. A batch has B / m micro-batches; the
/// last one of an epoch may have fewer, never a partial one:
///
///     let order = DataOrder(imageCount: 21, batchSize: 8, microBatch: 4, seed: 1)
///     order.stepsPerEpoch                    // 3: five micro-batches, two a step
///     order.imageCount(ofStep: 2)            // 4
public struct DataOrder: Sendable {
  public let imageCount: Int
  public let batchSize: Int
  public let microBatch: Int
  public let seed: UInt64

  /// - Parameters:
  ///   - batchSize: B, a multiple of `microBatch`.
  ///   - microBatch: m, at least 1.
  public init(imageCount: Int, batchSize: Int, microBatch: Int, seed: UInt64) {
    precondition(imageCount >= 0, "a data order of \(imageCount) images was asked for")
    precondition(
      microBatch >= 1 && batchSize >= microBatch && batchSize % microBatch == 0,
      "the micro-batch of \(microBatch) does not divide the batch of \(batchSize)")
    self.imageCount = imageCount
    self.batchSize = batchSize
    self.microBatch = microBatch
    self.seed = seed
  }

  /// ceil(floor(N / m) / (B / m)); 0 when there are fewer images than one micro-batch takes.
  public var stepsPerEpoch: Int {
    let microBatchesPerStep = batchSize / microBatch
    return (imageCount / microBatch + microBatchesPerStep - 1) / microBatchesPerStep
  }

  /// How many images step `step` of any epoch uses: B, or fewer in a short last batch.
  public func imageCount(ofStep step: Int) -> Int {
    positions(ofStep: step).count
  }

  /// All N image indices in the epoch's order: Fisher and Yates's shuffle, its draws counted. O(N), about 20 ns an image.
  ///
  /// - Parameter epoch: the global epoch, counted from 0 through all rounds.
  public func epoch(_ epoch: Int) -> [Int] {
    let random = CounterRandom(seed: seed, name: "data order", UInt64(epoch))
    var images = Array(0..<imageCount)
    for last in stride(from: imageCount - 1, to: 0, by: -1) {
      images.swapAt(last, random.index(UInt64(last), below: last + 1))
    }
    return images
  }

  /// The micro-batches of step `step` (0-based in its epoch): m image indices each, in order.
  ///
  /// Shuffles the whole epoch; who asks for many steps keeps `epoch(_:)` and asks with it.
  public func step(_ step: Int, epoch: Int) -> [[Int]] {
    self.step(step, in: self.epoch(epoch))
  }

  /// The micro-batches of step `step` in the order that `epoch(_:)` gave.
  public func step(_ step: Int, in epochOrder: [Int]) -> [[Int]] {
    precondition(
      epochOrder.count == imageCount, "an order of \(epochOrder.count) images was given for \(imageCount)")
    let positions = positions(ofStep: step)
    return stride(from: positions.lowerBound, to: positions.upperBound, by: microBatch).map {
      Array(epochOrder[$0..<$0 + microBatch])
    }
  }

  /// The places of an epoch's order that a step uses.
  private func positions(ofStep step: Int) -> Range<Int> {
    precondition((0..<stepsPerEpoch).contains(step), "step \(step) of an epoch of \(stepsPerEpoch) steps")
    let used = imageCount / microBatch * microBatch
    return step * batchSize..<min((step + 1) * batchSize, used)
  }
}
