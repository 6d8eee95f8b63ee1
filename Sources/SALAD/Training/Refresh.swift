import MPI
import Platform
import MemoryBank

/// The bank that scores, made with the final weights: momentum rows lag behind a network that still moves, and level features
/// are other numbers than theirs.
struct Refresh {
  /// Takes nothing out of features yet.
  let embedder: Embedder
  /// Of the direction in which exposures move features, in 0...1; nil: none.
  let exposureDamping: Double?
  let scan: DataScan
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks. A bank whose rows are the features of the clean training images; each rank embeds the rows it owns.
  ///
  /// - Returns: the bank, and what made its rows; nil on all ranks when a signal asked to stop.
  func run() throws -> (bank: MemoryBank, embedder: Embedder)? {
    var embedder = embedder
    if let exposureDamping {
      let pass = ExposurePass(embedder: embedder, scan: scan, communicator: communicator, watchdog: watchdog)
      guard let axis = try pass.run() else { return nil }  // all ranks
      embedder.exposure = ExposureDirection(axis: axis, damping: exposureDamping)
    }
    return try bank(of: embedder).map { ($0, embedder) }  // all ranks
  }

  private func bank(of embedder: Embedder) throws -> MemoryBank? {
    watchdog.enter("refreshing the bank", step: nil)
    let bank = MemoryBank(
      rows: scan.images.count, dimension: embedder.featureCount, workers: embedder.replica.workers,
      communicator: communicator)
    let progress = ProgressDisplay(
      "refreshing the bank", unit: "images", total: bank.sharding.rows, isShown: communicator.isRoot)
    let cache = scan.cache
    let blocks = Share.blocks(of: bank.ownedRows, size: embedder.imagesPerBlock)
    let mostBlocks = try communicator.allReduce(Int64(blocks.count), .max)  // all ranks

    var refreshed = bank
    var done = 0
    // The ranks keep step, so that none waits long for a slower one and all see a bad image or a signal together.
    for number in 0..<Int(mostBlocks) {
      let block = number < blocks.count ? Array(blocks[number]) : []
      let features = try agree(communicator) {  // all ranks
        try embedder.features(of: embedder.read(block.count) { try cache.image(block[$0]) })
      }
      refreshed.replace(imageIndices: block, rows: features)  // mine
      if try Signals.anyRankReceivedOne(communicator) { return nil }  // all ranks
      watchdog.progress()
      done += Int(try communicator.allReduce(Int64(block.count), .sum))  // all ranks
      progress.show(done)
    }
    return refreshed
  }
}
