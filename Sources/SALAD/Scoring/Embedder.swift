import Autoencoder
import Platform
import Radiographs

/// Turns images into features, in eval mode: decoded and embedded by this rank's workers. Local.
struct Embedder {
  let replica: Replica
  /// m, images that the replica embeds together.
  let microBatch: Int
  let workers: Int
  /// What describes an image.
  let levels: Levels
  /// Of the levels' means; the bottleneck stays as it is.
  let scale: FeatureScale
  /// Of the levels' means on that scale; nil: nothing is taken out of them.
  var exposure: ExposureDirection?

  /// F.
  var featureCount: Int { replica.configuration.featureCount(levels) }

  /// How many images to embed at once: a few micro-batches for each worker.
  var imagesPerBlock: Int { microBatch * workers * Self.microBatchesPerWorker }
  static let microBatchesPerWorker = 4

  /// Images as the network wants them, (count, S, S) in -1...1.
  final class Pixels {
    let count: Int
    let values: UnsafeMutableBufferPointer<Float>

    fileprivate init(count: Int, pixelsPerImage: Int) {
      self.count = count
      values = .allocate(capacity: count * pixelsPerImage)
    }

    deinit { values.deallocate() }
  }

  /// - Parameters:
  ///   - count: how many images.
  ///   - exposure: in which to show it; called from several threads. nil: all as they are.
  ///   - image: the resized image `0 ..< count`; called from several threads.
  /// - Throws: what `image` throws, of the lowest image that failed.
  func read(
    _ count: Int, exposure: (@Sendable (Int) -> Exposure)? = nil,
    image: @escaping @Sendable (Int) throws -> Radiograph
  ) throws -> Pixels {
    let pixelsPerImage = replica.configuration.size * replica.configuration.size
    let pixels = Pixels(count: count, pixelsPerImage: pixelsPerImage)
    nonisolated(unsafe) let images = pixels.values  // each thread writes the image it was given
    try forEachConcurrently(count, workers: workers) { index in
      let place = index * pixelsPerImage
      let mine = UnsafeMutableBufferPointer(rebasing: images[place..<(place + pixelsPerImage)])
      try image(index).scaled(into: mine)
      exposure?(index).apply(to: mine)
    }
    return pixels
  }

  /// - Returns: (count, F).
  func features(of pixels: Pixels) throws -> [Float] {
    var features = try replica.embed(UnsafeBufferPointer(pixels.values), count: pixels.count, levels: levels)
    if !levels.isBottleneck { scale.apply(to: &features) }
    exposure?.damp(&features)
    return features
  }
}
