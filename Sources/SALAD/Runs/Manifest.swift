import ExactSum
import MemoryBank
import Platform
import Radiographs

/// Which bank: `refreshed`, recomputed with the final weights, or `momentum`, the one that training continues.
public enum BankKind: String, Codable, Sendable, CaseIterable {
  case refreshed, momentum

  /// How the names of its shards begin.
  var filePrefix: String { self == .refreshed ? "bank" : "momentum" }
}

/// What a checkpoint says of itself; written last, so that its presence means that all else is there.
public struct Manifest: Codable, Sendable, Equatable {
  /// A file beside the manifest.
  public struct File: Codable, Sendable, Equatable {
    public var name: String
    public var bytes: Int
    /// 64 hexadecimal digits.
    public var sha256: String
  }

  /// The rows of the bank that one file holds.
  public struct Shard: Codable, Sendable, Equatable {
    /// The file's name.
    public var name: String
    public var kind: BankKind
    /// Rows `firstRow ..< endRow` of the bank: image indices.
    public var firstRow: Int
    public var endRow: Int

    /// `bank-00002-of-00004.safetensors` for the shard with index 1 of 4.
    static func name(_ kind: BankKind, index: Int, of count: Int) -> String {
      "\(kind.filePrefix)-\(padded(index + 1, to: 5))-of-\(padded(count, to: 5)).safetensors"
    }

    enum CodingKeys: String, CodingKey {
      case name, kind
      case firstRow = "first_row"
      case endRow = "end_row"
    }
  }

  /// `Manifest.format`.
  public var format: String = Self.format
  public var formatVersion: Int = Self.formatVersion
  public var saladVersion: String
  /// Optimiser steps taken, and epochs completed.
  public var step: Int
  public var epoch: Int
  /// Ranks that wrote it: of interest to a reader, of none to a resume.
  public var ranks: Int
  /// Instruction sets of the ranks' CPUs.
  public var instructionSet: String
  /// How gradients were summed: `exact`, or `float32` or `bfloat16`, where the number of ranks shows.
  public var reduction: Reduction
  /// T, threads that computed a micro-batch together; nil: one.
  public var threadsPerMicroBatch: Int?
  public var dataFingerprint: String
  /// Of which run it is; nil in checkpoints from before it was remembered.
  public var run: RunIdentity?
  /// SHA-256 of model.safetensors.
  public var encoderHash: String
  /// (N, D) of the momentum bank.
  public var rows: Int
  public var dimension: Int
  /// F: the refreshed bank is (N, F).
  public var featureCount: Int
  public var scoring: ScoringConfiguration
  /// Every file but the manifest, by name.
  public var files: [File]
  public var shards: [Shard]
  /// N relative paths; image i's prototype is row i.
  public var imageIDs: [String]
  /// Whose image i is, as `ImagePatients` has it; nil: as its name tells.
  public var imagePatients: [String]?
  /// What image i shows, as `PictureHash.hexadecimal` has it; nil in runs begun before it was remembered.
  public var imageHashes: [String]?
  /// Of the refreshed bank; absent in the midst of training.
  public var calibration: Calibration?

  enum CodingKeys: String, CodingKey {
    case format, step, epoch, ranks, reduction, run, rows, dimension, scoring, files, shards, calibration
    case threadsPerMicroBatch = "threads_per_micro_batch"
    case formatVersion = "format_version"
    case saladVersion = "salad_version"
    case instructionSet = "instruction_set"
    case dataFingerprint = "data_fingerprint"
    case encoderHash = "encoder_sha256"
    case featureCount = "feature_count"
    case imageIDs = "image_ids"
    case imageHashes = "image_hashes"
    case imagePatients = "image_patients"
  }

  static let format = "salad-checkpoint"
  /// 2: level features, distances and left-out calibration.
  static let formatVersion = 2
  static let fileName = "manifest.json"
  static let modelName = "model.safetensors"
  static let optimizerName = "optimizer.safetensors"
}

// MARK: Reading

