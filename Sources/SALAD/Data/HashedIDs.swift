import Platform

/// Names turned into numbers that only those who know a salt can turn into names again, by trying.
///
/// HMAC-SHA256 (RFC 2104) under the salt: names of data sets are few enough to try them all, which a hash without a secret
/// would invite to. Without a salt one is drawn and forgotten.
public struct HashedIDs: Sendable {
  private let key: [UInt8]

  /// - Parameter salt: nil: drawn at random.
  public init(salt: String?) {
    var random = SystemRandomNumberGenerator()
    let bytes = salt.map { Array($0.utf8) } ?? (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    // A longer key stands for its hash.
    key = bytes.count > Self.block ? bytes.withUnsafeBytes(SHA256.hash) : bytes
  }

  /// Bytes of SHA-256's blocks.
  private static let block = 64

  /// 16 hexadecimal digits.
  ///
  /// - Parameters:
  ///   - kind: what is named: equal names of two kinds have different hashes.
  ///   - name: any.
  func hash(_ kind: String, _ name: String) -> String {
    let message = Array("\(kind):\(name)".utf8)
    return FileSystem.hexadecimal(Array(authenticationCode(message).prefix(8)))
  }

  /// HMAC-SHA256.
  func authenticationCode(_ message: [UInt8]) -> [UInt8] {
    let padded = key + [UInt8](repeating: 0, count: Self.block - key.count)
    let inner = (padded.map { $0 ^ 0x36 } + message).withUnsafeBytes(SHA256.hash)
    return (padded.map { $0 ^ 0x5C } + inner).withUnsafeBytes(SHA256.hash)
  }

  /// A hash for a patient.
  func patient(_ name: String) -> String { hash("patient", name) }

  /// A hash for each image.
  ///
  /// - Throws: `SaladError` 70 where two have the same: with 16 digits that happens once in a billion data sets of 190,000.
  func images(_ names: [String]) throws -> [String] {
    let hashes = names.map { hash("image", $0) }
    guard Set(hashes).count == hashes.count else {
      throw SaladError(.internalError, "two images have one hash under this salt: give another --hash-salt")
    }
    return hashes
  }
}
