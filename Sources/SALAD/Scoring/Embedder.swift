import Autoencoder
import Platform
import Radiographs

/// Turns images into embeddings, in eval mode: decoded and embedded by this rank's workers. Local.
struct Embedder {
  let replica: Replica
  /// m, images that the replica embeds together.
  let microBatch: Int
  let workers: Int

  /// How many images to embed at once: a few micro-batches for each worker.
  var imagesPerBlock: Int { microBatch * workers * Self.microBatchesPerWorker }
  static let microBatchesPerWorker = 4

  /// - Parameters:
  ///   - count: how many images.
  ///   - image: the resized image `0 ..< count`; called from several threads.
  /// - Returns: (count, D), unit rows.
  /// - Throws: what `image` throws, of the lowest image that failed.
  func embed(_ count: Int, image: @escaping @Sendable (Int) throws -> Radiograph) throws -> [Float] {
    let pixelsPerImage = replica.configuration.size * replica.configuration.size
    let pixels = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * pixelsPerImage)
    defer { pixels.deallocate() }
    nonisolated(unsafe) let images = pixels  // each thread writes the image it was given
    try forEachConcurrently(count, workers: workers) { index in
      let place = index * pixelsPerImage
      try image(index).scaled(
        into: UnsafeMutableBufferPointer(rebasing: images[place..<(place + pixelsPerImage)]))
    }
    return try replica.embed(UnsafeBufferPointer(pixels), count: count)
  }
}
