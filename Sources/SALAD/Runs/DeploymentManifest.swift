import ExactSum
import Radiographs

/// What a deployment says of itself. Nothing in it tells of time, host, path or number of ranks.
///
/// `ScoringConfiguration`'s keys (`score_rule`, `temperature`, `top_k`, `size`, `channels`, `fit`, ...) stand beside the
/// others, not in an object of their own: other programs read them.
struct DeploymentManifest: Codable, Sendable, Equatable {
  var format: String = Self.format
  var formatVersion: Int = Self.formatVersion
  var saladVersion: String
  /// Instruction sets of the CPUs that trained.
  var instructionSet: String
  /// How gradients were summed: `exact`, or `float32` or `bfloat16`, where the number of ranks shows. nil: the weights
  /// came from elsewhere.
  var reduction: Reduction?
  /// Empty when the bank came from elsewhere.
  var dataFingerprint: String
  /// SHA-256 of model.safetensors.
  var encoderHash: String
  /// Optimiser steps taken.
  var step: Int
  /// Which bank of the run bank.safetensors is.
  var bank: BankKind
  /// (N, F) of the bank; (N, D) of a momentum bank.
  var rows: Int
  var dimension: Int
  var scoring: ScoringConfiguration
  var files: [Manifest.File]
  /// N relative paths; image i's prototype is row i.
  var imageIDs: [String]
  /// Whose image i is, as `ImagePatients` has it; nil: as its name tells.
  var imagePatients: [String]?
  /// What image i shows; nil in runs begun before it was remembered, and where ids are hashes.
  var imageHashes: [String]?
  /// What in it tells of persons: `Identifying`'s words; nil in deployments from before it was said.
  var identifying: [Identifying]?
  /// Of the first model.
  var calibration: Calibration
  /// Further models of the same images, size and levels that score together with the first; nil: none.
  var further: [FurtherModel]?

  /// nil in deployments from before there was one.
  var selfTest: SelfTest?

  static let format = "salad-deployment"
  static let formatVersion = Manifest.formatVersion

  /// A model of an ensemble beside its first: `model-2.safetensors` and `bank-2.safetensors`, and so on.
  struct FurtherModel: Codable, Sendable, Equatable {
    /// SHA-256 of its model's file.
    var encoderHash: String
    /// Optimiser steps taken.
    var step: Int
    var calibration: Calibration

    enum CodingKeys: String, CodingKey {
      case step, calibration
      case encoderHash = "encoder_sha256"
    }
  }

  /// What may tell of persons.
  enum Identifying: String, Codable, Sendable {
    case fileNames = "file_names"
    case patients
    case pictureHashes = "picture_hashes"
  }

  /// Whether ids and patients are hashes.
  var hasHashedIDs: Bool { identifying?.isEmpty ?? false && imagePatients != nil }

  /// "file names and picture hashes of its 285 training images"; nil: nothing that tells of persons.
  var identifyingWords: String? {
    let words = (identifying ?? found).map { $0.rawValue.replacing("_", with: " ") }
    guard let last = words.last else { return nil }
    let list = words.count == 1 ? last : words.dropLast().joined(separator: ", ") + " and " + last
    return "\(list) of its \(rows) training images"
  }

  /// Puts hashes into the places of names and patients, and leaves out what pictures show: a copy of a picture has its hash.
  mutating func hashIDs(_ hashing: HashedIDs) throws {
    let patients = ImagePatients.patients(imagePatients, imageIDs: imageIDs)
    imagePatients = patients.map { $0.map { hashing.hash("patient", $0) } ?? "" }
    imageIDs = try hashing.images(imageIDs)
    imageHashes = nil
    identifying = []
  }

  /// Calibrations of all models.
  var calibrations: [Calibration] { [calibration] + (further ?? []).map(\.calibration) }

  /// SHA-256 of all models' weights, in the same order.
  var encoderHashes: [String] { [encoderHash] + (further ?? []).map(\.encoderHash) }

