#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Platform

/// Who changed a bank, when and by how much: `audit.jsonl` beside a deployment's manifest, one JSON object a line.
///
/// Each line holds the SHA-256 of the one before and those of the manifest before and after, so that a line that was
/// changed or taken away shows. It names no image and no patient, not even by their hashes in the manifest: whoever
/// holds the deployment from before can check which rows a line is about, and nobody else can find out by trying.
public struct AuditEntry: Codable, Sendable, Equatable {
  /// UTC, ISO 8601.
  public var time: String
  /// Who did it, as they or the system said.
  public var by: String
  /// `add` or `remove`.
  public var what: String
  /// How rows were chosen, and how many choices there were: `["patients": 1]`.
  public var chosen: [String: Int]
  /// Rows put in or taken out.
  public var rows: Int
  public var rowsBefore: Int
  public var rowsAfter: Int
  /// HMAC-SHA256 of the rows' ids, sorted, each followed by a zero byte, under the SHA-256 of the bank's file that
  /// holds them (64 hexadecimal digits): the one before a removal, the one after an addition.
  public var ids: String
  /// SHA-256 of the manifest's file.
  public var manifestBefore: String
  public var manifestAfter: String
  /// SHA-256 of the line before without its end; nil in the first.
  public var previous: String?

  enum CodingKeys: String, CodingKey {
    case time, by, what, chosen, rows, ids, previous
    case rowsBefore = "rows_before"
    case rowsAfter = "rows_after"
    case manifestBefore = "manifest_before"
    case manifestAfter = "manifest_after"
  }

  /// The `ids` of a line.
  ///
  /// - Parameters:
  ///   - ids: of the rows, as the manifest has them.
  ///   - bank: SHA-256 of the bank's file that holds them, 64 hexadecimal digits.
  static func code(ofIDs ids: [String], bank: String) -> String {
    let sorted = ids.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    return FileSystem.hexadecimal(HashedIDs(salt: bank).authenticationCode(sorted.flatMap { $0 + [0] }))
  }
}

/// The file of a deployment's audit entries.
enum AuditLog {
  static let fileName = Deployment.historyName
  /// Bytes: a hundred thousand lines.
  private static let mostBytes = 1 << 26

  /// The lines of a folder's log; none where it has none.
  ///
  /// - Throws: `SaladError` 65 naming the line that is not as it was written.
  static func read(folder: String) throws -> [AuditEntry] {
    let path = "\(folder)/\(fileName)"
    guard let size = FileSystem.size(path) else { return [] }
    guard size <= mostBytes else {
      throw SaladError(.badData, "\(path): expected at most \(mostBytes >> 20) MiB, found \(size) bytes")
    }
    var (entries, previous) = ([AuditEntry](), String?.none)
    for (number, line) in try FileSystem.read(path).split(separator: UInt8(ascii: "\n")).enumerated() {
      let entry = try JSONText.decode(AuditEntry.self, from: Array(line), path: "\(path), line \(number + 1)")
      guard entry.previous == previous else {
        throw SaladError(
          .badData,
          "\(path): expected line \(number + 1) to hold the SHA-256 of the line before it, found another: a line was "
            + "changed or taken away")
      }
      previous = hash(of: Array(line))
      entries.append(entry)
    }
    return entries
  }

  /// Writes the log of `folder`, with `entry` behind its last line, into `destination`.
  static func write(_ entry: AuditEntry, after folder: String, to destination: String) throws {
    let path = "\(folder)/\(fileName)"
    _ = try read(folder: folder)
    let bytes = FileSystem.exists(path) ? try FileSystem.read(path) : []
    var entry = entry
    entry.previous = bytes.split(separator: UInt8(ascii: "\n")).last.map { hash(of: Array($0)) }
    try FileSystem.write(bytes + (try JSONText.line(entry)), to: "\(destination)/\(fileName)")
  }

  private static func hash(of line: [UInt8]) -> String {
    FileSystem.hexadecimal(line.withUnsafeBytes(SHA256.hash))
  }

  /// UTC, in seconds.
  static var now: String { Date().formatted(.iso8601) }
}
