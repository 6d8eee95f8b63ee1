import Foundation
import Testing

@testable import Platform

@Suite("Standard input")
struct StandardInputTests {
  @Test("All that is piped in is read to its end, and no more than allowed")
  func limits() throws {
    func read(_ text: String, limit: Int) throws -> [UInt8]? {
      var ends: [Int32] = [-1, -1]
      #expect(pipe(&ends) == 0)
      defer { close(ends[0]) }
      let bytes = Array(text.utf8)
      #expect(Foundation.write(ends[1], bytes, bytes.count) == bytes.count)
      close(ends[1])
      return try StandardInput.read(ends[0], limit: limit)
    }
    #expect(try read("a\nb\n", limit: 10) == Array("a\nb\n".utf8))
    #expect(try read("", limit: 10) == [])
    #expect(try read("0123456789", limit: 10)?.count == 10)
    #expect(try read("0123456789x", limit: 10) == nil)
  }

  @Test("What cannot be read is an error")
  func failure() {
    let folder = open("/", O_RDONLY)
    defer { close(folder) }
    #expect(throws: SystemError.self) { try StandardInput.read(folder, limit: 10) }
  }
}
