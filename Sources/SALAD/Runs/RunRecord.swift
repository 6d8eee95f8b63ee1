import Foundation
import MPI
import Platform
import Radiographs

/// What `config.json` says of a run: every setting, resolved, and the data it was given.
public struct RunRecord: Codable, Sendable, Equatable {
  /// The version of salad that began the run.
  public var version: String
  public var configuration: Configuration
  public var execution: Execution
  public var data: DataRecord
  /// nil: all weights started at random.
  public var initialWeights: WeightsRecord?
  /// Where the settings come from; nil in runs of before that was noted. No part of what a run is compared by.
  public var origins: Origins?

  /// The training images of a run.
  public struct DataRecord: Codable, Sendable, Equatable {
    /// The data set's folder as seen from RUN: moving both together keeps it true. `--data` replaces it.
    public var path: String
    /// SHA-256 over the relative paths and contents of all images, those kept back among them.
    public var fingerprint: String
    /// N, the images that train.
    public var imageCount: Int
    /// Normal images kept back for calibration; nil: none.
    public var keptBack: Int?
    /// Images that `--bad-images skip` left out.
    public var skipped: [SkippedImage]
    /// The data set's layout, and what was wanted of it; nil in runs of before there was a choice.
    public var selection: DataSelection?

    enum CodingKeys: String, CodingKey {
      case path, fingerprint, skipped, selection
      case imageCount = "images"
      case keptBack = "kept_back"
    }
  }

  /// The file that a run's weights started from.
  public struct WeightsRecord: Codable, Sendable, Equatable {
    /// As seen from RUN.
    public var path: String
    /// 64 hexadecimal digits.
    public var sha256: String
  }

  public init(
    configuration: Configuration, execution: Execution, data: DataRecord, initialWeights: WeightsRecord? = nil,
    origins: Origins? = nil
  ) {
    version = saladVersion
    self.configuration = configuration
    self.execution = execution
    self.data = data
    self.initialWeights = initialWeights
    self.origins = origins
  }

  enum CodingKeys: String, CodingKey {
    case version, configuration, execution, data, origins
    case initialWeights = "initial_weights"
  }
}

// MARK: - Reading

extension RunRecord {
  /// Local. What `config.json` says, of a run that can be.
  ///
  /// - Throws: `SaladError` 65 naming the file and the key that is missing or wrong.
  static func read(_ bytes: [UInt8], path: String) throws -> RunRecord {
    let record = try JSONText.decode(RunRecord.self, from: bytes, path: path)
    try record.check(path: path)
    return record
  }

  /// A training had at least a batch of images.
  func check(path: String) throws {
    let (images, least) = (data.imageCount, max(1, configuration.batchSize))
    guard least <= images, images <= Configuration.mostImages else {
      throw SaladError(
        .badData,
        "\(path): expected \(least) to \(Configuration.mostImages) training images as data.images, found \(images)")
    }
    guard (data.keptBack ?? 0) >= 0 else {
      throw SaladError(.badData, "\(path): expected 0 or more as data.kept_back, found \(data.keptBack ?? 0)")
    }
  }

  /// - Parameter path: of the manifest.
  /// - Throws: `SaladError` 65 unless the checkpoint is of this run, as far as it tells.
  func refuseForeign(_ manifest: Manifest, path: String) throws {
    guard manifest.dataFingerprint == data.fingerprint, manifest.rows == data.imageCount else {
      throw SaladError(
        .badData,
        "\(path): expected a checkpoint of the run's \(data.imageCount) images (fingerprint "
          + "\(data.fingerprint.prefix(12))), found one of other images (\(manifest.rows), fingerprint "
          + "\(manifest.dataFingerprint.prefix(12))): it is of another run: \(Self.cure(path))")
    }
    guard manifest.scoring == configuration.scoring else {
      throw SaladError(
        .badData,
        "\(path): expected \(configuration.scoring.differences(from: manifest.scoring)) as the run's config.json says, "
          + "found another: the checkpoint is of another run: \(Self.cure(path))")
    }
    if let run = manifest.run, let (ours, theirs) = identity.difference(from: run) {
      throw SaladError(
        .badData,
        "\(path): expected a checkpoint begun with \(ours) as the run's config.json says, found one with \(theirs): it is "
          + "of another run: \(Self.cure(path))")
    }
  }

  /// - Parameter manifest: RUN/checkpoints/STEP/manifest.json.
  private static func cure(_ manifest: String) -> String {
    let folder = Files.folder(of: manifest)
    let run = Files.folder(of: Files.folder(of: folder))
    return "put the run's own folder back, or remove \(folder) and \(run)/latest, and train --resume goes on from the "
      + "checkpoint before it"
  }
}

// MARK: - Which run it is

/// Which run a checkpoint is of: what determines its bits beside the images, whose fingerprint the manifest has already.
///
/// Nothing in it tells of time, place, ranks or workers: runs of one identity have the same checkpoints, which may stand
/// in for each other. Settings by name and no hash of them, so that a refusal can say in what two runs differ.
public struct RunIdentity: Codable, Sendable, Equatable {
  /// As text, by the key that config.json has them by.
  public var settings: [String: String]
  /// SHA-256 of the weights that it started from; nil: all at random.
  public var initialWeights: String?

