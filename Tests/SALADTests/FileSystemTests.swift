import Foundation
import Testing

@testable import SALAD

@Suite("File system") struct FileSystemTests {
  @Test("The digest is SHA-256's, over more than one chunk too")
  func digest() async throws {
    try await withTemporaryFolder { folder in
      let path = "\(folder)/x"
      try FileSystem.write(Array("abc".utf8), to: path)
      #expect(
        try FileSystem.digest(path)
          == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
      // The standard's long vector: a million times the letter a; here with a copy of it.
      try FileSystem.write([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000), to: path)
      try FileSystem.copy(path, to: "\(folder)/y")
      #expect(
        try FileSystem.digest("\(folder)/y", synchronising: true)
          == (1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"))
      try FileSystem.write([UInt8](repeating: 7, count: (2 << 20) + 1), to: path)
      #expect(try FileSystem.read(path).count == (2 << 20) + 1)
      #expect(FileSystem.size(path) == (2 << 20) + 1)
      #expect(FileSystem.size("\(folder)/absent") == nil)
    }
  }

  @Test("A file is replaced whole, with nothing left beside it")
  func atomic() async throws {
    try await withTemporaryFolder { folder in
      let path = "\(folder)/x"
      try FileSystem.writeAtomically([1, 2], to: path)
      try FileSystem.writeAtomically([3], to: path)
      #expect(try FileSystem.read(path) == [3])
      try FileSystem.makeFolder("\(folder)/full/of/things")
      #expect(throws: SaladError.self) { try FileSystem.writeAtomically([4], to: "\(folder)/full") }
      #expect(try FileSystem.names(in: folder) == ["full", "x"])
    }
  }

  @Test("Names come in the order of their bytes, and removing takes links, not what they point to")
  func namesAndRemoval() async throws {
    try await withTemporaryFolder { folder in
      for name in ["ä", "Z", "a", ".h"] { try FileSystem.makeFolder("\(folder)/tree/\(name)/deeper") }
      #expect(try FileSystem.names(in: "\(folder)/tree") == [".h", "Z", "a", "ä"])
      try FileSystem.write([1], to: "\(folder)/kept")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/tree/a/link", withDestinationPath: "\(folder)/kept")
      try FileSystem.remove("\(folder)/tree")
      #expect(try FileSystem.names(in: folder) == ["kept"])
      try FileSystem.remove("\(folder)/tree")
      expectRefusal(.inputOutput, containing: "tree: cannot be listed: No such file or directory") {
        try FileSystem.names(in: "\(folder)/tree")
      }
      expectRefusal(.inputOutput, containing: "tree: cannot be read: No such file or directory") {
        try FileSystem.read("\(folder)/tree")
      }
    }
  }
}
