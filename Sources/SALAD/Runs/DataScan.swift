import MPI
import Platform
import Radiographs

/// An image that `--bad-images skip` left out.
public struct SkippedImage: Codable, Sendable, Equatable {
  public var path: String
  /// One sentence.
  public var reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}

/// The training images of a data set: every one was read once, so that a bad one is found before training starts.
public struct DataScan: Sendable {
  /// The data set's folder.
  public let root: String
  /// N relative paths of the images that train; an image's index is its place here.
  public let images: [String]
  /// What `images` show, and whose they are where that is known.
  public let pictures: [PictureHash]
  public let patients: [String?]
  /// Relative paths of the normal images kept back for calibration, what they show, and whose they are.
  public let keptBack: [String]
  public let keptBackPictures: [PictureHash]
  public let keptBackPatients: [String?]
  public let skipped: [SkippedImage]
  /// SHA-256 over paths and contents of `images` and `keptBack`, 64 hexadecimal digits.
  public let fingerprint: String
  /// Resized pixels of `images`: this rank's share of the scan, as far as the memory allows.
  public let cache: ImageCache

  /// All ranks. Reads every image, each rank its share.
  ///
  /// - Parameters:
  ///   - listed: the training images.
  ///   - configuration: the settings.
  ///   - workers: threads of this rank.
  ///   - cacheMemory: bytes of this rank's cache.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  /// - Throws: `SaladError` 65 on all ranks, naming file and reason, when an image is bad and that is not to be
  ///   skipped, or when nothing is left.
  public init(
    _ listed: ListedImages, configuration: Configuration, workers: Int, cacheMemory: Int,
    communicator: Communicator, watchdog: Watchdog
  ) throws {
    let (root, paths) = (listed.root, listed.paths)
    let cache = ImageCache(
      root: root, paths: paths, side: configuration.size, fit: configuration.fit, limit: cacheMemory)
    let findings = try SharedScan.run(  // all ranks
      cache, title: "reading images", workers: workers, communicator: communicator, watchdog: watchdog)

    let bad = paths.indices.compactMap { index in
      findings[index].reason.map { SkippedImage(path: paths[index], reason: $0) }
    }
    if configuration.badImages == .fail, let first = bad.first {
      let others = bad.count > 1 ? " (and \(bad.count - 1) more like it)" : ""
      throw SaladError(.badData, "\(first.reason)\(others): mend or remove it, or give --bad-images skip")
    }
    try Self.checkSame(findings, paths: paths, root: root, communicator: communicator)  // all ranks
    let good = paths.indices.filter { findings[$0].reason == nil }
    guard !good.isEmpty else {
      throw SaladError(.badData, "\(root): none of its \(paths.count) training images can be read")
    }
    let goodPaths = good.map { paths[$0] }
    let scanned = good.compactMap { findings[$0].image }
    self.root = root
    skipped = bad
    fingerprint = DataSetFingerprint.hexadecimal(paths: goodPaths, digests: scanned.map(\.digest))

    let goodPatients = good.map { listed.images[$0].facts.patient }
    let keptBack = ValidationSplit.keptBack(
      paths: goodPaths, patients: goodPatients, pictures: scanned.map(\.picture),
      fraction: configuration.validationFraction ?? 0,
      seed: configuration.validationSeed ?? configuration.seed)
    self.keptBack = keptBack.map { goodPaths[$0] }
    keptBackPictures = keptBack.map { scanned[$0].picture }
    keptBackPatients = keptBack.map { goodPatients[$0] }
    let training = Set(good.indices).subtracting(keptBack).sorted()
    images = training.map { goodPaths[$0] }
    pictures = training.map { scanned[$0].picture }
    patients = training.map { goodPatients[$0] }
    self.cache = ImageCache(cache, selecting: training.map { good[$0] })
  }

  /// Images that each rank reads again.
  private static let samples = 8

  /// All ranks. Throws unless a few images, whichever rank read them, are the same here: a host may have a copy of its own,
  /// and training reads every image on every rank some day.
  private static func checkSame(
    _ findings: [SharedScan.Finding], paths: [String], root: String, communicator: Communicator
  ) throws {
    try agree(communicator) {  // all ranks
      guard communicator.size > 1 else { return }
      for sample in 0..<min(samples, paths.count) {
        // Other ones on each rank.
        let index = (sample * paths.count / samples + communicator.rank) % paths.count
        guard let expected = findings[index].image?.digest else { continue }
        let path = "\(root)/\(paths[index])"
        var hash = SHA256()
        hash.update(try ImageFile(path).bytes)
        guard hash.finalise() == expected else {
          throw SaladError(
            .badData,
            "\(path): expected the bytes that another rank read, found others on \(Host.name): all ranks must have the "
              + "same images")
        }
      }
    }
  }
}
