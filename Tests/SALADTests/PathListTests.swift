import Testing

@testable import SALAD

@Suite("List of paths")
struct PathListTests {
  private func paths(_ bytes: [UInt8]) throws -> [String] { try PathList.paths(bytes, origin: "standard input") }

  @Test("Paths stand one a line, or between zero bytes, where a line break belongs to the path")
  func separators() throws {
    #expect(try paths(Array("a.png\nb c.png\r\n\n/d.png".utf8)) == ["a.png", "b c.png", "/d.png"])
    #expect(try paths(Array("a.png\0b\nc.png\0".utf8)) == ["a.png", "b\nc.png"])
    #expect(try paths(Array("e\u{301}.png\n\u{E9}.png".utf8)).map(\.utf8.count) == [7, 6])
  }

  @Test("No path, one that is not UTF-8 and one of any length are refused")
  func refusals() {
    expectRefusal(.badData, containing: "standard input: expected paths of images, one a line") { _ = try paths([]) }
    expectRefusal(
      .badData, containing: "standard input: line 2: expected the path of an image, found one that is not UTF-8"
    ) {
      _ = try paths(Array("a\n".utf8) + [0xFF])
    }
    expectRefusal(
      .badData, containing: "standard input: path 1: expected the path of an image, found one of 5000 bytes"
    ) {
      _ = try paths([UInt8](repeating: 97, count: 5000) + [0])
    }
  }
}
