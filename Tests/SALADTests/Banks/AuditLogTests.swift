import Foundation
import Testing

@testable import SALAD

@Suite("Audit log") struct AuditLogTests {
  private func entry(_ what: String) -> AuditEntry {
    AuditEntry(
      time: AuditLog.now, by: "A. Keeper\n", what: what, chosen: ["ids": 1], rows: 1, rowsBefore: 30, rowsAfter: 29,
      ids: "00", manifestBefore: "11", manifestAfter: "22")
  }

  @Test("Lines are chained: one that was changed or taken away shows, and the next is not written behind it")
  func chain() async throws {
    try await withTemporaryFolder { folder in
      #expect(try AuditLog.read(folder: folder) == [])
      for what in ["remove", "add", "remove"] { try AuditLog.write(entry(what), after: folder, to: folder) }
      #expect(try AuditLog.read(folder: folder).map(\.what) == ["remove", "add", "remove"])
      #expect(try AuditLog.read(folder: folder)[0].time.hasSuffix("Z"))
      let path = "\(folder)/audit.jsonl"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 3)
      for wrong in [
        [lines[0], lines[2]], [lines[1], lines[2]], [lines[0].replacing("29", with: "28")[...], lines[1]],
      ] {
        try Data(wrong.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: path))
        expectRefusal(.badData, containing: "a line was changed or taken away") { try AuditLog.read(folder: folder) }
        expectRefusal(.badData, containing: path) { try AuditLog.write(entry("add"), after: folder, to: folder) }
      }
    }
  }

  @Test("The code of ids depends on the bank that holds them, and not on their order")
  func code() {
    let code = AuditEntry.code(ofIDs: ["a", "b"], bank: "12")
    #expect(code == AuditEntry.code(ofIDs: ["b", "a"], bank: "12") && code.utf8.count == 64)
    #expect(code != AuditEntry.code(ofIDs: ["a", "b"], bank: "13"))
    #expect(code != AuditEntry.code(ofIDs: ["ab"], bank: "12"))
  }
}
