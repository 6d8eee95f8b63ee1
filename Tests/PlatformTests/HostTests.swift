import Foundation
import Testing

@testable import Platform

@Suite("Host")
struct HostTests {
  @Test(
    "A list of cores is read as Linux writes it",
    arguments: [("0-1", [0, 1]), ("0-2,5,7-8", [0, 1, 2, 5, 7, 8]), ("3", [3]), ("", []), ("x", [])])
  func cores(list: String, expected: [Int]) {
    #expect(Host.cores(list: list) == expected)
  }

  #if os(Linux)
    @Test("The kernel tells of this process's memory and cores")
    func kernel() {
      #expect(Host.residentMemory > 0 && Host.residentMemory <= Host.peakResidentMemory)
      #expect(Host.availableMemory > 0)
      #expect(Host.cores(of: "self").count == Host.activeCores)
      #expect(Host.cores(of: "none").isEmpty)
    }

    @Test("The kernel counts what is written, also into a pipe or socket")
    func transfers() throws {
      let before = Host.transferredBytes
      try #require(before > 0)
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data(repeating: 1, count: 50_000))
      #expect(Host.transferredBytes >= before + 50_000)
    }
  #endif
}
