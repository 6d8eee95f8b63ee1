import Foundation
import MPI
import Platform
import Radiographs

/// Reads many images before work begins, the ranks sharing them.
enum SharedScan {
  /// What became of one image.
  struct Finding: Codable {
    /// nil for a bad image.
    var image: ScannedImage?
    /// What is wrong with it, in one sentence.
    var reason: String?

    init(_ result: Result<ScannedImage, RadiographError>) {
      switch result {
      case .success(let image): self.image = image
      case .failure(let error): reason = SaladError(error).description
      }
    }
  }

  /// A thread's images between two looks at whether a signal asked to stop.
  private static let imagesPerThread = 16

  /// All ranks. One finding an image of `cache`, in order and equal on all ranks; each rank's cache keeps its share.
  ///
  /// - Parameters:
  ///   - title: of the progress display.
  ///   - workers: threads of this rank.
  static func run(
    _ cache: ImageCache, title: String, workers: Int, communicator: Communicator, watchdog: Watchdog
  ) throws -> [Finding] {
    let paths = cache.paths
    let progress = ProgressDisplay(title, unit: "images", total: paths.count, isShown: communicator.isRoot)
    watchdog.enter(title, step: nil)

    var findings: [Finding] = []
    // The ranks keep step, so that none waits long for a slower one.
    let threads = Int(try communicator.allReduce(Int64(workers), .sum))  // all ranks
    for block in Share.blocks(of: paths.indices, size: threads * imagesPerThread) {
      let share = Share.range(of: communicator.rank, ranks: communicator.size, count: block.count)
      let mine = block.lowerBound + share.lowerBound..<block.lowerBound + share.upperBound
      let found = cache.scan(mine, threads: workers) { _ in watchdog.progress() }.map(Finding.init)  // mine
      findings += try communicator.allGather(records: found)  // all ranks
      progress.show(block.upperBound)
      try Signals.throwIfAnyRankReceivedOne(communicator, "while images were read")  // all ranks
    }
    return findings
  }
}

extension Communicator {
  /// All ranks. Every rank's records, in rank order: for a few, since they travel as text.
  func allGather<Record: Codable>(records: [Record]) throws -> [Record] {
    let bytes = Array(try JSONEncoder().encode(records))
    return try allGatherV(bytes).flatMap {  // all ranks
      try JSONDecoder().decode([Record].self, from: Data($0))
    }
  }
}
