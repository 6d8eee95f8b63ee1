import Radiographs
import Synchronization

/// This rank's micro-batches of the steps to come, in order, for the prefetcher to ask for.
final class MicroBatchRequests: Sendable {
  private struct Position: Sendable {
    /// The next step to look at, and what is left of the one before.
    var step: Int
    var left: ArraySlice<Prefetcher.Request> = []
    var order: StepOrder
  }

  private let schedule: Schedule
  private let rank: Int
  private let ranks: Int
  private let position: Mutex<Position>

  init(_ schedule: Schedule, firstStep: Int, rank: Int, ranks: Int) {
    self.schedule = schedule
    self.rank = rank
    self.ranks = ranks
    position = Mutex(Position(step: firstStep, order: StepOrder(schedule)))
  }

  /// nil after the last step.
  func next() -> Prefetcher.Request? {
    position.withLock { position in
      while position.left.isEmpty {
        guard position.step < schedule.steps else { return nil }
        let batches = position.order.microBatches(of: position.step)
        let mine = Share.range(of: rank, ranks: ranks, count: batches.count)
        let epoch = schedule.epoch(of: position.step)
        position.left = batches[mine].map { Prefetcher.Request(epoch: epoch, imageIndices: $0) }[...]
        position.step += 1
      }
      return position.left.removeFirst()
    }
  }
}
