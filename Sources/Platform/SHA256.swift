import LibCrypto

/// SHA-256 (FIPS 180-4) of bytes that come in pieces, by OpenSSL's libcrypto, which uses the CPU's SHA instructions.
///
///     var hash = SHA256()
///     hash.update(bytes)
///     hash.finalise()   // 32 bytes
///
/// Wraps `EVP_DigestInit_ex`, `EVP_DigestUpdate`, `EVP_DigestFinal_ex` and `EVP_MD_CTX_copy_ex`.
public struct SHA256: ~Copyable {
  /// Bytes of a digest.
  public static let byteCount = 32

  private let context: OpaquePointer

  public init() {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a SHA-256 context") }
    self.context = context
    Self.check(EVP_DigestInit_ex(context, EVP_sha256(), nil), "EVP_DigestInit_ex")
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    Self.check(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count), "EVP_DigestUpdate")
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The digest of all that was given, 32 bytes.
  public consuming func finalise() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { digest, count in
      Self.check(EVP_DigestFinal_ex(context, digest.baseAddress, nil), "EVP_DigestFinal_ex")
      count = Self.byteCount
    }
  }

  /// The digest of all that was given so far, 32 bytes; more may come.
  public func digest() -> [UInt8] {
    let copy = SHA256()
    Self.check(EVP_MD_CTX_copy_ex(copy.context, context), "EVP_MD_CTX_copy_ex")
    return copy.finalise()
  }

  /// The digest of these bytes, 32 bytes.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finalise()
  }

  /// They fail when an OpenSSL configuration forbids the algorithm: nothing that a caller could mend.
  private static func check(_ result: Int32, _ function: String) {
    precondition(result == 1, "\(function) failed: does this machine's OpenSSL configuration allow SHA-256?")
  }
}
