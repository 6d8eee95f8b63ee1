import Foundation
import Testing

@testable import Radiographs

@Suite("Table")
struct TableTests {
  private func rows(_ text: String) throws -> [[String]] {
    try Table(bytes: Array(text.utf8), path: "t.csv").rows.map(\.fields)
  }

  @Test(
    "RFC 4180, a byte order mark and all line ends are read",
    arguments: [
      ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
      ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
      ("a,b\rc,d\r", [["a", "b"], ["c", "d"]]),
      ("\u{FEFF}a,b\n", [["a", "b"]]),
      ("a,,\n,b,\n", [["a", "", ""], ["", "b", ""]]),
      ("a,b,", [["a", "b", ""]]),
      ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]),
      ("\"a\r\nb\",c\n", [["a\r\nb", "c"]]),
      ("\"\",\"\"\"\"\n", [["", "\""]]),
      ("\n\na\n\n", [["a"]]),
      (" a , b\n", [[" a ", " b"]]),
      ("", []),
    ])
  func reads(text: String, expected: [[String]]) throws {
    #expect(try rows(text) == expected)
  }

  @Test("Values keep their bytes: a comma before a combining mark parts them, and two ways to write é are two names")
  func bytes() throws {
    let fields = try rows("a,\u{301}b,e\u{301},\u{E9}\n")[0]
    #expect(fields.map { Array($0.utf8) } == ["a", "\u{301}b", "e\u{301}", "\u{E9}"].map { Array($0.utf8) })
  }

  @Test("Lines are counted as an editor does, through values with line breaks")
  func lines() throws {
    let table = try Table(bytes: Array("h\n\"a\nb\r\nc\"\n\nd\n".utf8), path: "t.csv")
    #expect(table.rows.map(\.line) == [1, 2, 6])
  }

  @Test(
    "What is no table is refused with its line",
    arguments: [
      ("a\n\"b", "t.csv: line 2: expected a quote at the end of the value that begins with one, found none."),
      ("a\n\"b\"c\n", "t.csv: line 2: expected a comma or the line's end behind a value in quotes"),
      ("a\nb\"c\n", "t.csv: line 2: expected quotes around a value that has one in it"),
      ("a\n\nb\u{0}c\n", "t.csv: line 3: expected text, found the byte 0: this is no table."),
    ])
  func refusals(text: String, sentence: String) {
    let error = radiographError { _ = try rows(text) }
    #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "none")")
  }

  @Test("Other encodings are refused with the cure")
  func encodings() {
    func sentence(_ bytes: [UInt8]) -> String? {
      radiographError { _ = try Table(bytes: bytes, path: "t.csv") }?.description
    }
    #expect(sentence([0xFF, 0xFE, 0x61, 0]) == "t.csv: expected a table in UTF-8, found UTF-16: save it as UTF-8.")
    #expect(
      sentence([0x61, 0x0A, 0xE9])
        == "t.csv: line 2: expected text in UTF-8, found other bytes: save the table as UTF-8.")
  }

  @Test("Whatever is written by RFC 4180's rules comes back, and no bytes crash it")
  func fuzz() throws {
    var random = SystemRandomNumberGenerator()
    let letters = ["a", ",", "\"", "\n", "\r\n", " ", "\u{301}", "é", ""]
    for _ in 0..<2000 {
      let table = (0..<Int.random(in: 1...4)).map { _ in
        (0..<3).map { _ in (0..<Int.random(in: 0...4)).map { _ in letters.randomElement()! }.joined() }
      }
      let text = table.map { row in
        row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\r\n"
      }.joined()
      // As bytes: a quote and a combining mark behind it would not have been doubled.
      guard !text.unicodeScalars.contains("\u{301}") else { continue }
      #expect(try rows(text) == table)
    }
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...60)).map { _ in
        Bool.random(using: &random) ? Array(",\"\n\r a".utf8).randomElement()! : UInt8.random(in: 0...255)
      }
      do {
        _ = try Table(bytes: bytes, path: "t.csv")
      } catch {
        #expect(error.description.hasPrefix("t.csv: "))
      }
    }
  }

  @Test("A list has a name a line, whatever ends it")
  func lists() throws {
    try withTree(["list.txt": "\u{FEFF}a.png\r\nb.png \n\n  c.png\nd.png"]) { root throws in
      #expect(try Table.lines(of: "\(root)/list.txt").map(\.name) == ["a.png", "b.png", "  c.png", "d.png"])
    }
  }
}
