import Foundation
import Synchronization

/// A rank's worker threads. Each computes one micro-batch, or one block of the memory bank's rows, at a time, alone.
///
/// Who takes which item is left to chance; nothing that is computed may depend on it.
public final class Workers: Sendable {
  public let count: Int
  private let shared: Shared

  /// - Parameter count: 1 or more. The caller of `run` is the first of them: one worker needs no thread.
  public init(count: Int) {
    precondition(count >= 1, "\(count) workers")
    self.count = count
    shared = Shared()
    // The caller is worker 0.
    for worker in 1..<max(count, 1) {
      let thread = Thread { [shared] in shared.serve(as: worker) }
      thread.name = "salad worker \(worker)"
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// Calls `body(worker, item)` once for every item in 0..<items and returns when all are done.
  public func run(items: Int, _ body: @escaping (_ worker: Int, _ item: Int) -> Void) {
    if count == 1 || items <= 1 {
      for item in 0..<items { body(0, item) }
      return
    }
    shared.run(items: items, helpers: count - 1, body)
  }

  /// Calls `body(worker, range)` for pieces of 0..<count of at most `piece` elements.
  public func run(elements: Int, piece: Int, _ body: @escaping (_ worker: Int, _ range: Range<Int>) -> Void) {
    run(items: (elements + piece - 1) / piece) { worker, item in
      body(worker, item * piece..<min((item + 1) * piece, elements))
    }
  }
}

extension Workers {
  /// One job at a time, offered to all helpers; guarded by `condition`.
  private final class Shared: @unchecked Sendable {
    private let condition = NSCondition()
    private var job: ((Int, Int) -> Void)?
    private var generation = 0
    private var items = 0
    private var next = 0
    private var helpersAtWork = 0
    private var stopped = false

    func run(items: Int, helpers: Int, _ body: @escaping (Int, Int) -> Void) {
      condition.lock()
      job = body
      self.items = items
      next = 0
      helpersAtWork = helpers
      generation += 1
      condition.broadcast()
      condition.unlock()
      takeItems(as: 0, body)
      condition.lock()
      while helpersAtWork > 0 { condition.wait() }
      job = nil
      condition.unlock()
    }

    func serve(as worker: Int) {
      var seen = 0
      while true {
        condition.lock()
        while generation == seen && !stopped { condition.wait() }
        if stopped {
          condition.unlock()
          return
        }
        seen = generation
        let body = job
        condition.unlock()
        if let body { takeItems(as: worker, body) }
        condition.lock()
        helpersAtWork -= 1
        if helpersAtWork == 0 { condition.broadcast() }
        condition.unlock()
      }
    }

    func stop() {
      condition.lock()
      stopped = true
      condition.broadcast()
      condition.unlock()
    }

    private func takeItems(as worker: Int, _ body: (Int, Int) -> Void) {
      while true {
        condition.lock()
        let item = next
        next += 1
        let left = item < items
        condition.unlock()
        guard left else { return }
        body(worker, item)
      }
    }
  }
}
