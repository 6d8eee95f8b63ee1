import MPI
import MemoryBank
import Platform
import Radiographs
import Safetensors

/// What scoring loads, from a run or from a deployment alike.
public struct ModelSource: Sendable {
  public enum Kind: Sendable, Equatable { case run(step: Int), deployment }

  public let path: String
  public let kind: Kind
  public let scoring: ScoringConfiguration
  /// Those that score together: one, or the models of an ensemble.
  public let models: [Model]
  /// N relative paths; row i is image i's prototype.
  public let imageIDs: [String]
  private let imageHashes: [String]?
  private let imagePatients: [String]?
  /// What of a deployment may tell of persons: "file names and picture hashes of its training images"; nil: nothing.
  public let identifying: String?
  /// Whether `imageIDs` and patients are hashes that name nobody.
  public let hasHashedIDs: Bool
  public let dataFingerprint: String
  /// The bank that scores.
  public let bankKind: BankKind
  /// A deployment's, where it has one.
  public let selfTest: SelfTest?
  /// A sentence for standard error when the bank is not the refreshed one that was to be expected, else nil.
  public let note: String?

  /// One network and what is known of its bank.
  public struct Model: Sendable {
    let index: Int
    /// SHA-256 of that file, 64 hexadecimal digits.
    let encoderHash: String
    /// Its safetensors file, verified.
    public let path: String
    /// nil in the midst of training.
    public let calibration: Calibration?
  }

  /// What image i shows; nil in models from before it was remembered. Read from text at each call: few ask.
  public var pictures: [PictureHash]? { imageHashes?.compactMap(PictureHash.init(hexadecimal:)) }
  /// What they have in common; nil where that is unknown. Some thousand of them tell it.
  var typicalPicture: TypicalPicture? {
    guard let imageHashes else { return nil }
    let step = max(1, imageHashes.count / 2000)
    return TypicalPicture(
      of: stride(from: 0, to: imageHashes.count, by: step).compactMap { PictureHash(hexadecimal: imageHashes[$0]) })
  }

  /// Whose image i is; nil where that is unknown.
  public var patients: [String?] { ImagePatients.patients(imagePatients, imageIDs: imageIDs) }

  private enum Content: Sendable {
    case checkpoint(Checkpoint)
    case deployment(Deployment)
  }
  private let content: Content
  /// The rows of a deployment's bank that score; nil: all.
  private var part: Range<Int>?

  /// All ranks. Opens and verifies every file of a RUN's newest checkpoint or of a DEPLOY.
  ///
  /// - Parameters:
  ///   - path: of the run or deployment.
  ///   - bank: nil: the refreshed one where there is one, else momentum.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  /// - Throws: `SaladError` on all ranks: 65 when `path` is neither or is damaged, 64 when it lacks the bank asked for.
  public static func open(
    _ path: String, bank: BankKind?, workers: Int = 1, communicator: Communicator
  ) throws -> ModelSource {
    let isRun = try agree(communicator) {  // all ranks
      if RunDirectory.hasRun(path) { return true }
      if let within = FileSystem.absence(of: "\(path)/\(Manifest.fileName)") {
        let absence = FileSystem.absence(of: path)?.replacing("file", with: "folder")
        // What may not be looked into is not known to have none.
        let neither = within == FileSystem.noSuchFile ? "neither" : within
        let found = absence ?? (FileSystem.isFolder(path) ? neither : "a file")
        throw SaladError(
          .badData,
          "\(path): expected a run (config.json, checkpoints) or a deployment (\(Manifest.fileName)), found \(found)")
      }
      return false
    }
    return isRun
      ? try openRun(path, bank: bank, workers: workers, communicator: communicator)  // all ranks
      : try openDeployment(path, bank: bank, workers: workers, communicator: communicator)  // all ranks
  }

  /// All ranks. What `body` makes of the model at `path`: of a run's newer checkpoint, where a training takes away the
  /// one that it has while it reads.
  ///
  /// - Parameters:
  ///   - path: of the run or deployment.
  ///   - bank: as `open` has it.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - body: all ranks; reads all that it needs of the files.
  public static func read<R>(
    _ path: String, bank: BankKind?, workers: Int = 1, communicator: Communicator, _ body: (ModelSource) throws -> R
  ) throws -> R {
    for attempt in 1... {
      let source = try open(path, bank: bank, workers: workers, communicator: communicator)  // all ranks
      do {
        let result = try body(source)
        source.checkpoint?.release()
        return result
      } catch let error as SaladError where error.status != .interrupted {
        guard attempt < Checkpoint.mostAttempts, try isGone([source], communicator) else { throw error }  // all ranks
      }
    }
    preconditionFailure("attempts without end")
  }

