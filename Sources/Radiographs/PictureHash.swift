import Crypto

/// What tells a picture, whatever its file is called and however it is encoded.
public struct PictureHash: Sendable, Hashable, Codable {
  /// Equal for equal pixels: the first 8 bytes of SHA-256 over width, height and the pixels at their own size.
  ///
  /// Two different pictures of 100,000 agree with a probability of 3e-10. An 8-bit picture and its 16-bit copy differ.
  public let content: UInt64

  /// - Parameter radiograph: as decoded, before any resizing.
  public init(_ radiograph: Radiograph) {
    var hash = SHA256()
    func update<T>(_ values: [T]) { values.withUnsafeBytes { hash.update(bufferPointer: $0) } }
    update([UInt64(radiograph.width), UInt64(radiograph.height)])
    switch radiograph.pixels {
    case .eightBit(let values): update(values)
    case .float(let values): update(values)
    }
    content = hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
