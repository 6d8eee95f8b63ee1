import Foundation
import Synchronization

/// Lets so many through at a time, in the order in which they came.
public final class Lanes: Sendable {
  private struct State {
    var free: Int
    var waiting: ArraySlice<CheckedContinuation<Void, Never>> = []
  }

  private let state: Mutex<State>

  /// As many as keep this machine's cores busy: programs under `mpirun` spend more than half of their time on starting and
  /// on waiting for each other. SALAD_TEST_LANES=1 gives each program the machine for itself.
  public static let count =
    ProcessInfo.processInfo.environment["SALAD_TEST_LANES"].flatMap(Int.init).map { max(1, $0) }
    ?? 2 * ProcessInfo.processInfo.activeProcessorCount

  /// - Parameter count: how many are let through, 1 or more.
  public init(_ count: Int = Lanes.count) { state = Mutex(State(free: count)) }

  /// Does something in a lane, once one is free.
  public func run<R: Sendable>(_ body: @Sendable () async throws -> R) async rethrows -> R {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.free == 0 else {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
    defer { leave() }
    return try await body()
  }

  private func leave() {
    let next = state.withLock { state in
      let next = state.waiting.popFirst()
      if next == nil { state.free += 1 }
      return next
    }
    next?.resume()
  }
}
