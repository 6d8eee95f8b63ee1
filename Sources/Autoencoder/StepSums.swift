import ExactSum
import Platform
import Synchronization

/// What a step sums over its micro-batches, in fixed point: whoever adds what, and in which order, the bits are the same.
///
/// One buffer: (gradients | batch-norm statistics | reconstruction loss | faults). Every micro-batch adds each element of the
/// gradients once, from the network's last layer to its first. So the gradients fall into buckets, in that order, which
/// are complete one after another: they can be summed over the ranks while the layers before them are still computed.
public final class StepSums: Sendable {
  private let buffer: AlignedBuffer<Int64>
  let parameterCount: Int
  let statisticCount: Int
  private let lossIndex: Int
  private let faultIndex: Int
  /// The loss and the count of faults.
  static let extraCount = 2
  /// Micro-batches of all ranks in this step; the range of every term follows from it.
  private let terms = Atomic<Int>(1)
  /// Steps begun, and the step in which each stretch of the gradients was last cleared. Two workers seldom meet in one.
  private let step = Atomic<Int>(0)
  private let stretches: [Stretch]
  /// Where something was too large, or no number.
  let places = StepFaults()
  /// Of what is not gradients.
  private let rest = Mutex<Void>(())
  /// Small enough to stay in a core's cache between its clearing and its first addition.
  private static let stretch = 1 << 16

  private final class Stretch: Sendable { let clearedIn = Mutex(0) }

  /// Ranges of the gradients, whole stretches each, in the order in which a backward pass completes them.
  public let buckets: [Range<Int>]
  /// Elements of each bucket that are part of a tensor.
  private let bucketElements: [Int]
  /// Elements that each bucket still waits for.
  private let left: Monitor<[Int]>

  /// - Parameters:
  ///   - parameterCount: elements of the flat gradients.
  ///   - tensors: those that a micro-batch adds to; what lies between them stays 0.
  ///   - bucketSize: elements of a bucket, about.
  init(parameterCount: Int, tensors: [Range<Int>], statisticCount: Int, bucketSize: Int = StepSums.bucketSize)
    throws(MemoryError)
  {
    self.parameterCount = parameterCount
    self.statisticCount = statisticCount
    lossIndex = parameterCount + statisticCount
    faultIndex = lossIndex + 1
    buffer = try AlignedBuffer(count: parameterCount + statisticCount + Self.extraCount)
    stretches = (0..<(parameterCount + Self.stretch - 1) / Self.stretch).map { _ in Stretch() }
    let buckets = Self.cut(parameterCount, into: bucketSize)
    self.buckets = buckets
    bucketElements = buckets.map { bucket in tensors.reduce(0) { $0 + $1.clamped(to: bucket).count } }
    left = Monitor([Int](repeating: 0, count: buckets.count))
  }

  /// Everything.
  public var fixed: UnsafeMutableBufferPointer<Int64> { buffer.elements }
  /// The gradients alone, for the reduction.
  public var fixedGradients: UnsafeMutableBufferPointer<Int64> { buffer[0..<parameterCount] }
  /// Everything but the gradients, for the all-reduce SUM.
  public var fixedRest: UnsafeMutableBufferPointer<Int64> { buffer[parameterCount..<faultIndex + 1] }

  /// Micro-batches that saw NaN, infinity or a number too large for its sum. Wrap-around could not be seen afterwards.
  public var faults: Int { Int(buffer.pointer[faultIndex]) }

  /// The mean over the step's images, once all ranks' sums are in.
  public var reconstructionLoss: Double { FixedPoint.loss.decode(buffer.pointer[lossIndex]) }

  // MARK: - Buckets

  /// Elements of the largest bucket of so many gradients.
  static func largestBucket(of count: Int) -> Int { cut(count, into: bucketSize).map(\.count).max() ?? 0 }

  /// 32 MB of fixed-point numbers.
  private static let bucketSize = 1 << 22

  /// 0 ..< count from its end on, in whole stretches. The last bucket, which nothing is left to hide, is the smallest.
  private static func cut(_ count: Int, into bucketSize: Int) -> [Range<Int>] {
    let size = max(bucketSize / stretch * stretch, stretch)
    let first = min(size / 4 / stretch * stretch, count)
    let starts = (first > 0 ? [0] : []) + stride(from: first, to: count, by: size)
    return zip(starts, starts.dropFirst() + [count]).map { $0..<$1 }.reversed()
  }