  /// All ranks. Whether a training took one of these checkpoints away.
  static func isGone(_ sources: [ModelSource], _ communicator: Communicator) throws -> Bool {
    try sources.reduce(false) { try $1.checkpoint?.isGone(communicator) ?? false || $0 }  // all ranks
  }

  /// All ranks. This rank's rows of a model's bank.
  ///
  /// - Parameters:
  ///   - model: one of `models`.
  ///   - workers: this rank's threads, for the bank's work.
  ///   - communicator: of the ranks that take part.
  public func bank(of model: Model, workers: Workers, communicator: Communicator) throws -> MemoryBank {
    switch content {
    case .checkpoint(let checkpoint):
      try checkpoint.bank(bankKind, workers: workers, communicator: communicator)  // all ranks
    case .deployment(let deployment):
      if let part {
        try deployment.bank(  // all ranks
          model.index, rows: part, workers: workers, communicator: communicator)
      } else {
        try deployment.bank(model.index, workers: workers, communicator: communicator)  // all ranks
      }
    }
  }

  /// Whether ranks search a bank where its file is mapped, and hold no rows themselves.
  var mapsBank: Bool { deployment != nil && isWhole }

  /// Whether all rows score.
  var isWhole: Bool { part == nil }

  // MARK: Sites

  /// Names of the hospitals that gave rows; empty where rows are of no site in particular.
  public var sites: [String] { deployment?.manifest.sites?.map(\.name) ?? [] }

  /// The rows of a site.
  ///
  /// - Throws: `SaladError` 64 naming the sites that there are.
  public func rows(ofSite name: String) throws -> Range<Int> {
    guard let manifest = deployment?.manifest else {
      throw SaladError(
        .usage, "\(path): expected a deployment of several sites for --site, found a run: leave --site away")
    }
    return try manifest.rows(ofSite: name, path: path)
  }

  /// The same with one site's rows and calibration alone: it scores as that site's own bank would.
  ///
  /// - Throws: `SaladError` 64 naming the sites that there are.
  public func restricted(toSite name: String) throws -> ModelSource {
    let rows = try rows(ofSite: name)
    guard let manifest = deployment?.manifest, let site = manifest.sites?.first(where: { $0.name == name }) else {
      preconditionFailure("rows of no site")
    }
    return ModelSource(
      path: path, kind: kind, scoring: scoring,
      models: models.map { model in
        Model(
          index: model.index, encoderHash: model.encoderHash, path: model.path,
          calibration: site.calibrations[model.index])
      },
      imageIDs: Array(imageIDs[rows]), imageHashes: imageHashes.map { Array($0[rows]) },
      imagePatients: manifest.patients[rows].map { $0 ?? "" }, identifying: identifying, hasHashedIDs: hasHashedIDs,
      dataFingerprint: dataFingerprint, bankKind: bankKind, selfTest: selfTest, note: note, content: content, part: rows
    )
  }

  // MARK: Other banks of the same networks

  /// SHA-256 of each model's file.
  var encoderHashes: [String] {
    switch content {
    case .checkpoint(let checkpoint): [checkpoint.manifest.encoderHash]
    case .deployment(let deployment): deployment.manifest.encoderHashes
    }
  }

  /// What a deployment of these models says of itself, but for its files; nil in the midst of training.
  var template: DeploymentManifest? {
    switch content {
    case .deployment(let deployment): return deployment.manifest
    case .checkpoint(let checkpoint):
      return models[0].calibration.map {
        DeploymentManifest(checkpoint.manifest, bank: bankKind, calibration: $0, files: [])
      }
    }
  }

  private static func openRun(
    _ path: String, bank: BankKind?, workers: Int, communicator: Communicator
  ) throws -> ModelSource {
    let run = try agree(communicator) { try RunDirectory.open(path) }  // all ranks
    let latest = try Checkpoint.latest(  // all ranks
      of: run, workers: workers, holds: true, communicator: communicator)
    guard let checkpoint = latest else {
      throw SaladError(.badData, "\(path): expected a run with a checkpoint, found none yet: train it further")
    }
    let step = checkpoint.manifest.step
    if let bank, !checkpoint.has(bank) {
      throw SaladError(
        .usage,
        "\(path): expected a \(bank.rawValue) bank at step \(step), found none: finish the training, or choose --bank "
          + BankKind.momentum.rawValue)
    }
    let kind = bank ?? (checkpoint.has(.refreshed) ? .refreshed : .momentum)
    let lagging = bank == nil && kind == .momentum
    return ModelSource(
      path: path, kind: .run(step: step), scoring: checkpoint.manifest.scoring,
      models: [
        Model(
          index: 0, encoderHash: checkpoint.manifest.encoderHash, path: checkpoint.modelPath,
          calibration: checkpoint.manifest.calibration)
      ],
      imageIDs: checkpoint.manifest.imageIDs,
      imageHashes: checkpoint.manifest.imageHashes, imagePatients: checkpoint.manifest.imagePatients,
      identifying: nil, hasHashedIDs: false,
      dataFingerprint: checkpoint.manifest.dataFingerprint, bankKind: kind, selfTest: nil,
      note: lagging
        ? "\(path): step \(step) has no refreshed bank, so its momentum bank scores, whose rows lag behind the network"
        : nil,
      content: .checkpoint(checkpoint))
  }

