import ExactSum
import Synchronization

/// What a step sums over its micro-batches, in fixed point: whoever adds what, and in which order, the bits are the same.
///
/// One buffer, so that one all-reduce makes it the whole step's on every rank:
/// (gradients | batch-norm statistics | reconstruction loss | faults).
public final class StepSums: Sendable {
  private let buffer: AlignedBuffer<Int64>
  let parameterCount: Int
  let statisticCount: Int
  private let lossIndex: Int
  private let faultIndex: Int
  /// Micro-batches of all ranks in this step; the range of every term follows from it.
  private let terms = Atomic<Int>(1)
  /// Two workers seldom meet in one stretch of the gradients.
  private let locks: [Lock]
  private static let stretch = 1 << 18
  /// The loss and the count of faults.
  static let extraCount = 2

  private final class Lock: Sendable { let mutex = Mutex<Void>(()) }

  init(parameterCount: Int, statisticCount: Int) {
    self.parameterCount = parameterCount
    self.statisticCount = statisticCount
    lossIndex = parameterCount + statisticCount
    faultIndex = lossIndex + 1
    buffer = AlignedBuffer(count: parameterCount + statisticCount + Self.extraCount)
    locks = (0...(parameterCount + statisticCount) / Self.stretch).map { _ in Lock() }
  }

  /// Everything, for the all-reduce SUM.
  public var fixed: UnsafeMutableBufferPointer<Int64> { buffer.elements }
  /// The gradients alone.
  public var fixedGradients: UnsafeMutableBufferPointer<Int64> { buffer[0..<parameterCount] }
  /// Everything but the gradients.
  public var fixedRest: UnsafeMutableBufferPointer<Int64> { buffer[parameterCount..<faultIndex + 1] }

  /// Micro-batches that saw NaN, infinity or a number too large for its sum. Wrap-around could not be seen afterwards.
  public var faults: Int { Int(buffer.pointer[faultIndex]) }

  /// The mean over the step's images, once all ranks' sums are in.
  public var reconstructionLoss: Double { FixedPoint.loss.decode(buffer.pointer[lossIndex]) }

  func clear(microBatchesInStep: Int) {
    terms.store(max(microBatchesInStep, 1), ordering: .relaxed)
    buffer.elements.update(repeating: 0)
  }

  /// Adds one micro-batch's gradient of the parameters from `offset` on. False when it saw a fault.
  func addGradient(_ gradient: UnsafeBufferPointer<Float>, at offset: Int) -> Bool {
    var sound = true
    var start = 0
    while start < gradient.count {
      let stretch = (offset + start) / Self.stretch
      let end = min(gradient.count, (stretch + 1) * Self.stretch - offset)
      let piece = UnsafeBufferPointer(rebasing: gradient[start..<end])
      let sum = buffer[offset + start..<offset + end]
      let faults = locks[stretch].mutex.withLock { _ in
        FixedPoint.gradient.accumulate(piece, into: sum, terms: terms.load(ordering: .relaxed))
      }
      if faults > 0 { sound = false }
      start = end
    }
    return sound
  }

  /// Adds one micro-batch's statistic for the channels from `offset` on. False when it saw a fault.
  func addStatistic(_ values: UnsafeBufferPointer<Double>, at offset: Int) -> Bool {
    let place = parameterCount + offset
    let sum = buffer[place..<place + values.count]
    return locks[place / Self.stretch].mutex.withLock { _ in
      FixedPoint.statistic.accumulate(values, into: sum, terms: terms.load(ordering: .relaxed)) == 0
    }
  }

  /// Adds one micro-batch's part of the mean reconstruction loss. False when it saw a fault.
  func addLoss(_ loss: Double) -> Bool {
    guard let term = FixedPoint.loss.encode(loss, terms: terms.load(ordering: .relaxed)) else { return false }
    locks[0].mutex.withLock { _ in buffer.pointer[lossIndex] += term }
    return true
  }

  func addFault() {
    locks[0].mutex.withLock { _ in buffer.pointer[faultIndex] += 1 }
  }

  /// The step's mean of a batch-norm statistic.
  func statistic(_ index: Int) -> Double {
    FixedPoint.statistic.decode(buffer.pointer[parameterCount + index]) / Double(terms.load(ordering: .relaxed))
  }
}
