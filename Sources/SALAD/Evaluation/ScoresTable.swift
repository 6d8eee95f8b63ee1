import MemoryBank
import Radiographs

/// Scores that `salad score --csv` has written, to be evaluated without the model.
///
///     path,score,rule,p_value,flagged
///     phantoms/test/good/000.png,0.41,weighted-distance,0.93,false
public struct ScoresTable: Sendable {
  /// What the table says of one image.
  public struct Row: Sendable, Equatable {
    /// nil: the image could not be read.
    public var score: Double?
    /// Why not.
    public var reason: String?
    /// nil where the model was not calibrated.
    public var pValue: Double?
    public var isFlagged: Bool?
  }

  public let path: String
  public let rule: ScoreRule
  private let rows: [Row]
  /// Rows by the last folders of their paths, so many as it takes: -1 where that is several.
  private let places: [String: Int]

  private static let columns = ["path", "score", "rule"]

  /// Local. Reads a table.
  ///
  /// - Throws: `SaladError` 65 naming the file and the line where it is none of ours; 74 where it cannot be read.
  public init(contentsOf path: String) throws {
    self.path = path
    try FileSystem.require(path, "a table by salad score --csv")
    let table: Table
    do { table = try Table(contentsOf: path) } catch { throw SaladError(error) }
    guard let head = table.rows.first, Self.columns.allSatisfy(head.fields.contains) else {
      throw SaladError(
        .badData,
        "\(path): expected a table by salad score --csv, which begins with \(Self.columns.joined(separator: ",")), found "
          + (table.rows.first.map { $0.fields.joined(separator: ",").prefix(80).debugDescription } ?? "nothing"))
    }
    func place(_ name: String) -> Int? { head.fields.firstIndex(of: name) }
    var rule: ScoreRule?
    var (rows, places): ([Row], [String: Int]) = ([], [:])
    for record in table.rows.dropFirst() {
      func error(_ sentence: String) -> SaladError { SaladError(.badData, "\(path): line \(record.line): \(sentence)") }
      func value(_ name: String) -> String? { place(name).map { record.fields[$0] }.flatMap { $0.isEmpty ? nil : $0 } }
      guard record.fields.count == head.fields.count else {
        throw error("expected \(head.fields.count) values, found \(record.fields.count)")
      }
      guard let found = value("rule").flatMap(ScoreRule.init), rule ?? found == found else {
        throw error(
          "expected the rule \(rule?.rawValue ?? ScoreRule.allCases.map(\.rawValue).joined(separator: " or ")), found "
            + (value("rule") ?? "none"))
      }
      rule = found
      let row = Row(
        score: try Self.number(value("score"), error), reason: value("error"),
        pValue: try Self.number(value("p_value"), error),
        isFlagged: value("flagged").map { $0 == "true" })
      guard row.score != nil || row.reason != nil || value("score") == nil else { throw error("expected a score") }
      for name in Self.endings(of: value("path") ?? "") {
        places[name] = places[name] == nil ? rows.count : -1
      }
      rows.append(row)
    }
    guard let rule else { throw SaladError(.badData, "\(path): expected scores, found none") }
    (self.rule, self.rows, self.places) = (rule, rows, places)
  }

  /// How many images it has.
  public var count: Int { rows.count }

  /// What it says of some images, in their order.
  ///
  /// An image is found by its whole path, however many folders stand before it in the table.
  ///
  /// - Parameter images: relative to a data set's folder.
  /// - Throws: `SaladError` 65 naming the first image that is not there, or there more than once.
  public func rows(of images: [LabelledImage]) throws -> [Row] {
    try images.map { image in
      guard let place = places[image.path] else {
        throw SaladError(
          .badData,
          "\(path): expected a score of every test image, found none of \(image.path): score the whole test split, or "
            + "choose what it has by the options of --data")
      }
      guard place >= 0 else {
        throw SaladError(.badData, "\(path): expected one score of \(image.path), found several")
      }
      return rows[place]
    }
  }

  private static func number(_ text: String?, _ error: (String) -> SaladError) throws -> Double? {
    guard let text else { return nil }
    guard let value = Double(text), (0...1).contains(value) else {
      throw error("expected a number in 0...1, found \(text.prefix(40).debugDescription)")
    }
    return value
  }

  /// `a/b/c.png`, `b/c.png`, `c.png`: at slashes as bytes, which names are made of.
  private static func endings(of path: String) -> [String] {
    let bytes = Array(path.utf8)
    let starts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }.map { $0 + 1 }
    return starts.filter { $0 < bytes.count }.map { String(decoding: bytes[$0...], as: UTF8.self) }
  }
}
