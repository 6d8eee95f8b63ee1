import Testing

@testable import Platform

@Suite("SHA-256")
struct SHA256Tests {
  private func hexadecimal(_ digest: [UInt8]) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  // FIPS 180-4's examples.
  @Test(
    "Known messages have their known digests",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func known(message: String, digest: String) {
    #expect(hexadecimal(Array(message.utf8).withUnsafeBytes(SHA256.hash)) == digest)
  }

  @Test("Pieces give what the whole gives", arguments: [1, 63, 64, 65, 1000])
  func pieces(size: Int) {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    var hash = SHA256()
    for first in stride(from: 0, to: bytes.count, by: size) {
      hash.update(Array(bytes[first..<min(first + size, bytes.count)]))
    }
    #expect(hash.finalise() == bytes.withUnsafeBytes(SHA256.hash))
  }
}
