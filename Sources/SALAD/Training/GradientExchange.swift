import Autoencoder
import Dispatch
import ExactSum
import Foundation
import MPI
import Synchronization

/// Sums the gradients of all ranks, bucket by bucket, while the workers still compute those of earlier layers.
///
///     exchange.begin(replica)        // all ranks; from here on MPI belongs to the exchange's thread
///     try replica.backward(...)      // mine
///     try exchange.finish()          // all ranks; and here it is ours again
///
/// A thread of its own, since Open MPI moves data only while somebody calls it, and a layer takes longer than a socket's
/// buffer lasts. It sleeps between two looks, so that it costs a rank with one core little more than the copying and
/// adding. All ranks send their buckets in one order, the order in which a backward pass completes them; a rank
/// without micro-batches sends zeros.
final class GradientExchange: @unchecked Sendable {
  private let reduction: GradientReduction
  private let watchdog: Watchdog
  private let done = DispatchSemaphore(value: 0)
  private let failure = Mutex<MPIError?>(nil)

  init(_ reduction: Reduction, replica: Replica, communicator: Communicator, watchdog: Watchdog) {
    self.reduction = GradientReduction(
      reduction, largest: replica.sums.buckets.map(\.count).max() ?? 0, communicator: communicator)
    self.watchdog = watchdog
  }

  /// All ranks. Starts to sum what `forward` and `backward` of this step leave in the replica's sums.
  func begin(_ replica: Replica) {
    let sums = replica.sums
    // Nobody else touches a bucket once it is complete, nor the gradients before `finish`.
    nonisolated(unsafe) let (fixed, gradients) = (sums.fixedGradients, replica.reducedGradients())
    Thread.detachNewThread { [self] in
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
        failure.withLock { $0 = error as? MPIError }
      }
      done.signal()
    }
  }

  /// All ranks. Returns when `replica.reducedGradients()` holds the sums of all ranks.
  func finish() throws {
    done.wait()
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}
