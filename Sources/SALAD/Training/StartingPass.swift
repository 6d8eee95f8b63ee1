import Autoencoder
import MPI
import MemoryBank
import Platform
import Radiographs

/// The bank that training starts from: every row the embedding of its clean image by the network as it starts.
///
/// Batch normalisation has no running statistics yet, so micro-batches are normalised by their own, as in training: image i
/// is embedded among the m images of micro-batch i / m, whatever rank computes it. No statistic moves.
struct StartingPass {
  let replica: Replica
  let configuration: Configuration
  /// Threads of this rank.
  let workers: Int
  let scan: DataScan
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks. `bank` with all of its rows replaced.
  ///
  /// - Returns: nil on all ranks when a signal asked to stop.
  func run(_ bank: MemoryBank) throws -> MemoryBank? {
    watchdog.enter("starting the bank", step: nil)
    let (images, m) = (bank.sharding.rows, configuration.microBatch)
    let progress = ProgressDisplay(
      "starting the bank", unit: "images", total: images, isShown: communicator.isRoot)
    var started = bank
    let microBatches = (0..<(images + m - 1) / m)
    // As many at once as a training step has: their activations have room.
    for block in Share.blocks(of: microBatches, size: configuration.batchSize / m) {
      let share = Share.range(of: communicator.rank, ranks: communicator.size, count: block.count)
      let mine = share.map { self.images(of: block.lowerBound + $0, count: images) }
      let embeddings = try agree(communicator) {  // all ranks
        try replica.encode(
          mine.map(pixels), imagesInStep: block.count * m, microBatchesInStep: block.count,
          reconstructionLoss: configuration.reconstructionLoss, reconstructionWeight: 0)
      }
      let all = try communicator.allGatherV(embeddings).flatMap { $0 }  // all ranks
      started.replace(imageIndices: block.flatMap { self.images(of: $0, count: images) }, rows: all)
      if try Signals.anyRankReceivedOne(communicator) { return nil }  // all ranks
      watchdog.progress()
      progress.show(min(images, block.upperBound * m))
    }
    return started
  }

  /// The last micro-batch is filled up with the images before it.
  private func images(of microBatch: Int, count: Int) -> Range<Int> {
    let first = min(microBatch * configuration.microBatch, count - configuration.microBatch)
    return first..<first + configuration.microBatch
  }

  private func pixels(of images: Range<Int>) throws -> PixelBatch {
    let pixelsPerImage = configuration.size * configuration.size
    let cache = scan.cache
    var pixels = [Float](repeating: 0, count: images.count * pixelsPerImage)
    try pixels.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer  // each thread writes the image it was given
      try forEachConcurrently(images.count, workers: workers) { index in
        let place = index * pixelsPerImage
        try cache.image(images.lowerBound + index).scaled(
          into: UnsafeMutableBufferPointer(rebasing: buffer[place..<place + pixelsPerImage]))
      }
    }
    return PixelBatch(imageIndices: Array(images), pixels: pixels)
  }
}
