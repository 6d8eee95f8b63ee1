import Autoencoder
import ExactSum
import MPI
import Platform
import Synchronization

/// Sums the gradients of all ranks, bucket by bucket, while the workers still compute those of earlier layers.
///
///     exchange.begin()                              // all ranks; from here on MPI belongs to the exchange's thread
///     try replica.reconstructAndBackward(...)       // mine
///     let gradients = try exchange.finish()         // all ranks; and here it is ours again
///
/// A thread of its own, since Open MPI moves data only while somebody calls it, and a layer takes longer than a socket's
/// buffer lasts. It sleeps between two looks, so that it costs a rank with one core little more than the copying and
/// adding. All ranks send their buckets in one order, the order in which a backward pass completes them; a rank
/// without micro-batches sends zeros.
final class GradientExchange: @unchecked Sendable {
  private let reduction: GradientReduction
  private let sums: StepSums
  /// The step's gradients, summed over all ranks.
  private let gradients: UnsafeMutableBufferPointer<Float>
  private let watchdog: Watchdog
  /// Of the step that has begun; nil where the system allows no thread more.
  private var thread: WorkerThread?
  private let failure = Mutex<MPIError?>(nil)

  init(_ reduction: Reduction, replica: Replica, communicator: Communicator, watchdog: Watchdog) {
    self.reduction = GradientReduction(
      reduction, largest: replica.sums.buckets.map(\.count).max() ?? 0, communicator: communicator)
    sums = replica.sums
    let count = replica.sums.fixedGradients.count
    // Cache lines: the sums and Adam go over it by whole vectors.
    gradients = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * MemoryLayout<Float>.stride, alignment: 64
    ).bindMemory(to: Float.self)
    self.watchdog = watchdog
  }

  deinit { gradients.deallocate() }

  /// All ranks. Starts to sum what `reconstructAndBackward` of this step leaves in the replica's sums.
  func begin() {
    thread = try? WorkerThread("exchange") { [self] in sum() }  // all ranks
  }

  /// All ranks. The gradients, summed over all ranks: valid until the next `begin`.
  func finish() throws -> UnsafeBufferPointer<Float> {
    // Without a thread, all buckets are complete by now; the other ranks wait that long.
    if let thread { thread.join() } else { sum() }  // all ranks
    if let failure = failure.withLock({ $0 }) { throw failure }
    return UnsafeBufferPointer(gradients)
  }

  /// All ranks.
  private func sum() {
    // Nobody else touches a bucket once it is complete, nor the gradients before `finish`.
    let fixed = sums.fixedGradients
    var phases = GradientReduction.Phases()
    do {
      for (index, bucket) in sums.buckets.enumerated() {
        sums.waitUntilComplete(bucket: index)
        try reduction.run(  // all ranks
          UnsafeBufferPointer(rebasing: fixed[bucket]), into: UnsafeMutableBufferPointer(rebasing: gradients[bucket]),
          phases: &phases)
        watchdog.progress()
      }
    } catch {
      failure.withLock { $0 = error }
    }
  }
}