  private static func openDeployment(
    _ path: String, bank: BankKind?, workers: Int, communicator: Communicator
  ) throws -> ModelSource {
    let deployment = try Deployment.open(path, workers: workers, communicator: communicator)  // all ranks
    let manifest = deployment.manifest
    if let bank, bank != manifest.bank {
      throw SaladError(
        .usage,
        "\(path): expected a \(bank.rawValue) bank, found a deployment of the \(manifest.bank.rawValue) bank: merge its "
          + "run with --bank \(bank.rawValue)")
    }
    return ModelSource(
      path: path, kind: .deployment, scoring: manifest.scoring,
      models: manifest.calibrations.enumerated().map { index, calibration in
        Model(
          index: index, encoderHash: manifest.encoderHashes[index], path: deployment.modelPath(index),
          calibration: calibration)
      },
      imageIDs: manifest.imageIDs, imageHashes: manifest.imageHashes, imagePatients: manifest.imagePatients,
      identifying: manifest.identifyingWords, hasHashedIDs: manifest.hasHashedIDs,
      dataFingerprint: manifest.dataFingerprint, bankKind: manifest.bank,
      selfTest: manifest.selfTest, note: nil, content: .deployment(deployment))
  }

  /// What scores by it depend on: SHA-256 of its manifest, which holds those of all files, and the bank's kind.
  public func identity() throws -> String {
    var hash = SHA256()
    switch content {
    case .checkpoint(let checkpoint): hash.update(try JSONText.line(checkpoint.manifest))
    case .deployment(let deployment):
      var manifest = deployment.manifest
      manifest.localBank = nil  // it explains scores, and makes none
      hash.update(try JSONText.line(manifest))
    }
    hash.update(Array(bankKind.rawValue.utf8))
    return FileSystem.hexadecimal(hash.finalise())
  }

  /// The deployment's own local bank; nil: it has none, or a part of its rows scores.
  var localBank: (deployment: Deployment, file: Manifest.File)? {
    guard isWhole, let deployment, let file = deployment.manifest.localBank else { return nil }
    return (deployment, file)
  }

  /// Whether heat maps can be made by what lies in the deployment.
  public var hasLocalBank: Bool { localBank != nil }

  /// What `salad calibrate` reads: a deployment, nil for a run.
  var deployment: Deployment? {
    if case .deployment(let deployment) = content { deployment } else { nil }
  }

  /// - Throws: `SaladError` 64 unless `other` can score together with this: the same images, network, size and levels.
  func requireFit(of other: ModelSource) throws {
    guard dataFingerprint == other.dataFingerprint, imageIDs == other.imageIDs, patients == other.patients else {
      throw SaladError(
        .usage,
        "\(other.path): expected a run of the images that \(path) was trained on, found one of others: runs that score "
          + "together differ in their seeds alone")
    }
    guard scoring == other.scoring, bankKind == other.bankKind else {
      throw SaladError(
        .usage,
        "\(other.path): expected \(scoring.differences(from: other.scoring)) as in \(path), found another: runs that score "
          + "together differ in their seeds alone")
    }
  }

  /// What `salad merge` reads: the checkpoint of a run, nil for a deployment.
  var checkpoint: Checkpoint? {
    if case .checkpoint(let checkpoint) = content { checkpoint } else { nil }
  }
}

extension ModelSource.Model {
  /// Its calibration, where that is of this bank, rule, K and temperature.
  func calibration(
    matching bank: BankKind, rule: ScoreRule, topK: Int, scoreTemperature: Double
  ) -> Calibration? {
    calibration.flatMap {
      $0.bank == bank && $0.topK == topK && $0.scoreTemperature == scoreTemperature && $0.judges(rule) != nil
        ? $0 : nil
    }
  }
}