  /// Returns when all of this rank's micro-batches have added to the bucket. From any thread, during `backward`.
  public func waitUntilComplete(bucket: Int) {
    left.watch { $0[bucket] > 0 ? nil : () }
  }

  /// Nothing of this step is left to be added to the gradients.
  var isComplete: Bool { left.read { $0.allSatisfy { $0 == 0 } } }

  private func count(_ elements: Int, in bucket: Int) {
    // Whoever waits does so for a whole bucket.
    _ = left.update(
      wakingIf: { $0 },
      { left in
        left[bucket] -= elements
        precondition(left[bucket] >= 0, "bucket \(bucket) got more gradients than its tensors have")
        return left[bucket] == 0
      })
  }

  // MARK: - Adding

  /// Begins a step: all sums are 0.
  ///
  /// - Parameters:
  ///   - microBatchesInStep: of all ranks.
  ///   - mine: of this rank.
  func begin(microBatchesInStep: Int, mine: Int) {
    places.clear()
    terms.store(max(microBatchesInStep, 1), ordering: .relaxed)
    step.add(1, ordering: .relaxed)
    fixedRest.update(repeating: 0)
    // Otherwise the first addition to a stretch clears it.
    if mine == 0 { fixedGradients.update(repeating: 0) }
    left.update { $0 = bucketElements.map { $0 * mine } }
  }

  /// Adds one micro-batch's gradient of the parameters from `offset` on. False when it saw a fault.
  func addGradient(_ gradient: UnsafeBufferPointer<Float>, at offset: Int) -> Bool {
    let terms = terms.load(ordering: .relaxed)
    let step = step.load(ordering: .relaxed)
    var sound = true
    var start = 0
    while start < gradient.count {
      let stretch = (offset + start) / Self.stretch
      let end = min(gradient.count, (stretch + 1) * Self.stretch - offset)
      let piece = UnsafeBufferPointer(rebasing: gradient[start..<end])
      let sum = buffer[offset + start..<offset + end]
      let faults = stretches[stretch].clearedIn.withLock { clearedIn in
        if clearedIn != step {
          let whole = stretch * Self.stretch..<min((stretch + 1) * Self.stretch, parameterCount)
          buffer[whole].update(repeating: 0)
          clearedIn = step
        }
        return FixedPoint.gradient.accumulate(piece, into: sum, terms: terms)
      }
      if faults > 0 {
        sound = false
        places.note(.gradient(offset))
      }
      count(piece.count, in: bucket(of: offset + start))
      start = end
    }
    return sound
  }

  /// All buckets but the first of the buffer, the last here, have one size; the last of the buffer may be short.
  private func bucket(of element: Int) -> Int {
    let first = buckets[buckets.count - 1].upperBound
    guard element >= first else { return buckets.count - 1 }
    return buckets.count - 2 - (element - first) / buckets[buckets.count - 2].count
  }

  /// Adds one micro-batch's statistic for the channels from `offset` on. False when it saw a fault.
  func addStatistic(_ values: UnsafeBufferPointer<Double>, at offset: Int) -> Bool {
    let place = parameterCount + offset
    let sum = buffer[place..<place + values.count]
    let faults = rest.withLock { _ in
      FixedPoint.statistic.accumulate(values, into: sum, terms: terms.load(ordering: .relaxed))
    }
    if faults > 0 { places.note(.statistic(offset)) }
    return faults == 0
  }

  /// Adds one micro-batch's part of the mean reconstruction loss. False when it saw a fault.
  func addLoss(_ loss: Double) -> Bool {
    guard let term = FixedPoint.loss.encode(loss, terms: terms.load(ordering: .relaxed)) else {
      places.note(.loss)
      return false
    }
    rest.withLock { _ in buffer.pointer[lossIndex] += term }
    return true
  }

  /// - Parameter microBatch: which of this rank's it is.
  func addFault(of microBatch: Int) {
    places.note(microBatch: microBatch)
    rest.withLock { _ in buffer.pointer[faultIndex] += 1 }
  }

  /// The step's mean of a batch-norm statistic.
  func statistic(_ index: Int) -> Double {
    FixedPoint.statistic.decode(buffer.pointer[parameterCount + index]) / Double(terms.load(ordering: .relaxed))
  }
}
