import MPI
import Platform
import Radiographs

// F = features of an image

/// Embeds images that a scan has found sound, all ranks together.
struct FeaturePass {
  /// Of the models that score together.
  let embedders: [Embedder]
  let cache: ImageCache
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks. Gives rank 0 the features of images, block by block in their order: the same bits for any number of
  /// ranks and workers.
  ///
  /// - Parameters:
  ///   - images: places in the cache.
  ///   - body: called on rank 0 with each model's (count, F) of the next images.
  /// - Throws: `SaladError` on all ranks: 75 when a signal asked to stop, and what `body` throws.
  func run(_ images: [Int], body: (Range<Int>, [[Float]]) throws -> Void) throws {
    let progress = ProgressDisplay(
      "embedding images", unit: "images", total: images.count, isShown: communicator.isRoot)
    watchdog.enter("embedding images", step: nil)
    let cache = cache
    let size = Int(try communicator.allReduce(Int64(embedders[0].imagesPerBlock), .sum))  // all ranks
    for block in Share.blocks(of: images.indices, size: size) {
      let share = Share.range(of: communicator.rank, ranks: communicator.size, count: block.count)
      let mine = Array(images[block.lowerBound + share.lowerBound..<block.lowerBound + share.upperBound])
      let features = try agree(communicator) {  // all ranks
        let pixels = try embedders[0].read(mine.count) { try cache.image(mine[$0]) }
        return try embedders.map { try $0.features(of: pixels) }
      }
      var gathered: [[Float]] = []
      for values in features {
        gathered.append(try communicator.gatherV(values, root: 0).flatMap { $0 })  // all ranks
      }
      try agree(communicator) {  // all ranks
        if communicator.isRoot { try body(block, gathered) }
      }
      watchdog.progress()
      progress.show(block.upperBound)
      try Signals.throwIfAnyRankReceivedOne(communicator, "while images were embedded")  // all ranks
    }
  }

  /// All ranks. Each model's features of all images, (count, F), on rank 0; empty elsewhere.
  func all(_ images: [Int]) throws -> [[Float]] {
    var features = embedders.map { _ in [Float]() }
    try run(images) { _, block in  // all ranks
      for (model, values) in block.enumerated() { features[model] += values }
    }
    return features
  }
}
