import MPI
import Platform

/// The folder of one run: its configuration, metrics, checkpoints, and the lock that keeps a second job out.
///
///     RUN/config.json   RUN/metrics.jsonl   RUN/checkpoints/0000000042/   RUN/latest   RUN/tensorboard/
///
/// What is unfinished, or of this job only, begins with a dot. Nothing inside names an absolute path, so a copied RUN
/// works.
public final class RunDirectory: Sendable {
  /// As the user gave it.
  public let path: String
  /// Rank 0's, of a job that writes.
  private let lock: RunLock?

  init(path: String, lock: consuming RunLock? = nil) {
    self.path = path
    self.lock = lock
  }

  private static let secondsToWaitForLock = 10.0

  var configurationPath: String { "\(path)/config.json" }
  var metricsPath: String { "\(path)/metrics.jsonl" }
  var latestPath: String { "\(path)/latest" }
  var checkpointsPath: String { "\(path)/checkpoints" }

  // MARK: Opening

  /// All ranks. A locked folder without a run, made where it is missing; seen and writable by every rank.
  ///
  /// - Throws: `SaladError` 64 when the folder already has a run, another job holds it, or a rank sees another folder.
  public static func create(_ path: String, communicator: Communicator) throws -> RunDirectory {
    let directory = try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return RunDirectory(path: path) }
      try refuseExistingRun(path)
      try FileSystem.makeFolder(path)
      let directory = try locked(path)
      // Another job may have begun one while this one waited for the lock.
      try refuseExistingRun(path)
      try FileSystem.makeFolder(directory.checkpointsPath)
      try directory.clearLeftovers()
      return directory
    }
    try directory.checkShared(communicator)  // all ranks
    return directory
  }

  /// All ranks. The locked folder of an existing run, leftovers of a killed job cleared away: for `--resume`.
  ///
  /// - Throws: `SaladError` 64 when there is no run, another job holds it, or a rank sees another folder.
  public static func resume(_ path: String, communicator: Communicator) throws -> RunDirectory {
    let directory = try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return RunDirectory(path: path) }
      guard FileSystem.exists(RunDirectory(path: path).configurationPath) else {
        try refuseLostSettings(path)
        throw SaladError(
          .usage, "\(path): expected a run to resume (config.json), found none: begin one without --resume")
      }
      let directory = try locked(path)
      try FileSystem.makeFolder(directory.checkpointsPath)
      try directory.clearLeftovers()
      return directory
    }
    try directory.checkShared(communicator)  // all ranks
    return directory
  }

  /// Local. An existing run to read from, without the lock: for scoring and merging.
  ///
  /// - Throws: `SaladError` 65 when there is no run.
  public static func open(_ path: String) throws -> RunDirectory {
    guard hasRun(path) else {
      throw SaladError(.badData, "\(path): expected a run (config.json, checkpoints), found none")
    }
    return RunDirectory(path: path)
  }

  /// Local. Whether `path` is a folder that has a run.
  public static func hasRun(_ path: String) -> Bool {
    let directory = RunDirectory(path: path)
    let checkpoints = (try? directory.checkpointSteps()) ?? []
    return FileSystem.exists(directory.configurationPath) || FileSystem.exists(directory.latestPath)
      || !checkpoints.isEmpty
  }

  /// Throws where there is a run that does not know any more what it is.
  private static func refuseLostSettings(_ path: String) throws {
    guard hasRun(path) else { return }
    throw SaladError(
      .badData,
      "\(RunDirectory(path: path).configurationPath): expected the settings of the run, found none beside its checkpoints: "
        + "put the file back to go on; score and merge do without")
  }

  private static func refuseExistingRun(_ path: String) throws {
    if FileSystem.exists(path), !FileSystem.isFolder(path) {
      throw SaladError(.usage, "\(path): expected a folder for the run, found a file: choose another")
    }
    if hasRun(path) {
      throw SaladError(
        .usage, "\(path): expected a folder without a run, found one: go on with it by --resume, or choose another")
    }
  }

  private static func locked(_ path: String) throws -> RunDirectory {
    RunDirectory(path: path, lock: try RunLock(path: "\(path)/.lock", waiting: secondsToWaitForLock))
  }

  /// All ranks. Throws unless every rank sees the folder that rank 0 sees, and may write into it.
  private func checkShared(_ communicator: Communicator) throws {
    let random = SystemRandomNumberGenerator.number()
    let token = try communicator.broadcast(bytes: Array(".token-\(random)".utf8), root: 0)  // all ranks
    let rootPath = "\(path)/\(String(decoding: token, as: UTF8.self))"
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try FileSystem.write(token, to: rootPath) }
    }
    defer { if communicator.isRoot { try? FileSystem.remove(rootPath) } }
    try agree(communicator) {  // all ranks
      guard FileSystem.exists(rootPath) else {
        throw SaladError(
          .usage, "\(path): expected one folder that all ranks see, found another folder on \(Host.name)")
      }
      let mine = "\(rootPath)-\(communicator.rank)"
      try FileSystem.write(token, to: mine)
      try FileSystem.remove(mine)
    }
  }

  /// By the lock's owner. Removes what a killed job left unfinished, and points `latest` at the newest whole checkpoint.
  func clearLeftovers() throws {
    for name in try FileSystem.names(in: path) where name.hasPrefix(".token-") || name == ".latest-writing" {
      try FileSystem.remove("\(path)/\(name)")
    }
    for name in try FileSystem.names(in: checkpointsPath) {
      guard let (step, state) = Self.parseUnfinished(name) else { continue }
      let whole = "\(path)/\(Self.checkpointFolder(step: step))"
      if state == .replaced, !FileSystem.exists(whole) {
        // Killed between moving the old one away and the new one in its place.
        try FileSystem.move("\(checkpointsPath)/\(name)", to: whole)
      } else {
        try FileSystem.remove("\(checkpointsPath)/\(name)")
      }
    }
    // Killed between the checkpoint's rename and that of `latest`.
    if let newest = try checkpointSteps().last, try newest > (latestStep() ?? -1) { try pointLatest(at: newest) }
  }

  // MARK: Configuration

  /// All ranks. Rank 0 writes `config.json`, pretty and with sorted keys, whole or not at all.
  public func writeConfiguration<T: Encodable>(_ configuration: T, communicator: Communicator) throws {
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try FileSystem.writeAtomically(try JSONText.pages(configuration), to: configurationPath)
    }
  }

  /// All ranks. Rank 0 reads `config.json`; all decode its bytes.
  ///
  /// - Throws: `SaladError` 65 naming the file and the key that is missing or wrong.
  public func readConfiguration<T: Decodable>(_ type: T.Type, communicator: Communicator) throws -> T {
    let read = try agree(communicator) {  // all ranks
      communicator.isRoot ? try FileSystem.read(configurationPath) : []
    }
    let bytes = try communicator.broadcast(bytes: read, root: 0)  // all ranks
    return try JSONText.decode(type, from: bytes, path: configurationPath)
  }

  /// All ranks. What `config.json` says, the same on all.
  ///
  /// - Throws: `SaladError` 65 naming the file and the key that is missing or wrong.
  func record(_ communicator: Communicator) throws -> RunRecord {
    let record = try readConfiguration(RunRecord.self, communicator: communicator)  // all ranks
    try record.check(path: configurationPath)
    return record
  }

  /// Local. Throws unless the checkpoint in `folder` is of this step and, where there is a `config.json`, of this run.
  func refuseForeign(_ manifest: Manifest, in folder: String, step: Int) throws {
    let path = "\(folder)/\(Manifest.fileName)"
    guard manifest.step == step else {
      throw SaladError(
        .badData, "\(path): expected a checkpoint of step \(step), found one of step \(manifest.step)")
    }
    // Whoever resumes says what is wrong with it; scores do not need it.
    guard let bytes = try? FileSystem.read(configurationPath),
      let record = try? RunRecord.read(bytes, path: configurationPath)
    else { return }
    try record.refuseForeign(manifest, path: path)
  }

  // MARK: Metrics

  /// Rank 0 only. Appends one line to `metrics.jsonl`; `record` must encode as an object with an integer `step`.
  public func appendMetrics<T: Encodable>(_ record: T) throws {
    try FileSystem.append(try JSONText.line(record), to: metricsPath)
  }

  /// Rank 0 only. Drops every line after `step`, and a last line that a kill left torn; nil drops all.
  public func cutBackMetrics(toStep step: Int?) throws {
    struct Line: Decodable {
      var step: Int
    }
    guard FileSystem.exists(metricsPath) else { return }
    let bytes = try FileSystem.read(metricsPath)
    var kept = 0
    while let step, let end = bytes[kept...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let line = try? JSONText.decode(Line.self, from: Array(bytes[kept..<end]), path: metricsPath),
        line.step <= step
      else { break }
      kept = end + 1
    }
    if kept < bytes.count { try FileSystem.truncate(metricsPath, to: kept) }
  }

  // MARK: Checkpoints

  /// `checkpoints/0000000042` of step 42, relative to RUN.
  public static func checkpointFolder(step: Int) -> String { "checkpoints/\(padded(step, to: 10))" }

  /// Local. The step that `latest` names; nil before the first checkpoint.
  ///
  /// - Throws: `SaladError` 65 when `latest` holds something else.
  public func latestStep() throws -> Int? {
    guard FileSystem.exists(latestPath) else { return nil }
    var text = String(decoding: try FileSystem.read(latestPath), as: UTF8.self)
    if text.hasSuffix("\n") { text.removeLast() }
    guard let step = Self.parseStep(text) else {
      throw SaladError(
        .badData,
        "\(latestPath): expected a step of 10 digits, found \(String(text.prefix(40)).debugDescription): remove the file, and "
          + "train --resume writes it anew for the newest whole checkpoint")
    }
    return step
  }

  /// Local. Steps of all whole checkpoints, ascending.
  public func checkpointSteps() throws -> [Int] {
    guard FileSystem.isFolder(checkpointsPath) else { return [] }
    return try FileSystem.names(in: checkpointsPath).compactMap(Self.parseStep).sorted()
  }

  /// A checkpoint's folder that is not whole, or no longer wanted.
  enum Unfinished: String {
    case writing, replaced, removing
  }

  func unfinishedFolder(step: Int, _ state: Unfinished) -> String {
    "\(checkpointsPath)/.\(padded(step, to: 10))-\(state.rawValue)"
  }

  /// Rank 0 only. Makes the finished folder of `writing` the checkpoint of its step, and the one that `latest` names.
  func publish(step: Int) throws {
    let finished = unfinishedFolder(step: step, .writing)
    let replaced = unfinishedFolder(step: step, .replaced)
    let whole = "\(path)/\(Self.checkpointFolder(step: step))"
    let newLatest = "\(path)/.latest-writing"
    // What could still need room is written before anything is moved.
    do {
      try FileSystem.write(Self.latestText(step), to: newLatest)
      try FileSystem.synchronise(folder: finished)
      if FileSystem.exists(whole) { try FileSystem.move(whole, to: replaced) }
      try FileSystem.move(finished, to: whole)
    } catch {
      if !FileSystem.exists(whole), FileSystem.exists(replaced) { try? FileSystem.move(replaced, to: whole) }
      try? FileSystem.remove(newLatest)
      throw error
    }
    try FileSystem.synchronise(folder: checkpointsPath)
    try FileSystem.move(newLatest, to: latestPath)
    try FileSystem.synchronise(folder: path)
    removeIfPossible(replaced)
  }

  /// Rank 0 only. Removes the oldest whole checkpoints but `keep`, never the newest, nor one that is being read.
  func prune(keep: Int) throws {
    precondition(keep > 0, "\(keep) checkpoints to keep, expected 1 or more")
    for step in try checkpointSteps().dropLast(keep) {
      let folder = "\(path)/\(Self.checkpointFolder(step: step))"
      // One that somebody reads stays until the next time.
      _ = try CheckpointHold.withoutReaders(of: folder) {
        // A folder that is half removed must not look whole.
        let removing = unfinishedFolder(step: step, .removing)
        try FileSystem.move(folder, to: removing)
        removeIfPossible(removing)
      }
    }
  }

  /// What nobody wants any more ends no training. Of a file that somebody still has open, NFS and FUSE leave an entry, and
  /// the folder with it: the next start clears it away.
  private func removeIfPossible(_ folder: String) { try? FileSystem.remove(folder) }

  private func pointLatest(at step: Int) throws {
    try FileSystem.writeAtomically(Self.latestText(step), to: latestPath)
  }

  private static func latestText(_ step: Int) -> [UInt8] { Array("\(padded(step, to: 10))\n".utf8) }

  private static func parseStep(_ name: String) -> Int? {
    name.utf8.count == 10 && name.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(name) : nil
  }

  private static func parseUnfinished(_ name: String) -> (step: Int, state: Unfinished)? {
    let parts = name.dropFirst().split(separator: "-", omittingEmptySubsequences: false)
    guard name.hasPrefix("."), parts.count == 2, let step = parseStep(String(parts[0])),
      let state = Unfinished(rawValue: String(parts[1]))
    else { return nil }
    return (step, state)
  }
}

extension SystemRandomNumberGenerator {
  /// A number that no other job will draw.
  fileprivate static func number() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
