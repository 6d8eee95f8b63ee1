import MPI
import Platform
import Radiographs

// F = features of an image

/// Finds the direction of a trained network's features.
struct ExposurePass {
  /// Without a direction of its own.
  let embedder: Embedder
  let scan: DataScan
  let communicator: Communicator
  let watchdog: Watchdog

  /// So many training images, evenly spaced, show the direction well enough.
  private static let mostImages = 256

  /// All ranks. The axis: F numbers.
  ///
  /// - Returns: nil on all ranks when a signal asked to stop.
  func run() throws -> [Double]? {
    watchdog.enter("measuring what exposures do", step: nil)
    let total = scan.images.count
    let chosen = min(total, Self.mostImages)
    let progress = ProgressDisplay(
      "measuring what exposures do", unit: "images", total: chosen, isShown: communicator.isRoot)
    let exposures = [Exposure()] + Exposure.others
    let (mine, cache) = (Share.range(of: communicator.rank, ranks: communicator.size, count: chosen), scan.cache)
    let blocks = Share.blocks(of: mine, size: max(1, embedder.imagesPerBlock / exposures.count))
    let mostBlocks = try communicator.allReduce(Int64(blocks.count), .max)  // all ranks

    var moves: [Float] = []
    var done = 0
    for number in 0..<Int(mostBlocks) {
      let block = number < blocks.count ? Array(blocks[number]) : []
      let features = try agree(communicator) {  // all ranks
        try embedder.features(
          of: embedder.read(block.count * exposures.count, exposure: { exposures[$0 % exposures.count] }) {
            try cache.image(block[$0 / exposures.count] * total / chosen)
          })
      }
      moves += Self.moves(features, exposures: exposures.count, features: embedder.featureCount)
      if try Signals.anyRankReceivedOne(communicator) { return nil }  // all ranks
      watchdog.progress()
      done += Int(try communicator.allReduce(Int64(block.count), .sum))  // all ranks
      progress.show(done)
    }
    let all = try communicator.allGatherV(moves).flatMap { $0 }  // all ranks
    return ExposureDirection.principalAxis(of: all, count: embedder.featureCount)
  }

  /// (images, exposures, F) to (images, exposures - 1, F): how far each lies from its image as it is.
  private static func moves(_ rows: [Float], exposures: Int, features: Int) -> [Float] {
    var moves: [Float] = []
    moves.reserveCapacity(rows.count)
    for image in stride(from: 0, to: rows.count, by: exposures * features) {
      for exposure in 1..<exposures {
        for index in 0..<features { moves.append(rows[image + exposure * features + index] - rows[image + index]) }
      }
    }
    return moves
  }
}
