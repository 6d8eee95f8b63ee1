import Platform
import Synchronization

// S = side of the square images

/// The images of a data set at the network's size, decoded and resized once and kept while a memory limit allows.
///
/// Thread-safe; threads decode side by side. What does not fit is decoded anew each time: the limit decides how fast an
/// image comes, never which pixels. 8-bit images take S * S bytes, 16-bit ones four times that.
public final class ImageCache: Sendable {
  /// S, in pixels.
  public var side: Int { preparation.side }
  /// Relative paths; an image's place is its index.
  public let paths: [String]
  private let root: String
  private let preparation: Preparation
  /// Bytes.
  private let limit: Int

  private struct Kept {
    var images: [Radiograph?]
    var bytes = 0
  }
  private let kept: Mutex<Kept>

  /// - Parameters:
  ///   - root: the folder that `paths` are relative to.
  ///   - limit: bytes of pixels to keep; 0 keeps none.
  public init(root: String, paths: [String], preparation: Preparation, limit: Int) {
    self.root = root
    self.paths = paths
    self.preparation = preparation
    self.limit = limit
    kept = Mutex(Kept(images: [Radiograph?](repeating: nil, count: paths.count)))
  }

  /// Of square images that need no more preparation.
  public convenience init(root: String, paths: [String], side: Int, fit: Fit, limit: Int) {
    self.init(root: root, paths: paths, preparation: Preparation(side: side, fit: fit), limit: limit)
  }

  /// A cache of some images of `other`, in the order of `indices`; those that `other` has in memory move here.
  ///
  /// - Parameter greyRange: white in files of 16 bits, where `other` did not know it yet.
  public init(_ other: ImageCache, selecting indices: [Int], greyRange: Int? = nil) {
    root = other.root
    paths = indices.map { other.paths[$0] }
    var preparation = other.preparation
    preparation.greyRange = preparation.greyRange ?? greyRange
    self.preparation = preparation
    limit = other.limit
    let images = other.kept.withLock { kept in
      indices.map { index in
        // One after the other, so that no two copies of all are in memory.
        let image = kept.images[index].take()?.withWhite(at: preparation.greyRange)
        kept.bytes -= image?.byteCount ?? 0
        return image
      }
    }
    kept = Mutex(Kept(images: images, bytes: images.reduce(0) { $0 + ($1?.byteCount ?? 0) }))
  }

  /// Image `index` at (S, S); reads and decodes it when it is not in memory.
  ///
  /// - Throws: `RadiographError` when the file cannot be read or is no sound image.
  public func image(_ index: Int) throws -> Radiograph {
    if let image = kept.withLock({ $0.images[index] }) { return image }
    return keep(try Radiograph(contentsOf: path(index)), as: index)
  }

  /// Reads and decodes image `index` even when it is in memory, and keeps it as `image(_:)` does: what its file is.
  public func scanned(_ index: Int) throws -> ScannedImage {
    let file = try ImageFile(path(index))
    let decoded = try file.radiograph()
    _ = keep(decoded, as: index)
    return ScannedImage(
      digest: file.bytes.withUnsafeBytes(SHA256.hash), picture: PictureHash(decoded),
      sampleBits: SampleBits.of(decoded)?.count)
  }

  /// Bytes of pixels in memory, at most the limit.
  public var bytesInUse: Int {
    kept.withLock { $0.bytes }
  }

  private func path(_ index: Int) -> String {
    FileTree.join(root, paths[index])
  }

  /// Resizes the image and keeps it if there is room. Several threads may have decoded the same image meanwhile: the
  /// first one's is kept, so that each is counted once.
  private func keep(_ decoded: Radiograph, as index: Int) -> Radiograph {
    let image = preparation(decoded)
    kept.withLock {
      guard $0.images[index] == nil, image.byteCount <= limit - $0.bytes else { return }
      $0.images[index] = image
      $0.bytes += image.byteCount
    }
    return image
  }
}
