import MPI
import Platform
import Radiographs

// F = features of an image

/// The direction in which other exposures move images' features, taken out of them in part: another hospital's normal images
/// would otherwise lie off all prototypes along it.
///
///     f' = f - damping (f . u) u
///
/// u is the principal axis of the moves that `Exposure.others` cause in training images. docs/ablation.md has the trials.
struct ExposureDirection: Equatable {
  /// u: F numbers, of length 1; zeros where exposures move nothing. Double, so that text keeps every bit.
  let axis: [Double]
  /// In 0...1: 0 takes nothing out, 1 all.
  let damping: Double

  /// - Parameter features: (rows, F).
  func damp(_ features: inout [Float]) {
    features.withUnsafeMutableBufferPointer { features in
      for start in stride(from: 0, to: features.count, by: axis.count) {
        var share = 0.0
        for index in axis.indices { share += Double(features[start + index]) * axis[index] }
        share *= damping
        for index in axis.indices {
          features[start + index] = Float(Double(features[start + index]) - share * axis[index])
        }
      }
    }
  }

  /// The axis along which rows are longest in the mean square, by power iteration from the longest of them; zeros where all
  /// rows are. Local; one order of operations, so that all ranks find the same bits.
  ///
  /// - Parameter rows: (rows, F).
  static func principalAxis(of rows: [Float], count features: Int) -> [Double] {
    rows.withUnsafeBufferPointer { rows in
      func row(_ start: Int, along axis: [Double]) -> Double {
        var sum = 0.0
        for index in 0..<features { sum += Double(rows[start + index]) * axis[index] }
        return sum
      }
      let starts = stride(from: 0, to: rows.count, by: features)
      var (axis, longest) = ([Double](repeating: 0, count: features), 0.0)
      for start in starts {
        let vector = rows[start..<start + features].map(Double.init)
        let square = vector.reduce(0) { $0 + $1 * $1 }
        if square > longest { (axis, longest) = (normalised(vector), square) }
      }
      guard longest > 0 else { return axis }
      for _ in 0..<mostIterations {
        var next = [Double](repeating: 0, count: features)
        for start in starts {
          let weight = row(start, along: axis)
          for index in 0..<features { next[index] += weight * Double(rows[start + index]) }
        }
        next = normalised(next)
        let cosine = zip(axis, next).reduce(0) { $0 + $1.0 * $1.1 }
        axis = next
        if cosine > 1 - 1e-12 { break }
      }
      return axis
    }
  }

  private static let mostIterations = 200

  private static func normalised(_ vector: [Double]) -> [Double] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : vector
  }
}

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
