import MPI

/// The folder of one run: its configuration, metrics, checkpoints, and the lock that keeps a second job out.
///
///     RUN/config.json   RUN/metrics.jsonl   RUN/checkpoints/0000000042/   RUN/latest
///
/// Nothing inside names an absolute path, so a copied RUN works.
public final class RunDirectory: Sendable {
  /// As the user gave it.
  public let path: String

  init(path: String) { self.path = path }

  // MARK: Opening

  /// All ranks. A locked folder without a run, made where it is missing; seen and writable by every rank.
  ///
  /// - Throws: `SaladError` 64 when the folder already has a run, another job holds it, or a rank sees another folder.
  public static func create(_ path: String, communicator: Communicator) throws -> RunDirectory { fatalError("stub") }

  /// All ranks. The locked folder of an existing run, leftovers of a killed job cleared away: for `--resume`.
  ///
  /// - Throws: `SaladError` 64 when there is no run, another job holds it, or a rank sees another folder.
  public static func resume(_ path: String, communicator: Communicator) throws -> RunDirectory { fatalError("stub") }

  /// Local. An existing run to read from, without the lock: for scoring and merging.
  ///
  /// - Throws: `SaladError` 65 when there is no run.
  public static func open(_ path: String) throws -> RunDirectory { fatalError("stub") }

  /// Local. Whether `path` is a folder that has a run.
  public static func hasRun(_ path: String) -> Bool { fatalError("stub") }

  // MARK: Configuration

  /// All ranks. Rank 0 writes `config.json`, pretty and with sorted keys, whole or not at all.
  public func writeConfiguration<T: Encodable>(_ configuration: T, communicator: Communicator) throws {
    fatalError("stub")
  }

  /// All ranks. Rank 0 reads `config.json`; all decode its bytes.
  ///
  /// - Throws: `SaladError` 65 naming the file and the key that is missing or wrong.
  public func readConfiguration<T: Decodable>(_ type: T.Type, communicator: Communicator) throws -> T {
    fatalError("stub")
  }

  // MARK: Metrics

  /// Rank 0 only. Appends one line to `metrics.jsonl`; `record` must encode as an object with an integer `step`.
  public func appendMetrics<T: Encodable>(_ record: T) throws { fatalError("stub") }

  /// Rank 0 only. Drops every line after `step`, and a last line that a kill left torn; nil drops all.
  public func cutBackMetrics(toStep step: Int?) throws { fatalError("stub") }

  // MARK: Checkpoints

  /// `checkpoints/0000000042` of step 42, relative to RUN.
  public static func checkpointFolder(step: Int) -> String { fatalError("stub") }

  /// Local. The step that `latest` names; nil before the first checkpoint.
  public func latestStep() throws -> Int? { fatalError("stub") }

  /// Local. Steps of all whole checkpoints, ascending.
  public func checkpointSteps() throws -> [Int] { fatalError("stub") }
}