  init(_ manifest: Manifest, bank: BankKind, calibration: Calibration, files: [Manifest.File]) {
    saladVersion = manifest.saladVersion
    instructionSet = manifest.instructionSet
    reduction = manifest.reduction
    dataFingerprint = manifest.dataFingerprint
    encoderHash = manifest.encoderHash
    step = manifest.step
    self.bank = bank
    rows = manifest.rows
    dimension = manifest.dimension(of: bank)
    scoring = manifest.scoring
    self.files = files
    imageIDs = manifest.imageIDs
    imagePatients = manifest.imagePatients
    imageHashes = manifest.imageHashes
    self.calibration = calibration
    identifying = found
  }

  /// What its own lists tell of persons, while they are no hashes.
  private var found: [Identifying] {
    [.fileNames] + (ImagePatients.patients(imagePatients, imageIDs: imageIDs).contains { $0 != nil } ? [.patients] : [])
      + (imageHashes == nil ? [] : [.pictureHashes])
  }

  /// Of weights that came from elsewhere, with a bank of theirs.
  init(
    importing scoring: ScoringConfiguration, instructionSet: String, dataFingerprint: String, dimension: Int,
    imageIDs: [String], patients: [String?]?, pictures: [PictureHash]?, files: [Manifest.File],
    calibration: Calibration,
    selfTest: SelfTest
  ) {
    saladVersion = SALAD.saladVersion
    self.instructionSet = instructionSet
    reduction = nil
    self.dataFingerprint = dataFingerprint
    encoderHash = files.first { $0.name == Manifest.modelName }?.sha256 ?? ""
    step = 0
    bank = .refreshed
    rows = imageIDs.count
    self.dimension = dimension
    self.scoring = scoring
    self.files = files
    self.imageIDs = imageIDs
    imagePatients = ImagePatients.text(of: patients, imageIDs: imageIDs)
    imageHashes = pictures?.map(\.hexadecimal)
    self.calibration = calibration
    self.selfTest = selfTest
    identifying = pictures == nil ? [] : found
  }

  /// The manifest of the folder, in itself without contradiction. Local; the files are not looked at.
  static func read(folder: String) throws -> DeploymentManifest {
    let path = "\(folder)/\(Manifest.fileName)"
    let bytes = try FileSystem.read(path)
    let manifest = try Manifest.decode(
      DeploymentManifest.self, from: bytes, path: path, format: format, version: formatVersion)
    do {
      try manifest.check()
    } catch {
      throw SaladError(.badData, "\(path): \(error.sentence)")
    }
    return manifest
  }

  private func check() throws(Manifest.Fault) {
    try Manifest.check(bankOf: rows, dimension: dimension, step: step, imageIDs: imageIDs)
    try Manifest.check(scoring)
    let features = bank == .momentum ? scoring.embeddingDimension : scoring.featureCount
    guard dimension == features else {
      throw Manifest.Fault(sentence: "expected a bank of \(features) numbers an image, found \(dimension)")
    }
    guard (further ?? []).count < Deployment.mostModels else {
      throw Manifest.Fault(sentence: "expected at most \(Deployment.mostModels) models, found more")
    }
    try Manifest.check(files)
    let names = calibrations.indices.flatMap { [Deployment.modelName($0), Deployment.bankName($0)] }
    guard files.map(\.name).sorted() == names.sorted() else {
      throw Manifest.Fault(sentence: "expected \(names.joined(separator: ", ")) as files, found \(files.map(\.name))")
    }
    for (index, hash) in encoderHashes.enumerated() {
      try Manifest.check(encoderHash: hash, files, name: Deployment.modelName(index))
    }
    _ = try Manifest.pictures(imageHashes, rows: rows)
    try Manifest.check(patients: imagePatients, rows: rows)
    for calibration in calibrations {
      try calibration.check(rows: rows, scoring: scoring)
      guard calibration.judges(scoring.scoreRule) != nil, calibration.origin == self.calibration.origin,
        calibration.judges(scoring.scoreRule)?.count == self.calibration.judges(scoring.scoreRule)?.count
      else {
        throw Manifest.Fault(
          sentence: "expected every model calibrated on the same images for \(scoring.scoreRule.rawValue), found others"
        )
      }
    }
    try selfTest?.check()
  }

