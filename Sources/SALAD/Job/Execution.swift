/// How a run goes about its work: none of it changes a bit of the result, and a resume may change all of it.
public struct Execution: Codable, Sendable, Equatable {
  /// Steps between checkpoints; nil: ten minutes. There is one at the end of every round, too.
  public var checkpointEvery: Int?
  /// Whole checkpoints to keep.
  public var keep = 2
  /// Bytes that each rank's cache of resized images may take.
  public var cacheMemory = 2 << 30
  /// Worker threads of each rank; nil: what `HostResources` finds. Not remembered: another host has other cores.
  public var workers: Int?
  /// Seconds without any progress after which the watchdog ends all ranks. Not remembered either.
  public var timeout = 600.0
  /// Since the command's start: training stops with a checkpoint after the step that reaches it. Not remembered either.
  public var stopAfter: TimeSpan?

  public init() {}

  enum CodingKeys: String, CodingKey {
    case keep
    case checkpointEvery = "checkpoint_every"
    case cacheMemory = "cache_memory"
  }

  /// - Throws: `SaladError` 64 naming the flag, its value and what it may be.
  public func validate() throws {
    if let checkpointEvery, checkpointEvery < 1 {
      throw SaladError(.usage, "--checkpoint-every is \(checkpointEvery): give a number of steps of at least 1")
    }
    guard keep >= 1 else {
      throw SaladError(.usage, "--keep is \(keep): give a number of checkpoints of at least 1")
    }
    if let workers, !(1...4096).contains(workers) {
      throw SaladError(.usage, "--workers is \(workers): give a whole number in 1...4096")
    }
    guard timeout.isFinite, timeout >= 1 else {
      throw SaladError(.usage, "--timeout is \(timeout): give a number of seconds of at least 1")
    }
  }
}
