import Foundation
import MPI
import Platform
import Radiographs

/// Reads every image of a data set once, the ranks sharing them, and compares what they show.
struct CensusScan {
  let workers: Int
  let communicator: Communicator
  let watchdog: Watchdog

  /// A thread's images, or rows of pairs, between two looks at whether a signal asked to stop.
  private static let itemsPerThread = 64

  /// All ranks. One report an image, in order and equal on all ranks.
  ///
  /// - Parameter paths: that open the images.
  func images(_ paths: [String]) throws -> [CensusImage] {
    let progress = ProgressDisplay(
      "reading images", unit: "images", total: paths.count, isShown: communicator.isRoot)
    watchdog.enter("reading images", step: nil)
    var images: [CensusImage] = []
    for block in Share.blocks(of: paths.indices, size: try threads() * Self.itemsPerThread) {
      let share = Share.range(of: communicator.rank, ranks: communicator.size, count: block.count)
      let first = block.lowerBound + share.lowerBound
      let found = Monitor([CensusImage?](repeating: nil, count: share.count))
      try forEachConcurrently(share.count, workers: workers) { index in  // mine
        let image = CensusImage(path: paths[first + index])
        found.update { $0[index] = image }
      }
      images += try communicator.allGather(records: found.read { $0.compactMap { $0 } })  // all ranks
      watchdog.progress()
      progress.show(block.upperBound)
      try Signals.throwIfAnyRankReceivedOne(communicator, "while images were read")  // all ranks
    }
    return images
  }

  /// Two images that look alike, and how many of `PictureHash.gradientBits` differ.
  struct Pair: Codable, Equatable {
    var first: Int
    var second: Int
    var distance: Int
  }

  /// All ranks. Pairs of different pictures that look alike, in order: every pair is compared.
  ///
  /// - Parameter pictures: nil of images that could not be read.
  func pairs(_ pictures: [PictureHash?]) throws -> [Pair] {
    let progress = ProgressDisplay(
      "comparing pictures", unit: "images", total: pictures.count, isShown: communicator.isRoot)
    watchdog.enter("comparing pictures", step: nil)
    var pairs: [Pair] = []
    let (rank, ranks) = (communicator.rank, communicator.size)
    for block in Share.blocks(of: pictures.indices, size: try threads() * Self.itemsPerThread) {
      // Later rows have fewer partners: the ranks take turns.
      let mine = block.filter { $0 % ranks == rank }
      let found = Monitor([Pair]())
      try forEachConcurrently(mine.count, workers: workers) { index in  // mine
        let first = mine[index]
        guard let picture = pictures[first] else { return }
        for second in first + 1..<max(first + 1, pictures.count) {
          guard let other = pictures[second], other.content != picture.content else { continue }
          let distance = picture.distance(to: other)
          if distance <= PictureHash.nearDistance {
            found.update { $0.append(Pair(first: first, second: second, distance: distance)) }
          }
        }
      }
      pairs += try communicator.allGather(records: found.read { $0 })  // all ranks
      watchdog.progress()
      progress.show(block.upperBound)
      try Signals.throwIfAnyRankReceivedOne(communicator, "while pictures were compared")  // all ranks
    }
    return pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
  }

  /// All ranks.
  private func threads() throws -> Int { Int(try communicator.allReduce(Int64(workers), .sum)) }  // all ranks
}
