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
  /// Whether curves are written for TensorBoard. Not remembered either.
  public var tensorboard = true

  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case keep
    case checkpointEvery = "checkpoint_every"
    case cacheMemory = "cache_memory"
  }

  /// Every number's range. Where a number of nothing - steps, checkpoints, seconds - may be as large as can be, that is
  /// how to say never, all or for ever.
  public static let ranges: [NumberRange<Execution>] = [
    .whole("--checkpoint-every", \.checkpointEvery, 1 ... .max, of: "steps"),
    .whole("--keep", \.keep, 1 ... .max, of: "checkpoints"),
    .whole("--workers", \.workers, 1...4096),
    .number("--timeout", \.timeout, in: 1 ... .infinity, "of seconds of at least 1, or inf for no limit"),
    .any("--cache-memory", Ranges.bytes),
    .any("--activation-memory", Ranges.bytes),
    .any("--stop-after", TimeSpan.wanted),
  ]

  /// - Throws: `SaladError` 64 naming the flag, its value and what it may be.
  public func validate() throws {
    for range in Self.ranges { try range.validate(self) }
  }
}
