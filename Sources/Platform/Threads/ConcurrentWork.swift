import Synchronization

/// Calls `body` with each of `0 ..< count`, on up to `workers` threads at a time, and returns when all are done.
///
/// - Throws: the error of the lowest index that failed, so that threads change no message.
public func forEachConcurrently(
  _ count: Int, workers: Int, _ body: @escaping @Sendable (Int) throws -> Void
) throws {
  let failure = Mutex<(index: Int, error: any Error)?>(nil)
  Workers(count: max(1, min(workers, count))).run(items: count) { _, index in
    do {
      try body(index)
    } catch {
      failure.withLock { first in
        if first.map({ index < $0.index }) ?? true { first = (index, error) }
      }
    }
  }
  if let failure = failure.withLock({ $0 }) { throw failure.error }
}
