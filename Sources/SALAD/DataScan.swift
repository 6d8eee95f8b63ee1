import Foundation
import MPI
import Radiographs
import Synchronization

/// An image that `--bad-images skip` left out.
public struct SkippedImage: Codable, Sendable, Equatable {
  public var path: String
  /// One sentence.
  public var reason: String
}

/// The training images of a data set: every one was read once, so that a bad one is found before training starts.
public struct DataScan: Sendable {
  /// The data set's folder.
  public let root: String
  /// N relative paths; an image's index is its place here.
  public let images: [String]
  public let skipped: [SkippedImage]
  /// SHA-256 over paths and contents of `images`, 64 hexadecimal digits.
  public let fingerprint: String
  /// Their resized pixels: this rank's share of the scan, as far as the memory allows.
  public let cache: ImageCache

  /// All ranks. Relative paths of the training images under `root`, as rank 0 sees them.
  ///
  /// - Throws: `SaladError` 65 when there is no such folder or it holds no training image.
  public static func list(root: String, communicator: Communicator) throws -> [String] {
    let listed = try agree(communicator) {  // all ranks
      communicator.isRoot ? try ImageFolder(root: root).trainingImages() : []
    }
    return try communicator.broadcast(paths: listed)  // all ranks
  }

  /// All ranks. Reads every image of `paths`, each rank its share.
  ///
  /// - Parameters:
  ///   - paths: what `list` found.
  ///   - workers: threads of this rank.
  ///   - cacheMemory: bytes of this rank's cache.
  /// - Throws: `SaladError` 65 on all ranks, naming file and reason, when an image is bad and that is not to be
  ///   skipped, or when nothing is left.
  public init(
    root: String, paths: [String], configuration: Configuration, workers: Int, cacheMemory: Int,
    communicator: Communicator, watchdog: Watchdog
  ) throws {
    let cache = ImageCache(
      root: root, paths: paths, side: configuration.size, fit: configuration.fit, limit: cacheMemory)
    let progress = ProgressDisplay("reading images", unit: "images", total: paths.count, isShown: communicator.isRoot)
    watchdog.enter("reading images", step: nil)

    var digests: [[UInt8]] = []  // of all images, empty for a bad one
    var bad: [SkippedImage] = []
    // The ranks keep step, so that none waits long for a slower one.
    for start in stride(from: 0, to: paths.count, by: communicator.size * Self.imagesPerBlock) {
      let block = start..<min(paths.count, start + communicator.size * Self.imagesPerBlock)
      let mine = block.filter { $0 % communicator.size == communicator.rank }
      let findings = try Self.read(mine, of: cache, workers: workers, watchdog: watchdog)  // mine

      let gathered = try Self.gather(findings, communicator: communicator)  // all ranks
      for index in block {
        let finding = gathered[index % communicator.size][(index - start) / communicator.size]
        digests.append(finding.digest ?? [])
        if let reason = finding.reason { bad.append(SkippedImage(path: paths[index], reason: reason)) }
      }
      progress.show(block.upperBound)
    }

    if configuration.badImages == .fail, let first = bad.first {
      let others = bad.count > 1 ? " (and \(bad.count - 1) more like it)" : ""
      throw SaladError(.badData, "\(first.reason)\(others): mend or remove it, or give --bad-images skip")
    }
    let good = paths.indices.filter { !digests[$0].isEmpty }
    guard !good.isEmpty else {
      throw SaladError(.badData, "\(root): none of its \(paths.count) training images can be read")
    }
    self.root = root
    images = good.map { paths[$0] }
    skipped = bad
    fingerprint = DataSetFingerprint.hexadecimal(paths: images, digests: good.map { digests[$0] })
    self.cache =
      bad.isEmpty
      ? cache
      : ImageCache(root: root, paths: images, side: configuration.size, fit: configuration.fit, limit: cacheMemory)
  }

  private static let imagesPerBlock = 256

  // MARK: Reading

  /// What became of one image: its digest or a reason.
  private struct Finding: Codable, Sendable {
    /// SHA-256 of the file's bytes.
    var digest: [UInt8]?
    var reason: String?
  }

  /// Local. Reads these images; a bad one is a finding, not an error.
  private static func read(
    _ indices: [Int], of cache: ImageCache, workers: Int, watchdog: Watchdog
  ) throws -> [Finding] {
    let findings = Mutex([Finding](repeating: Finding(), count: indices.count))
    try forEachConcurrently(indices.count, workers: workers) { position in
      let finding: Finding
      do {
        finding = Finding(digest: try cache.imageAndDigest(indices[position]).1)
      } catch {
        finding = Finding(reason: SaladError(error).description)
      }
      findings.withLock { $0[position] = finding }
      watchdog.progress()
    }
    return findings.withLock { $0 }
  }

  /// All ranks. Every rank's findings, in rank order.
  private static func gather(_ findings: [Finding], communicator: Communicator) throws -> [[Finding]] {
    let bytes = Array(try JSONEncoder().encode(findings))
    return try communicator.allGatherV(bytes).map {  // all ranks
      try JSONDecoder().decode([Finding].self, from: Data($0))
    }
  }
}
