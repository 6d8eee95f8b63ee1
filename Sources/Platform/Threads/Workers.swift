import Synchronization

/// A rank's worker threads. Each computes one micro-batch, or one block of the memory bank's rows, at a time, alone.
///
/// Who takes which item is left to chance; nothing that is computed may depend on it.
public final class Workers: Sendable {
  public let count: Int
  private let shared: Shared
  /// Threads beside the caller's.
  private let helpers: Int

  /// - Parameter count: 1 or more. The caller of `run` is the first of them: one worker needs no thread. Where the system
  ///   allows fewer threads, those do the work.
  public init(count: Int) {
    precondition(count >= 1, "\(count) workers")
    self.count = count
    let shared = Shared()
    self.shared = shared
    // The caller is worker 0.
    var worker = 1
    while worker < count {
      let number = worker
      guard (try? WorkerThread("salad worker \(number)", { shared.serve(as: number) })) != nil else { break }
      worker += 1
    }
    helpers = worker - 1
  }

  deinit { shared.stop() }

  /// Calls `body(worker, item)` once for every item in 0..<items and returns when all are done.
  public func run(items: Int, _ body: @escaping (_ worker: Int, _ item: Int) -> Void) {
    if helpers == 0 || items <= 1 {
      for item in 0..<items { body(0, item) }
      return
    }
    shared.run(items: items, helpers: helpers, body)
  }

  /// Calls `body(worker, range)` for pieces of 0..<count of at most `piece` elements.
  public func run(elements: Int, piece: Int, _ body: @escaping (_ worker: Int, _ range: Range<Int>) -> Void) {
    run(items: (elements + piece - 1) / piece) { worker, item in
      body(worker, item * piece..<min((item + 1) * piece, elements))
    }
  }
}

extension Workers {
  /// One job at a time, offered to all helpers.
  private final class Shared: Sendable {
    private struct State: @unchecked Sendable {
      // @unchecked: the caller of `run` waits until nobody calls its closure any more.
      var job: ((Int, Int) -> Void)?
      var items = 0
      var generation = 0
      var helpersAtWork = 0
      var isStopped = false
    }
    private let state = Monitor(State())
    /// The job's next item.
    private let next = Atomic(0)

    func run(items: Int, helpers: Int, _ body: @escaping (Int, Int) -> Void) {
      // No helper is at work: the last job's have all said so.
      next.store(0, ordering: .relaxed)
      state.update { state in
        state.job = body
        state.items = items
        state.helpersAtWork = helpers
        state.generation += 1
      }
      takeItems(as: 0, of: items, body)
      state.watch { $0.helpersAtWork == 0 ? () : nil }
      state.update(wakingIf: { false }, { $0.job = nil })
    }

    func serve(as worker: Int) {
      var seen = 0
      while true {
        let state = state.watch { $0.isStopped || $0.generation != seen ? $0 : nil }
        guard !state.isStopped, let job = state.job else { return }
        seen = state.generation
        takeItems(as: worker, of: state.items, job)
        _ = self.state.update(
          wakingIf: { $0 },
          { state in
            state.helpersAtWork -= 1
            return state.helpersAtWork == 0
          })
      }
    }

    func stop() { state.update { $0.isStopped = true } }

    private func takeItems(as worker: Int, of items: Int, _ body: (Int, Int) -> Void) {
      while true {
        let item = next.add(1, ordering: .relaxed).oldValue
        guard item < items else { return }
        body(worker, item)
      }
    }
  }
}
