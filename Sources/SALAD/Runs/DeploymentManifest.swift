import ExactSum
import Radiographs

/// What a deployment says of itself. Nothing in it tells of time, host, path or number of ranks.
///
/// `ScoringConfiguration`'s keys (`score_rule`, `temperature`, `top_k`, `size`, `channels`, `fit`, ...) stand beside
/// the others, not in an object of their own: other programs read them.
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
  /// The file of its local bank, by which it explains its scores; nil: there is none. Not among `files`: what scores need not
  /// be read for it.
  var localBank: Manifest.File?
  /// Whose the rows are, one site's after the other's, sorted by name; nil: of no site in particular.
  var sites: [Site]?

  static let format = Form.deployment.rawValue
  static let formatVersion = Form.deployment.version

  /// What a folder with such a manifest is.
  enum Form: String, CaseIterable {
    case deployment = "salad-deployment"
    /// A bank without a network: `SiteBank`.
    case siteBank = "salad-site-bank"

    var version: Int { self == .deployment ? Manifest.formatVersion : 1 }
  }

  var form: Form { Form(rawValue: format) ?? .deployment }

  /// A hospital that gave rows.
  struct Site: Codable, Sendable, Equatable {
    var name: String
    /// How many.
    var rows: Int
    /// Each model's, of these rows alone.
    var calibrations: [Calibration]
  }

  /// Each site's rows.
  var siteRows: [Range<Int>] {
    (sites ?? []).reduce(into: []) { ranges, site in
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + site.rows)
    }
  }

  /// N patients; nil where one is unknown.
  var patients: [String?] { ImagePatients.patients(imagePatients, imageIDs: imageIDs) }

  /// SHA-256 of each model's file.
  var encoderHashes: [String] { [encoderHash] + (further ?? []).map(\.encoderHash) }

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

  /// Puts hashes into the places of names and patients, and leaves out what pictures show: a copy of a picture has its
  /// hash.
  mutating func hashIDs(_ hashing: HashedIDs) throws {
    let patients = patients
    imagePatients = patients.map { $0.map { hashing.patient($0) } ?? "" }
    imageIDs = try hashing.images(imageIDs)
    imageHashes = nil
    identifying = []
  }

  /// Calibrations of all models.
  var calibrations: [Calibration] { [calibration] + (further ?? []).map(\.calibration) }

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
  var found: [Identifying] {
    [.fileNames] + (patients.contains { $0 != nil } ? [.patients] : [])
      + (imageHashes == nil ? [] : [.pictureHashes])
  }

  /// The manifest of the folder, in itself without contradiction. Local; the files are not looked at.
  ///
  /// - Parameter forms: what the folder may be, the likeliest first.
  static func read(folder: String, as forms: [Form] = [.deployment]) throws -> DeploymentManifest {
    let path = "\(folder)/\(Manifest.fileName)"
    let bytes = try FileSystem.read(path)
    let found = (try? JSONText.decode(FormatName.self, from: bytes, path: path))?.format
    let form = forms.first { $0.rawValue == found } ?? forms[0]
    guard found != Form.siteBank.rawValue || form == .siteBank else {
      throw SaladError(
        .badData,
        "\(folder): expected a deployment, found a site's bank, which has no network: join it with the deployment that "
          + "embedded it by salad merge \(folder) --encoder DEPLOY --output JOINED")
    }
    let manifest = try Manifest.decode(
      DeploymentManifest.self, from: bytes, path: path, format: form.rawValue, version: form.version)
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
    let names = calibrations.indices.flatMap { index in
      (form == .siteBank ? [] : [Deployment.modelName(index)]) + [Deployment.bankName(index)]
    }
    guard files.map(\.name).sorted() == names.sorted() else {
      throw Manifest.Fault(sentence: "expected \(names.joined(separator: ", ")) as files, found \(files.map(\.name))")
    }
    for (index, hash) in encoderHashes.enumerated() where form == .deployment {
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
    try checkSites()
    if let localBank {
      try Manifest.check([localBank])
      guard localBank.name == Deployment.localName else {
        throw Manifest.Fault(sentence: "expected \(Deployment.localName) as local_bank, found \(localBank.name)")
      }
    }
  }

  private func checkSites() throws(Manifest.Fault) {
    guard let sites else {
      if form == .siteBank { throw Manifest.Fault(sentence: "expected a site's name, found none") }
      return
    }
    let names = sites.map { Array($0.name.utf8) }
    guard sites.allSatisfy({ (1...rows).contains($0.rows) && $0.calibrations.count == calibrations.count }),
      sites.reduce(0, { $0 + $1.rows }) == rows, !names.contains([]),
      zip(names, names.dropFirst()).allSatisfy({ $0.lexicographicallyPrecedes($1) })
    else {
      throw Manifest.Fault(sentence: "expected sites sorted by name that have the \(rows) rows, found others")
    }
    for site in sites {
      for calibration in site.calibrations {
        try calibration.check(rows: site.rows, scoring: scoring)
        guard calibration.judges(scoring.scoreRule) != nil else {
          throw Manifest.Fault(sentence: "expected the site \(site.name) calibrated for \(scoring.scoreRule.rawValue)")
        }
      }
    }
  }

  // MARK: JSON

  enum CodingKeys: String, CodingKey {
    case format, reduction, step, bank, rows, dimension, files, calibration, threshold, further, identifying, sites
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
    case localBank = "local_bank"
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
    sites = try values.decodeIfPresent([Site].self, forKey: .sites)
    localBank = try values.decodeIfPresent(Manifest.File.self, forKey: .localBank)
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
    try values.encodeIfPresent(sites, forKey: .sites)
    try values.encodeIfPresent(localBank, forKey: .localBank)
    // Never read back, they follow from the calibration: for programs that flag without p-values.
    try values.encode(calibration.falseAlarmRate, forKey: .falseAlarmRate)
    try values.encodeIfPresent(
      ScoreScale(calibrations, rule: scoring.scoreRule)?.threshold().value, forKey: .threshold)
  }
}

extension DeploymentManifest {
  /// A site's rows.
  ///
  /// - Throws: `SaladError` 64 naming the sites that there are.
  func rows(ofSite name: String, path: String) throws -> Range<Int> {
    guard let sites else {
      throw SaladError(
        .usage, "\(path): expected a deployment of several sites for --site, found one without: leave --site away")
    }
    guard let place = sites.firstIndex(where: { $0.name == name }) else {
      throw SaladError(
        .usage,
        "\(path): expected rows of the site \(name.debugDescription), found those of "
          + sites.map(\.name).joined(separator: ", "))
    }
    return siteRows[place]
  }
}

/// The one key that says which keys the others are.
private struct FormatName: Decodable {
  var format: String
}
