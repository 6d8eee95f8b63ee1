import Platform

/// One hexadecimal word for a data set's training images: their order, their names and every byte of them.
///
/// It is what the shell gives for ordinary file names, so that anyone can check it:
///
///     cd DATA && find train/good -iname '*.png' | LC_ALL=C sort | xargs sha256sum | sha256sum
public enum DataSetFingerprint {
  /// SHA-256 of one line `DIGEST  PATH` an image.
  ///
  /// A pure function of what any rank may have computed in parts.
  ///
  /// - Parameters:
  ///   - paths: relative paths, in the order of the image index.
  ///   - digests: SHA-256 of each file's bytes, 32 bytes each, as `ImageCache.scanned(_:)` gives them.
  /// - Returns: 64 lower-case hexadecimal digits.
  public static func hexadecimal(paths: [String], digests: [[UInt8]]) -> String {
    precondition(paths.count == digests.count, "\(digests.count) digests were given for \(paths.count) images")
    var hash = SHA256()
    for (path, digest) in zip(paths, digests) {
      precondition(digest.count == SHA256.byteCount, "a digest of \(digest.count) bytes was given for \(path)")
      hash.update(line(path: path, digest: digest))
    }
    return String(decoding: hexadecimal(hash.finalise()), as: UTF8.self)
  }

  /// As sha256sum writes it: a name with a line break or backslash is escaped, so that no name can pass for two lines.
  private static func line(path: String, digest: [UInt8]) -> [UInt8] {
    var name: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): name += Array(#"\\"#.utf8)
      case UInt8(ascii: "\n"): name += Array(#"\n"#.utf8)
      case UInt8(ascii: "\r"): name += Array(#"\r"#.utf8)
      default: name.append(byte)
      }
    }
    let escaped = name.count != path.utf8.count
    return (escaped ? [UInt8(ascii: "\\")] : []) + hexadecimal(digest) + Array("  ".utf8) + name + [UInt8(ascii: "\n")]
  }

  private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  }
}
