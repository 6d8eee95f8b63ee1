import Foundation
import Platform
import Testing

@testable import SALAD

@Suite("Transfers", .enabled(if: Host.transferredBytes > 0, "this kernel does not count transfers: /proc/self/io"))
struct TransfersTests {
  // That they are not going cannot be said here: other tests read and write in this process.
  @Test("Bytes that are written are seen a second later")
  func going() async throws {
    var transfers = Transfers()
    let file = try #require(FileHandle(forWritingAtPath: "/dev/null"))
    try file.write(contentsOf: Data(repeating: 1, count: 16 << 20))
    try await Task.sleep(for: .seconds(1.1))
    let areGoing = transfers.areGoing()
    #expect(areGoing)
  }
}
