import Foundation
import Platform
import Testing

@testable import SALAD

@Suite("Rows of banks") struct BankRowsTests {
  @Test("Consecutive numbers become ranges")
  func consecutive() {
    #expect([Int]().consecutive == [])
    #expect([0, 1, 2, 5, 7, 8].consecutive == [0..<3, 5..<6, 7..<9])
  }

  @Test("Rows are told apart by their bytes: 0 and -0 differ, a NaN is itself")
  func bytes() {
    let bank: [Float] = [0, 1, -0.0, 1, .nan, 1, 0, 1]
    let places = bank.withUnsafeBytes { RowBytes.places(in: $0, dimension: 2) }
    #expect(places.count == 3)
    #expect(places[RowBytes(bank[0..<2])] == [0, 3])
    #expect(places[RowBytes(bank[2..<4])] == [1])
    #expect(places[RowBytes(bank[4..<6])] == [2])
  }

  @Test("A site's name is plain", arguments: ["north", "St.Mary_2-b", "0"])
  func sound(name: String) throws { try SiteName.validate(name) }

  @Test(
    "A site's name is not everything", arguments: ["", "a b", "a/b", "a,b", "é", String(repeating: "a", count: 65)])
  func unsound(name: String) {
    expectRefusal(.usage, containing: "--site is") { try SiteName.validate(name) }
  }

  @Test("Two folders change places as one act, and a link is known for what it points to")
  func exchange() async throws {
    try await withTemporaryFolder { folder in
      let (one, other) = ("\(folder)/one", "\(folder)/other")
      for path in [one, other] {
        try FileSystem.makeFolder(path)
        try FileSystem.write(Array(path.utf8), to: "\(path)/name")
      }
      try FileSystem.exchange(one, other)
      #expect(try FileSystem.read("\(one)/name") == Array(other.utf8))
      #expect(try FileSystem.read("\(other)/name") == Array(one.utf8))
      expectRefusal(.inputOutput, containing: "--output instead") { try FileSystem.exchange(one, "\(folder)/none") }
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: one)
      #expect(Files.resolved("\(folder)/link") == Files.resolved(one))
      #expect(Files.resolved("\(folder)/none") == nil)
    }
  }
}
