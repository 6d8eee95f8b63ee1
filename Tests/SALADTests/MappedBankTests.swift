import Foundation
import Platform
import RanksSupport
import Testing

@testable import SALAD

@Suite("A deployment's bank while it is in use") struct MappedBankTests {
  @Test("It is mapped by every rank, also by those without rows", arguments: [(20, 1), (20, 3), (3, 5)])
  func mapped(rows: Int, ranks: Int) async throws {
    try await withDeployment(rows: rows) { path in
      let words = try await check("deployed-bank", path, ranks: ranks)
      #expect(words == [[String](repeating: "mapped", count: ranks).joined(separator: " ")])
      #expect(try await check("read-model", path, ranks: ranks) == ["refreshed of deployment -"])
    }
  }

  @Test("Rows that start askew are copied, and are the same", arguments: [1, 2])
  func askew(ranks: Int) async throws {
    try await withDeployment { path in
      try replaceBank(of: path) { bank in
        // One more space behind the header.
        bank.insert(UInt8(ascii: " "), at: 8 + Int(bank[0]))
        bank[0] += 1
      }
      let words = try await check("deployed-bank", path, ranks: ranks)
      #expect(words == [[String](repeating: "copied", count: ranks).joined(separator: " ")])
      #expect(try await check("read-model", path, ranks: ranks) == ["refreshed of deployment -"])
    }
  }

  /// Changes of a bank's file of 20 rows, and what is said of them.
  private static let lies: [(change: @Sendable (inout Data) -> Void, words: String)] = [
    ({ $0.removeLast(4) }, "expected 400 bytes of tensors behind the header, found 396: the file is truncated"),
    ({ $0 = $0.prefix(4) }, "expected a safetensors file of at least 8 bytes, found 4"),
    ({ $0[5] = 1 }, "expected a header of at most"),
    ({ $0.replace("[20,5]", by: "[21,5]") }, "expected 420 bytes for tensor bank (F32, shape [21, 5]), found 400"),
    ({ $0.replace("[20,5]", by: "[5,20]") }, "(F32, shape [20, 5]), found one of F32, shape [5, 20]"),
    ({ $0.replace("F32", by: "I32") }, "found one of I32, shape [20, 5]"),
    ({ $0.replace("bank", by: "Bank") }, "expected the tensor bank (F32, shape [20, 5]), found none of that name"),
    ({ $0.replace("[0,400]", by: "[4,404]") }, "expected tensor bank to start at byte 0"),
  ]

  @Test("A bank that its manifest vouches for and its header does not is refused in a sentence", arguments: [1, 2])
  func headerLies(ranks: Int) async throws {
    for (change, words) in Self.lies {
      try await withDeployment { path in
        try replaceBank(of: path, change)
        let line = try await check("read-model", path, ranks: ranks).first ?? ""
        #expect(line.hasPrefix("refused 65 \(path)/bank.safetensors: ") && line.contains(words), "\(line)")
      }
    }
  }

  @Test("Nothing comes of a bank that somebody has written into", arguments: [1, 3])
  func overwritten(ranks: Int) async throws {
    try await withDeployment { path in
      // Long ago, or both writes might fall into one tick of the clock.
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: "\(path)/bank.safetensors")
      let line = try await check("overwrite-bank", path, ranks: ranks).first ?? ""
      #expect(line.hasPrefix("refused 65 \(path)/bank.safetensors: expected the 472 bytes that were opened"), "\(line)")
    }
  }

  @Test("A bank that was cut short ends all ranks by a sentence instead of a bus error", arguments: [1, 3])
  func cut(ranks: Int) async throws {
    try await withDeployment(rows: 100) { path in
      let command = [try Program.built("ranks"), "cut-bank", path]
      let run = try await ranks == 1 ? Program.run(command) : Program.mpirun(ranks: ranks, command)
      #expect(run.status == 74 && !run.timedOut, "\(run)")
      let place = ranks == 1 ? "salad: " : " on \(Host.name): "
      #expect(run.errors.contains("\(place)\(path)/bank.safetensors: expected "), "\(run)")
      #expect(run.errors.contains("found some gone: the file was cut short"), "\(run)")
    }
  }

  // MARK: Deployments

  /// Rows of 5 elements, whose file is a header of 72 bytes and 20 bytes a row.
  private func withDeployment(rows: Int = 20, _ body: (String) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
      try await check("write-run", "\(folder)/run", "\(rows)", "2", "6r")
      try await check("merge", "\(folder)/run", "\(folder)/deploy")
      try await body("\(folder)/deploy")
    }
  }

  /// Changes the bank's file and what the manifest says of its bytes: only the header can tell.
  private func replaceBank(of path: String, _ change: (inout Data) -> Void) throws {
    let bank = "\(path)/bank.safetensors"
    var bytes = try Data(contentsOf: URL(filePath: bank))
    change(&bytes)
    try bytes.write(to: URL(filePath: bank))
    var manifest = try DeploymentManifest.read(folder: path)
    let (size, sha256) = try FileSystem.digest(bank)
    manifest.files = manifest.files.map {
      $0.name == "bank.safetensors" ? Manifest.File(name: $0.name, bytes: size, sha256: sha256) : $0
    }
    try FileSystem.write(JSONText.pages(manifest), to: "\(path)/manifest.json")
  }
}

extension Data {
  /// Of some text once.
  fileprivate mutating func replace(_ old: String, by new: String) {
    guard let range = range(of: Data(old.utf8)) else { return }
    replaceSubrange(range, with: Data(new.utf8))
  }
}
