import Dispatch
import Synchronization

/// Calls `body` with each of `0 ..< count`, on up to `workers` threads at a time, and returns when all are done.
///
/// - Throws: the error of the lowest index that failed, so that threads change no message.
public func forEachConcurrently(
  _ count: Int, workers: Int, _ body: @escaping @Sendable (Int) throws -> Void
) throws {
  let next = Atomic(0)
  let failure = Mutex<(index: Int, error: any Error)?>(nil)
  DispatchQueue.concurrentPerform(iterations: min(workers, count)) { _ in
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      do {
        try body(index)
      } catch {
        failure.withLock { first in
          if first.map({ index < $0.index }) ?? true { first = (index, error) }
        }
      }
    }
  }
  if let failure = failure.withLock({ $0 }) { throw failure.error }
}
