import Foundation
import MPI
import Platform
import Radiographs
import SALAD

/// Images from their files to the network's size: read, decoded, resized, by each rank's workers; a row a format.
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
    let drawn = try agree(bench.communicator) { try Self.images(in: scratch) }  // all ranks
    var record = try measure(bench, [("PNG", drawn)])  // all ranks
    let copies = try agree(bench.communicator) { try Self.copies(of: drawn, in: scratch) }  // all ranks
    record.addRates(of: try measure(bench, copies))  // all ranks
    return record
  }

  /// Local. The same pictures in the other formats.
  private static func copies(of paths: [String], in folder: String) throws -> [(format: String, paths: [String])] {
    let jpeg = try paths.indices.map { index in
      let path = "\(folder)/\(index).jpg"
      try Radiograph(contentsOf: paths[index]).writeJPEG(to: path)
      return path
    }
    let tiff = try paths.indices.map { index in
      let path = "\(folder)/\(index).tif"
      try Radiograph(contentsOf: paths[index]).writeTIFF(to: path)
      return path
    }
    return [("JPEG", jpeg), ("TIFF", tiff)]
  }

  /// All ranks. The pictures under a folder, by their formats.
  private func measure(_ bench: BenchSession, folder: String) throws -> BenchRecord {
    let formats = try agree(bench.communicator) {  // all ranks
      let paths = try Self.images(in: folder)
      let names = try paths.map { try ImageFile($0).formatName }
      return Set(names).sorted().map { name in
        (format: name, paths: paths.indices.filter { names[$0] == name }.map { paths[$0] })
      }
    }
    return try measure(bench, formats)  // all ranks
  }

  /// All ranks. Every rank reads all images, so that all have the same work.
  private func measure(_ bench: BenchSession, _ formats: [(format: String, paths: [String])]) throws -> BenchRecord {
    var record = BenchRecord()
    let ranks = Double(bench.communicator.size)
    var (all, images, bytes) = ([Double](), 0.0, 0)
    for (format, paths) in formats {
      let times = try times(bench, paths)  // all ranks
      record.record(rate: Double(paths.count) * ranks, seconds: times, group: Self.rate(of: format))
      all = all.isEmpty ? times : zip(all, times).map(+)
      images += Double(paths.count) * ranks
      bytes += try paths.reduce(0) { try $0 + ImageFile($1).bytes.count }
    }
    record.record(seconds: all, group: "all_images")
    record.record(rate: images, seconds: all, group: "images_per_second")
    record["images"] = images
    record["megabytes_per_second"] = Double(bytes) * ranks / Spread(all).median / 1e6
    return record
  }

  /// `jpeg_images_per_second`.
  private static func rate(of format: String) -> String { "\(format.lowercased())_images_per_second" }

  /// All ranks. Seconds that the images take, over and over.
  private func times(_ bench: BenchSession, _ paths: [String]) throws -> [Double] {
    let preparation = Preparation(side: bench.configuration.size, fit: bench.configuration.fit)
    let pixels = preparation.side * preparation.side
    return try bench.times {  // all ranks
      try agree(bench.communicator) {  // all ranks
        try forEachConcurrently(paths.count, workers: bench.workers) { index in
          let image = preparation(try Radiograph(contentsOf: paths[index]))
          precondition(image.pixels.count == pixels, "\(image.pixels.count) pixels")
        }
      }
    }
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

extension BenchRecord {
  /// Adds how many things a second came, over some times.
  fileprivate mutating func record(rate things: Double, seconds: [Double], group: String) {
    let spread = Spread(seconds)
    self[group: group] = [
      "median": things / spread.median, "slowest": things / spread.most, "fastest": things / spread.least,
    ]
  }

  /// The rows of formats that `other` has.
  fileprivate mutating func addRates(of other: BenchRecord) {
    for (name, group) in other.groups where name.hasSuffix("_images_per_second") { self[group: name] = group }
  }
}
