import Foundation
import MPI
import Platform
import Radiographs
import SALAD

/// Images from their files to the network's size: read, decoded, resized, by each rank's workers.
struct DataLoadingBench: BenchSubject {
  static let name = "data_loading"

  /// Of images; nil: a few phantoms are drawn.
  let folder: String?

  private static let drawn = 4
  private static let drawnSide = 1024

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    if let folder { return try measure(bench, folder: folder) }  // all ranks
    let scratch = Folder.temporary("salad-bench")
    defer { try? Files.remove(scratch) }
    // Each rank draws its own: ranks of several hosts have no folder in common.
    try agree(bench.communicator) {  // all ranks
      try PhantomDataSet(
        train: Self.drawn, testNormal: 0, testAnomalous: 0, size: Self.drawnSide, seed: 0, masks: false
      ).write(to: scratch) { _, _ in bench.watchdog.progress() }
    }
    return try measure(bench, folder: scratch)  // all ranks
  }

  /// All ranks. Every rank reads all images, so that all have the same work.
  private func measure(_ bench: BenchSession, folder: String) throws -> BenchRecord {
    let (side, fit) = (bench.configuration.size, bench.configuration.fit)
    let paths = try agree(bench.communicator) { try Self.images(in: folder) }  // all ranks
    let times = try bench.times {  // all ranks
      try agree(bench.communicator) {  // all ranks
        try forEachConcurrently(paths.count, workers: bench.workers) { index in
          let image = try Radiograph(contentsOf: paths[index]).resized(to: side, fit: fit)
          precondition(image.pixels.count == side * side, "\(image.pixels.count) pixels")
        }
      }
    }

    var record = BenchRecord()
    let spread = Spread(times)
    let images = Double(paths.count * bench.communicator.size)
    record.record(seconds: times, group: "all_images")
    record[group: "images_per_second"] = [
      "median": images / spread.median, "slowest": images / spread.most, "fastest": images / spread.least,
    ]
    let bytes = try paths.reduce(0) { try $0 + ImageFile($1).bytes.count }
    record["images"] = images
    record["megabytes_per_second"] = Double(bytes * bench.communicator.size) / spread.median / 1e6
    return record
  }

  /// Local. All pictures under a folder, sorted.
  private static func images(in folder: String) throws -> [String] {
    let images = try ImageFolder.images(under: folder).images
    guard !images.isEmpty else {
      throw SaladError(.badData, "\(folder): expected \(ImageFile.names) images, found none")
    }
    return images.map { "\(folder)/\($0)" }
  }
}