extension Manifest {
  /// The manifest of a checkpoint's folder, in itself without contradiction. Local; the files are not looked at.
  ///
  /// - Throws: `SaladError` 65 naming the manifest, or the file about which it contradicts itself.
  static func read(folder: String) throws -> Manifest {
    let path = "\(folder)/\(fileName)"
    try FileSystem.require(path, "the checkpoint's manifest")
    let bytes = try FileSystem.read(path)
    let manifest = try decode(Manifest.self, from: bytes, path: path, format: format, version: formatVersion)
    do {
      try manifest.check()
    } catch {
      throw SaladError(.badData, "\(path): \(error.sentence)")
    }
    return manifest
  }

  /// A manifest of this format and version.
  ///
  /// - Throws: `SaladError` 65: first of all about another format or version, which has other keys.
  static func decode<T: Decodable & VersionedManifest>(
    _ type: T.Type, from bytes: [UInt8], path: String, format: String, version: Int
  ) throws -> T {
    // Those of a hundred thousand images are read once: the head alone only where there is something wrong.
    if let manifest = try? JSONText.decode(type, from: bytes, path: path), manifest.format == format,
      manifest.formatVersion == version
    {
      return manifest
    }
    try checkFormat(bytes, path: path, format: format, version: version)
    return try JSONText.decode(type, from: bytes, path: path)
  }

  /// Throws unless the JSON's `format` and `format_version` are those.
  private static func checkFormat(_ bytes: [UInt8], path: String, format: String, version: Int) throws {
    struct Head: Decodable {
      var format: String
      var formatVersion: Int
      enum CodingKeys: String, CodingKey {
        case format
        case formatVersion = "format_version"
      }
    }
    let head = try JSONText.decode(Head.self, from: bytes, path: path)
    guard head.format != format || head.formatVersion != 1 else {
      throw SaladError(
        .badData,
        "\(path): expected \(format) version \(version), found version 1, whose scores were other numbers: make a new "
          + "deployment of its weights by salad import \(Files.folder(of: path))/\(modelName) --data DIR --output "
          + "DEPLOY, with the images that it was trained on")
    }
    guard head.format == format, head.formatVersion == version else {
      throw SaladError(
        .badData, "\(path): expected \(format) version \(version), found \(head.format) version \(head.formatVersion)")
    }
  }

  /// The shards of a bank in row order; none when it is not there.
  func shards(of kind: BankKind) -> [Shard] {
    shards.filter { $0.kind == kind }.sorted { ($0.firstRow, $0.endRow) < ($1.firstRow, $1.endRow) }
  }

  /// What a manifest says wrongly: the sentence without the path.
  struct Fault: Error {
    let sentence: String
  }

  private func check() throws(Fault) {
    try Self.check(bankOf: rows, dimension: max(dimension, featureCount), step: step, imageIDs: imageIDs)
    try Self.check(scoring)
    guard min(dimension, featureCount) > 0, dimension == scoring.embeddingDimension,
      featureCount == scoring.featureCount
    else {
      throw Fault(
        sentence: "expected banks of \(scoring.embeddingDimension) and \(scoring.featureCount) numbers an image, found "
          + "\(dimension) and \(featureCount)")
    }
    try Self.check(files)
    let names = files.map(\.name)
    for name in [Self.modelName, Self.optimizerName] where !names.contains(name) {
      throw Fault(sentence: "expected \(name) among the files, found it not")
    }
    try Self.check(encoderHash: encoderHash, files)
    try checkCoverage(of: .momentum)
    if shards.contains(where: { $0.kind == .refreshed }) { try checkCoverage(of: .refreshed) }
    let known = Set([Self.modelName, Self.optimizerName] + shards.map(\.name))
    if let stranger = names.first(where: { !known.contains($0) }) {
      throw Fault(sentence: "expected only the model, the optimizer and shards among the files, found \(stranger)")
    }
    _ = try Self.pictures(imageHashes, rows: rows)
    try Self.check(patients: imagePatients, rows: rows)
    try calibration?.check(rows: rows, scoring: scoring)
  }

  /// A network that can be, with levels that it has.
  static func check(_ scoring: ScoringConfiguration) throws(Fault) {
    guard [64, 128, 256, 512].contains(scoring.size), (1...1024).contains(scoring.maximumWidth),
      (2...4096).contains(scoring.embeddingDimension), scoring.channels == 1 || scoring.channels == 3,
      (1...4096).contains(scoring.microBatch), scoring.topK > 0, scoring.scoreTemperature > 0,
      (0...0.25).contains(scoring.borderMask ?? 0), (255...65535).contains(scoring.greyRange ?? 65535),
      (0...1).contains(scoring.exposureDamping ?? 0)
    else { throw Fault(sentence: "expected a network and scoring of sizes that can be, found others") }
    guard scoring.architecture.has(scoring.levels) else {
      throw Fault(
        sentence: "expected levels of a \(scoring.architecture.rawValue), found "
          + String(describing: scoring.levels).debugDescription)
    }
  }

