import Platform

/// A table that comes block by block into a file, and is there under its name when all of its rows are.
///
///     OUTPUT.partial         the rows so far
///     OUTPUT.partial.json    whose they are, and how many of them are on the disk
///
/// Local, on rank 0. Whatever ends the work in between - a signal, kill -9, a full disk, a crash of the host - leaves these
/// two, and `init(resuming:)` goes on: what lies behind the rows that are known, half a row perhaps, is cut away.
public final class ResultFile {
  /// What a table has so far.
  public struct Progress: Codable, Sendable, Equatable {
    /// Rows, the head not counted.
    public var rows = 0
    /// Of them those without a score.
    public var withoutScore = 0
    /// Of them those with a p-value above 0.5.
    public var aboveMiddle = 0
    /// Of the file, the head among them.
    var bytes = 0
    /// Of these bytes, 64 hexadecimal digits.
    var sha256 = ""

    public init() {}

    enum CodingKeys: String, CodingKey {
      case rows, bytes, sha256
      case withoutScore = "without_score"
      case aboveMiddle = "above_middle"
    }
  }

  /// The file beside the rows.
  private struct Record: Codable {
    var format = "salad-partial-scores"
    /// What determines the rows, by name.
    var settings: [String: String]
    var progress: Progress
  }

  public let path: String
  public private(set) var progress: Progress
  private let settings: [String: String]
  private let file: FileDescriptor
  private var hash: SHA256
  private var lastSaved = ContinuousClock.now

  /// Names beside `path`.
  private static func partial(_ path: String) -> String { path + ".partial" }
  private static func record(_ path: String) -> String { path + ".partial.json" }

  // MARK: Beginning

  /// What is at a table's place.
  public enum State: Sendable, Equatable {
    case nothing, partial, finished
  }

  /// What to do about what is at `path`.
  ///
  /// - Parameters:
  ///   - path: the result's.
  ///   - resumes: whether what is there is to be gone on with.
  /// - Throws: `SaladError` 64 where something is there and that was not asked for, or where there is no folder.
  public static func state(of path: String, resumes: Bool) throws -> State {
    let folder = Files.folder(of: path)
    if let absence = FileSystem.absence(of: folder) {
      throw SaladError(
        .usage,
        "\(path): expected a folder \(folder) to write it in, found \(absence): make it, or choose another --output")
    }
    if FileSystem.exists(path) {
      guard resumes else {
        throw SaladError(
          .usage, "\(path): expected no such file, found one: choose another --output, or remove it")
      }
      guard !FileSystem.exists(partial(path)) else {
        throw SaladError(
          .usage, "\(path): expected this file or \(partial(path)), which would become it, found both: remove one")
      }
      // Ended between the last two steps of `finish`.
      try FileSystem.remove(record(path))
      return .finished
    }
    guard FileSystem.exists(partial(path)) else { return .nothing }
    guard resumes else {
      throw SaladError(
        .usage,
        "\(partial(path)): expected no such file, found rows of a scoring that was interrupted: go on with it by "
          + "--resume, or remove it")
    }
    return .partial
  }

  /// A table at its beginning.
  ///
  /// - Parameters:
  ///   - path: of the finished table.
  ///   - settings: what determines the rows, by name.
  ///   - head: the first line.
  public init(creating path: String, settings: [String: String], head: String) throws {
    self.path = path
    self.settings = settings
    progress = Progress()
    hash = SHA256()
    file = try Self.locked(path)
    try FileSystem.translating { try file.truncate(to: 0) }
    try append(head)
    try save()
  }

  /// A table of which there are rows.
  ///
  /// - Throws: `SaladError` 64 when they are another's, naming in what; 65 when they are not what was written.
  public init(resuming path: String, settings: [String: String]) throws {
    let (partial, recordPath) = (Self.partial(path), Self.record(path))
    try FileSystem.require(recordPath, "the settings of the rows in \(partial), which can go on by them alone")
    let record = try JSONText.decode(Record.self, from: FileSystem.read(recordPath), path: recordPath)
    let names = Set(record.settings.keys).union(settings.keys).sorted()
    let others = names.filter { record.settings[$0] != settings[$0] }.map { name in
      "\(name) \(record.settings[name] ?? "none"), not \(settings[name] ?? "none")"
    }
    guard others.isEmpty else {
      throw SaladError(
        .usage,
        "\(partial) was begun with \(others.joined(separator: ", ")): give what it was begun with, or another --output")
    }
    self.path = path
    self.settings = settings
    progress = record.progress
    file = try Self.locked(path)
    hash = SHA256()
    try Self.hash(file, bytes: progress.bytes, into: &hash)
    guard FileSystem.hexadecimal(hash.digest()) == progress.sha256 else {
      throw SaladError(
        .badData,
        "\(partial): expected the \(progress.rows) rows that were written, found others: remove it and begin anew")
    }
    try FileSystem.translating { try file.truncate(to: progress.bytes) }
  }

  /// The file of rows, which no other process writes.
  private static func locked(_ path: String) throws -> FileDescriptor {
    try FileSystem.translating {
      let file = try FileDescriptor(partial(path), for: .locking)
      guard try file.tryLock() else {
        throw SaladError(
          .usage, "\(partial(path)): another process is writing it: wait for its end, or give another --output")
      }
      return file
    }
  }

  /// Reads so many bytes from where the file stands, and leaves it behind them.
  private static func hash(_ file: borrowing FileDescriptor, bytes: Int, into hash: inout SHA256) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var left = bytes
    while left > 0 {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(left, buffer.count)])
      let count: Int
      do {
        count = try file.read(into: part)
      } catch {
        throw SaladError(error)
      }
      // A shorter file has another digest.
      if count == 0 { return }
      hash.update(UnsafeRawBufferPointer(rebasing: part[..<count]))
      left -= count
    }
  }

  // MARK: Going on

  /// Appends whole rows.
  ///
  /// - Parameters:
  ///   - text: with their line ends.
  ///   - rows: how many.
  ///   - withoutScore: of them.
  ///   - aboveMiddle: of them, those with a p-value above 0.5.
  /// - Throws: `SaladError` 74 when they cannot be written.
  public func append(_ text: String, rows: Int = 0, withoutScore: Int = 0, aboveMiddle: Int = 0) throws {
    let bytes = Array(text.utf8)
    try FileSystem.translating { try file.write(bytes) }
    hash.update(bytes)
    progress.bytes += bytes.count
    progress.rows += rows
    progress.withoutScore += withoutScore
    progress.aboveMiddle += aboveMiddle
    if ContinuousClock.now - lastSaved >= .seconds(1) { try save() }
  }

  /// Forces the rows to the disk and notes how many there are: this much is never done again.
  public func save() throws {
    try FileSystem.translating { try file.synchronise() }
    progress.sha256 = FileSystem.hexadecimal(hash.digest())
    let record = Record(settings: settings, progress: progress)
    try FileSystem.writeAtomically(try JSONText.pages(record), to: Self.record(path))
    lastSaved = .now
  }

  /// Gives the table its name: all rows are there.
  ///
  /// - Throws: `SaladError` 64 when the name was taken meanwhile; the rows stay.
  public func finish() throws {
    try FileSystem.translating { try file.synchronise() }
    guard !FileSystem.exists(path) else {
      throw SaladError(
        .usage, "\(path): expected no such file, found one that came meanwhile: the rows are in \(Self.partial(path))")
    }
    try FileSystem.move(Self.partial(path), to: path)
    try FileSystem.synchronise(folder: Files.folder(of: path))
    try FileSystem.remove(Self.record(path))
  }
}
