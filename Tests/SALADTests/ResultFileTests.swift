import Foundation
import RanksSupport
import Testing

@testable import SALAD

@Suite("Tables that come block by block")
struct ResultFileTests {
  private static let settings = ["the model": "abc", "--csv": "true"]
  private static let head = "path,score\n"
  private static func row(_ number: Int) -> String { "\"a \(number)\nb\",0.\(number)\n" }
  private static let whole = head + (0..<5).map(row).joined()

  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test("The name is there when all rows are, and nothing else is left")
  func finished() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.path + "/scores.csv"
    #expect(try ResultFile.state(of: path, resumes: false) == .nothing)
    let file = try ResultFile(creating: path, settings: Self.settings, head: Self.head)
    for number in 0..<5 { try file.append(Self.row(number), rows: 1) }
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(try text(path + ".partial") == Self.whole)
    try file.finish()
    #expect(try text(path) == Self.whole)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["scores.csv"])
    #expect(try ResultFile.state(of: path, resumes: true) == .finished)
    #expect(throws: SaladError.self) { try ResultFile.state(of: path, resumes: false) }
  }

  @Test("What lies behind the rows that are known is cut, and what comes then makes the same bytes", arguments: 0...4)
  func resumed(rows: Int) throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.path + "/scores.csv"
    do {
      let file = try ResultFile(creating: path, settings: Self.settings, head: Self.head)
      for number in 0..<rows { try file.append(Self.row(number), rows: 1, withoutScore: number % 2, aboveMiddle: 1) }
      try file.save()
      // As a kill leaves it: a row that nobody knows of, and half of one.
      try file.append(Self.row(rows) + "\"a 9", rows: 1)
    }
    #expect(throws: SaladError.self) { try ResultFile.state(of: path, resumes: false) }
    #expect(try ResultFile.state(of: path, resumes: true) == .partial)
    let file = try ResultFile(resuming: path, settings: Self.settings)
    #expect(file.progress.rows == rows && file.progress.withoutScore == rows / 2 && file.progress.aboveMiddle == rows)
    for number in rows..<5 { try file.append(Self.row(number), rows: 1) }
    try file.finish()
    #expect(try text(path) == Self.whole)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["scores.csv"])
  }

  @Test("Rows of other settings are refused by what differs, and changed ones by their bytes")
  func refused() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.path + "/scores.csv"
    do {
      let file = try ResultFile(creating: path, settings: Self.settings, head: Self.head)
      try file.append(Self.row(0), rows: 1)
      try file.save()
    }
    let other = #expect(throws: SaladError.self) {
      _ = try ResultFile(resuming: path, settings: ["the model": "abc", "--csv": "false"])
    }
    #expect(other?.status == .usage)
    #expect(other?.description.contains("--csv true, not false") == true)

    // One byte, and one too few.
    let rows = try text(path + ".partial")
    for changed in [rows.replacing("0.0", with: "0.1"), String(rows.dropLast())] {
      try changed.write(toFile: path + ".partial", atomically: false, encoding: .utf8)
      let error = #expect(throws: SaladError.self) { _ = try ResultFile(resuming: path, settings: Self.settings) }
      #expect(error?.status == .badData)
      #expect(error?.description.contains("scores.csv.partial") == true)
    }
    try FileManager.default.removeItem(atPath: path + ".partial.json")
    let alone = #expect(throws: SaladError.self) { _ = try ResultFile(resuming: path, settings: Self.settings) }
    #expect(alone?.description.contains("scores.csv.partial.json") == true)
  }
}
