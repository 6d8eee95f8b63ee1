import Foundation

/// A value behind a lock, with waiting for it to change: what `Mutex` lacks.
///
///     monitor.update { $0.append(item) }
///     let item = monitor.wait { $0.popLast() }      // sleeps while the array is empty
///
/// Waiting is a method and not something to do inside `update`: exclusive access to the value must end before another
/// thread may change it, or the optimiser is free to go on with what it read before.
public final class Monitor<State: Sendable>: @unchecked Sendable {
  // @unchecked: `state` is reached only with the condition's lock held.
  private let condition = NSCondition()
  private var state: State

  public init(_ state: State) {
    self.state = state
  }

  /// Looks at the value, alone.
  public func read<Result>(_ body: (State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return body(state)
  }

  /// Changes the value, alone; whoever waits looks again.
  public func update<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    defer { condition.broadcast() }
    return body(&state)
  }

  /// As `update`, where only some changes matter to whoever waits: waking threads in vain costs them a turn each.
  ///
  /// - Parameters:
  ///   - wakes: says so of the result.
  ///   - body: changes the value.
  public func update<Result>(wakingIf wakes: (Result) -> Bool, _ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    let result = body(&state)
    if wakes(result) { condition.broadcast() }
    return result
  }

  /// Sleeps until `body` gives a result, and changes nothing: nobody else is woken.
  public func watch<Result>(until body: (State) -> Result?) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(state) { return result }
      condition.wait()
    }
  }

  /// Sleeps until `body` gives a result; it may change the value when it does, and whoever waits looks again.
  public func wait<Result>(until body: (inout State) -> Result?) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&state) {
        condition.broadcast()
        return result
      }
      condition.wait()
    }
  }
}
