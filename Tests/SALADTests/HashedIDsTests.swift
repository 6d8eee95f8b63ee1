import Platform
import Testing

@testable import SALAD

@Suite("Hashed ids")
struct HashedIDsTests {
  @Test("The code is HMAC-SHA256 of RFC 4231")
  func vectors() {
    #expect(
      FileSystem.hexadecimal(HashedIDs(salt: "Jefe").authenticationCode(Array("what do ya want for nothing?".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    // Of 100 bytes: such a key stands for its hash.
    let long = String(repeating: "k", count: 100)
    let hash = FileSystem.hexadecimal(Array(long.utf8).withUnsafeBytes(SHA256.hash))
    #expect(HashedIDs(salt: long).authenticationCode([1]) != HashedIDs(salt: hash).authenticationCode([1]))
    #expect(HashedIDs(salt: long).authenticationCode([1]).count == 32)
  }

  @Test("One salt gives equal hashes of equal names, another others; without one nobody can repeat them")
  func salts() throws {
    let names = (0..<1000).map { "train/good/\($0).png" }
    let hashes = try HashedIDs(salt: "a").images(names)
    #expect(Set(hashes).count == 1000 && hashes.allSatisfy { $0.utf8.count == 16 })
    #expect(try HashedIDs(salt: "a").images(names) == hashes)
    #expect(try HashedIDs(salt: "b").images(names) != hashes)
    #expect(try HashedIDs(salt: nil).images(names) != HashedIDs(salt: nil).images(names))
    #expect(HashedIDs(salt: "a").hash("patient", "x") != HashedIDs(salt: "a").hash("image", "x"))
    expectRefusal(.internalError, containing: "give another --hash-salt") {
      _ = try HashedIDs(salt: "a").images(["x", "x"])
    }
  }
}