  enum CodingKeys: String, CodingKey {
    case settings
    case initialWeights = "initial_weights_sha256"
  }

  /// What differs in `other`, as flags: ours and theirs, in the same order; nil where it is the same run.
  ///
  /// A setting that only one of them knows came with another version of salad, and tells nothing.
  func difference(from other: RunIdentity) -> (ours: String, theirs: String)? {
    var pairs = settings.keys.sorted().compactMap { key -> (String, String)? in
      guard let ours = settings[key], let theirs = other.settings[key], ours != theirs else { return nil }
      let flag = Configuration.flag(key)
      return ("\(flag) \(ours)", "\(flag) \(theirs)")
    }
    if initialWeights != other.initialWeights {
      func text(_ sha256: String?) -> String {
        sha256.map { "--initial-weights (SHA-256 \($0.prefix(16))...)" } ?? "no --initial-weights"
      }
      pairs.append((text(initialWeights), text(other.initialWeights)))
    }
    guard !pairs.isEmpty else { return nil }
    return (pairs.map(\.0).joined(separator: ", "), pairs.map(\.1).joined(separator: ", "))
  }
}

extension RunRecord {
  /// More rounds are the same run gone on with; what becomes of bad images shows in the fingerprint.
  var identity: RunIdentity {
    var settings = configuration.settings
    settings["rounds"] = nil
    settings["bad_images"] = nil
    // Where none are kept back, no matter which.
    if (configuration.validationFraction ?? 0) == 0 { settings["validation_seed"] = nil }
    return RunIdentity(settings: settings, initialWeights: initialWeights?.sha256)
  }
}

// MARK: - Resuming

extension RunRecord {
  /// Checks that a resume asks for what this run is; only more rounds are another thing it may ask for.
  ///
  /// - Throws: `SaladError` 64 naming the settings that differ.
  public func validateResume(as configuration: Configuration, run: String) throws {
    guard version == saladVersion else {
      throw SaladError(
        .usage,
        "\(run) was begun by salad \(version) and this is \(saladVersion): resume it with salad \(version), or give another "
          + "--run (weights alone can be taken over by --initial-weights or salad import)")
    }
    var comparable = configuration
    if configuration.rounds > self.configuration.rounds { comparable.rounds = self.configuration.rounds }
    // Teams of any size compute the same bits.
    if configuration.threads > 1, self.configuration.threads > 1 {
      comparable.threadsPerMicroBatch = self.configuration.threadsPerMicroBatch
    }
    let differences = comparable.differences(from: self.configuration)
    guard differences.isEmpty else {
      let list = differences.map { "\($0.flag) \($0.theirs), not \($0.ours)" }.joined(separator: ", ")
      throw SaladError(.usage, "\(run) was begun with \(list): leave the flag away, or give another --run")
    }
  }

  /// The data set's folder of a resume that names none.
  public func dataPath(run: String) -> String {
    RelativePath.resolve(data.path, from: run)
  }
}

extension RunRecord.WeightsRecord {
  /// All ranks. What a new run remembers of the file at `path`.
  ///
  /// - Throws: `SaladError` on all ranks when a rank cannot read it.
  static func of(_ path: String, run: String, communicator: Communicator) throws -> Self {
    let sha256 = try agree(communicator) {  // all ranks
      try FileSystem.require(path, "a safetensors file of initial weights")
      return try FileSystem.digest(path, stopping: true).sha256
    }
    return Self(path: RelativePath.of(path, from: run), sha256: sha256)
  }

  /// Local. The file's path, once its bytes are known to be those that the run began with.
  func verifiedPath(run: String) throws -> String {
    let path = RelativePath.resolve(path, from: run)
    try FileSystem.require(path, "the weights that \(run) was begun with")
    let found = try FileSystem.digest(path, stopping: true).sha256
    guard found == sha256 else {
      throw SaladError(
        .badData,
        "\(path): expected the weights that \(run) was begun with (SHA-256 \(sha256.prefix(16))...), found others "
          + "(\(found.prefix(16))...)")
    }
    return path
  }
}

/// Paths that hold no absolute one, so that folders can move together.
enum RelativePath {
  /// `target` as seen from the folder `base`, links resolved: `../phantoms`.
  static func of(_ target: String, from base: String) -> String {
    let target = components(target)
    let base = components(base)
    // As bytes: Unicode calls names equal that are those of two folders.
    let common = zip(target, base).prefix { $0.utf8.elementsEqual($1.utf8) }.count
    let path = Array(repeating: "..", count: base.count - common) + target[common...]
    return path.isEmpty ? "." : path.joined(separator: "/")
  }

  static func resolve(_ path: String, from base: String) -> String {
    "/" + normalised(components(base) + parts(of: path)).joined(separator: "/")
  }

  private static func components(_ path: String) -> [String] {
    parts(of: URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path)
  }

  /// As bytes: a slash and a combining mark behind it are one `Character`, and no slash.
  private static func parts(of path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func normalised(_ components: [String]) -> [String] {
    var result: [String] = []
    for component in components {
      switch component {
      case ".": continue
      case "..": _ = result.popLast()
      default: result.append(component)
      }
    }
    return result
  }
}