  // MARK: JSON

  enum CodingKeys: String, CodingKey {
    case format, reduction, step, bank, rows, dimension, files, calibration, threshold, further, identifying
    case formatVersion = "format_version"
    case saladVersion = "salad_version"
    case instructionSet = "instruction_set"
    case dataFingerprint = "data_fingerprint"
    case encoderHash = "encoder_sha256"
    case imageIDs = "image_ids"
    case imagePatients = "image_patients"
    case imageHashes = "image_hashes"
    case selfTest = "self_test"
    case falseAlarmRate = "false_alarm_rate"
  }

  init(from decoder: any Decoder) throws {
    scoring = try ScoringConfiguration(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    format = try values.decode(String.self, forKey: .format)
    formatVersion = try values.decode(Int.self, forKey: .formatVersion)
    saladVersion = try values.decode(String.self, forKey: .saladVersion)
    instructionSet = try values.decode(String.self, forKey: .instructionSet)
    reduction = try values.decodeIfPresent(Reduction.self, forKey: .reduction)
    dataFingerprint = try values.decode(String.self, forKey: .dataFingerprint)
    encoderHash = try values.decode(String.self, forKey: .encoderHash)
    step = try values.decode(Int.self, forKey: .step)
    bank = try values.decode(BankKind.self, forKey: .bank)
    rows = try values.decode(Int.self, forKey: .rows)
    dimension = try values.decode(Int.self, forKey: .dimension)
    files = try values.decode([Manifest.File].self, forKey: .files)
    imageIDs = try values.decode([String].self, forKey: .imageIDs)
    imagePatients = try values.decodeIfPresent([String].self, forKey: .imagePatients)
    imageHashes = try values.decodeIfPresent([String].self, forKey: .imageHashes)
    identifying = try values.decodeIfPresent([Identifying].self, forKey: .identifying)
    selfTest = try values.decodeIfPresent(SelfTest.self, forKey: .selfTest)
    calibration = try values.decode(Calibration.self, forKey: .calibration)
    further = try values.decodeIfPresent([FurtherModel].self, forKey: .further)
  }

  func encode(to encoder: any Encoder) throws {
    try scoring.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(format, forKey: .format)
    try values.encode(formatVersion, forKey: .formatVersion)
    try values.encode(saladVersion, forKey: .saladVersion)
    try values.encode(instructionSet, forKey: .instructionSet)
    try values.encodeIfPresent(reduction, forKey: .reduction)
    try values.encode(dataFingerprint, forKey: .dataFingerprint)
    try values.encode(encoderHash, forKey: .encoderHash)
    try values.encode(step, forKey: .step)
    try values.encode(bank, forKey: .bank)
    try values.encode(rows, forKey: .rows)
    try values.encode(dimension, forKey: .dimension)
    try values.encode(files, forKey: .files)
    try values.encode(imageIDs, forKey: .imageIDs)
    try values.encodeIfPresent(imagePatients, forKey: .imagePatients)
    try values.encodeIfPresent(imageHashes, forKey: .imageHashes)
    try values.encodeIfPresent(identifying, forKey: .identifying)
    try values.encodeIfPresent(selfTest, forKey: .selfTest)
    try values.encode(calibration, forKey: .calibration)
    try values.encodeIfPresent(further, forKey: .further)
    // Never read back, they follow from the calibration: for programs that flag without p-values.
    try values.encode(calibration.falseAlarmRate, forKey: .falseAlarmRate)
    try values.encodeIfPresent(
      ScoreScale(calibrations, rule: scoring.scoreRule)?.threshold().value, forKey: .threshold)
  }
}