  /// Numbers in a row of a bank.
  func dimension(of kind: BankKind) -> Int { kind == .momentum ? dimension : featureCount }

  /// Sizes that can be, one image a row.
  static func check(bankOf rows: Int, dimension: Int, step: Int, imageIDs: [String]) throws(Fault) {
    guard (1...Sharding.maximumRows).contains(rows), (1...1 << 20).contains(dimension), step >= 0 else {
      throw Fault(sentence: "expected a bank of sizes that can be, found \(rows) x \(dimension) at step \(step)")
    }
    guard imageIDs.count == rows else {
      throw Fault(sentence: "expected \(rows) image ids, one a row of the bank, found \(imageIDs.count)")
    }
  }

  /// N picture hashes; nil where there are none.
  static func pictures(_ imageHashes: [String]?, rows: Int) throws(Fault) -> [PictureHash]? {
    guard let imageHashes else { return nil }
    let pictures = imageHashes.compactMap(PictureHash.init(hexadecimal:))
    guard pictures.count == imageHashes.count, pictures.count == rows else {
      throw Fault(
        sentence: "expected \(rows) image hashes of 144 hexadecimal digits, one a row of the bank, found "
          + "\(pictures.count) among \(imageHashes.count)")
    }
    return pictures
  }

  static func check(patients: [String]?, rows: Int) throws(Fault) {
    guard let patients, patients.count != rows else { return }
    throw Fault(sentence: "expected \(rows) image patients, one a row of the bank, found \(patients.count)")
  }

  static func check(encoderHash: String, _ files: [File], name: String = modelName) throws(Fault) {
    guard files.contains(where: { $0.name == name && $0.sha256 == encoderHash }) else {
      throw Fault(sentence: "expected the SHA-256 of \(name) as encoder_sha256, found another")
    }
  }

  /// Names without folders, each once, with plausible sizes and hashes.
  static func check(_ files: [File]) throws(Fault) {
    var seen: Set<String> = []
    for file in files {
      guard !file.name.isEmpty, file.name.utf8.first != UInt8(ascii: "."), !file.name.utf8.contains(UInt8(ascii: "/")),
        file.name != fileName
      else {
        throw Fault(sentence: "expected names of files in this folder, found \(file.name.debugDescription)")
      }
      guard seen.insert(file.name).inserted else { throw Fault(sentence: "found \(file.name) twice among the files") }
      let isHash = file.sha256.utf8.count == 64 && file.sha256.allSatisfy(\.isHexDigit)
      guard file.bytes >= 0, isHash else {
        throw Fault(sentence: "expected bytes and a SHA-256 for \(file.name), found \(file.bytes) and \(file.sha256)")
      }
    }
  }

  /// Every row in one shard, shards named in row order, every shard's file listed.
  private func checkCoverage(of kind: BankKind) throws(Fault) {
    let (shards, files) = (shards(of: kind), Set(files.map(\.name)))
    var end = 0
    for (index, shard) in shards.enumerated() {
      let name = Shard.name(kind, index: index, of: shards.count)
      guard shard.name == name, files.contains(name) else {
        throw Fault(sentence: "expected \(name) to hold row \(end) and to be among the files, found \(shard.name)")
      }
      guard shard.firstRow == end, shard.endRow > end else {
        throw Fault(
          sentence: "expected \(name) to start at row \(end), every row in one shard, found "
            + "\(shard.firstRow) ..< \(shard.endRow)")
      }
      end = shard.endRow
    }
    guard end == rows else {
      throw Fault(sentence: "expected shards of the \(kind.rawValue) bank for \(rows) rows, found them for \(end)")
    }
  }
}

/// What every manifest says first.
protocol VersionedManifest {
  var format: String { get }
  var formatVersion: Int { get }
}

extension Manifest: VersionedManifest {}
extension DeploymentManifest: VersionedManifest {}

/// Decimal digits with zeros before them.
func padded(_ number: Int, to width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
