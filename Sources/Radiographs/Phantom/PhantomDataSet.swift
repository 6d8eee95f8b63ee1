import Platform

/// A deterministic synthetic chest X-ray data set in the folder layout.
///
///     OUT/train/good/0001.png ...
///     OUT/test/good/0001.png ...
///     OUT/test/{opacity,nodule,effusion,device}/0001.png ...
///     OUT/ground_truth/{opacity,nodule,effusion,device}/0001_mask.png ...      with masks
///
/// Image i of a split is a function of the seed, the split and i alone: a larger data set begins with the smaller one.
/// Anomalous images take the four kinds in turn; their anatomy, pose, exposure and noise are drawn as the normal ones'
/// are. Equal arguments give equal bytes on one machine.
public struct PhantomDataSet: Sendable {
  /// The sides that can be drawn, in pixels.
  public static let sizes = 32...2048

  public var train: Int
  public var testNormal: Int
  public var testAnomalous: Int
  public var size: Int
  public var seed: UInt64
  public var masks: Bool

  /// - Parameters:
  ///   - train: Normal images for training.
  ///   - testNormal: Normal images for testing.
  ///   - testAnomalous: Anomalous images for testing, of all four kinds together.
  ///   - size: Width and height in pixels, one of ``sizes``.
  ///   - seed: Another seed, other patients.
  ///   - masks: Whether to write where each anomaly is: white on black, 8-bit gray.
  public init(train: Int, testNormal: Int, testAnomalous: Int, size: Int, seed: UInt64, masks: Bool) {
    precondition(
      train >= 0 && testNormal >= 0 && testAnomalous >= 0,
      "counts must not be negative: \(train) for training, \(testNormal) normal and \(testAnomalous) anomalous for testing"
    )
    precondition(
      Self.sizes.contains(size),
      "size \(size): phantoms are drawn from \(Self.sizes.lowerBound) to \(Self.sizes.upperBound) pixels wide")
    self.train = train
    self.testNormal = testNormal
    self.testAnomalous = testAnomalous
    self.size = size
    self.seed = seed
    self.masks = masks
  }

  /// Draws the data set into a folder, which is made if it does not exist; folders that would hold nothing are not made.
  ///
  /// What was written is removed again when something goes wrong. About 15 ms a core for an image of 256 x 256 pixels.
  ///
  /// - Parameter progress: Called now and then on this thread with the images written so far and the number wanted.
  /// - Throws: ``RadiographError`` of kind `inputOutput` when the folder is not empty or cannot be written, and of kind
  ///   `stopped` when a signal comes.
  public func write(to folder: String, progress: (Int, Int) -> Void) throws {
    let made = try Self.prepare(folder)
    do {
      let images = images
      for path in Set(images.flatMap { [$0.path] + ($0.maskPath.map { [$0] } ?? []) }.map(Self.parent)).sorted() {
        try Self.make(folder + "/" + path)
      }
      // Images are independent of one another, so threads take them as they come.
      let block = 4 * max(1, Host.activeCores)
      progress(0, images.count)
      for start in stride(from: 0, to: images.count, by: block) {
        let end = min(start + block, images.count)
        try forEachConcurrently(end - start, workers: Host.activeCores) { [self] in
          try Self.throwIfStopped(folder)
          try write(images[start + $0], to: folder)
        }
        progress(end, images.count)
      }
    } catch {
      for part in made ? [folder] : Self.parts.map({ folder + "/" + $0 }) {
        try? Files.remove(part)
      }
      throw error
    }
  }

  private static func throwIfStopped(_ folder: String) throws {
    do {
      try Signals.throwIfReceived()
    } catch {
      throw RadiographError(
        kind: .stopped, path: folder, "\(folder): \(error) while it was drawn: what was drawn is removed again.")
    }
  }

  // MARK: What there is to draw

  private struct Image: Sendable {
    var split: Phantom.Split
    var index: Int
    var anomaly: Anomaly?
    var path: String
    var maskPath: String?
  }

  private var images: [Image] {
    let training = (0..<train).map {
      Image(split: .train, index: $0, path: "train/good/\(Self.name($0))\(PNG.suffix)")
    }
    let normal = (0..<testNormal).map {
      Image(split: .testNormal, index: $0, path: "test/good/\(Self.name($0))\(PNG.suffix)")
    }
    let kinds = Anomaly.allCases
    let anomalous = (0..<testAnomalous).map { index in
      let kind = kinds[index % kinds.count]
      let name = Self.name(index / kinds.count)
      return Image(
        split: .testAnomalous, index: index, anomaly: kind, path: "test/\(kind.rawValue)/\(name)\(PNG.suffix)",
        maskPath: masks ? "ground_truth/\(kind.rawValue)/\(name)_mask\(PNG.suffix)" : nil)
    }
    return training + normal + anomalous
  }

  /// 0001 for the first.
  private static func name(_ index: Int) -> String {
    let digits = String(index + 1)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private func write(_ image: Image, to folder: String) throws {
    let phantom = Phantom(
      seed: seed, split: image.split, index: image.index, size: size, anomaly: image.anomaly)
    try phantom.radiograph.writePNG(to: folder + "/" + image.path)
    if let path = image.maskPath, let mask = phantom.mask {
      try mask.writePNG(to: folder + "/" + path)
    }
  }

  // MARK: Folders

  /// The folders that a data set is made of.
  private static let parts = ["train", "test", "ground_truth"]

  /// Makes an empty folder or finds it empty.
  ///
  /// - Returns: Whether it was made.
  private static func prepare(_ folder: String) throws -> Bool {
    guard let status = try? FileStatus(folder) else {
      try make(folder)
      return true
    }
    guard status.kind == .folder else {
      throw RadiographError(
        kind: .inputOutput, path: folder, "\(folder): expected a new or empty folder to draw into, found a file.")
    }
    let contents: [Folder.Entry]
    do {
      contents = try Folder.entries(of: folder).entries
    } catch {
      throw RadiographError(
        kind: .inputOutput, path: folder, "\(folder): this folder cannot be read: \(error.reason).")
    }
    if let first = contents.first?.name {
      throw RadiographError(
        kind: .inputOutput, path: folder,
        "\(folder): expected a new or empty folder to draw into, found \"\(first)\" in it.")
    }
    return false
  }

  private static func make(_ folder: String) throws {
    do {
      try Folder.make(folder)
    } catch {
      throw RadiographError(
        kind: .inputOutput, path: folder, "\(folder): this folder cannot be made: \(error.reason).")
    }
  }

  private static func parent(_ path: String) -> String {
    path.split(separator: "/").dropLast().joined(separator: "/")
  }
}
