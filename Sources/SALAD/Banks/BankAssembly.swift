import Autoencoder
import MPI
import MemoryBank
import Platform
import Safetensors

// N = bank rows, F = features of an image

/// Makes a folder of rows from other folders and of new ones, and measures it as a bank that was made at once.
///
/// What the rows score with themselves left out, their median D and the scale of the weights all come from one
/// `LeftOutPass` over the finished bank: there is no other way to the same numbers for a bank of the same rows in the
/// same order, since every row's nearest others may be new or gone. It takes 2 N^2 F operations over all ranks, as
/// importing does.
struct BankAssembly {
  /// Rows that follow each other.
  enum Piece {
    case kept(Deployment, Range<Int>)
    /// Places in `newRows`.
    case new(Range<Int>)
  }

  /// Where the folder goes.
  enum Place {
    case folder(String)
    /// Of the deployment at this path, as one act.
    case instead(of: String)
  }

  /// Whose models are copied; nil for a site's bank, which has none.
  let models: Deployment?
  let pieces: [Piece]
  /// Each model's, on rank 0.
  var newRows: [[Float]] = []
  /// What the folder says of itself, but for files, calibrations and self-test, which are measured. Its calibrations'
  /// rules, rates and axes, and those of its sites, stay.
  var manifest: DeploymentManifest
  /// Names of the sites whose rows are not those of their calibrations.
  var changedSites: Set<String> = []
  /// Whether all rows that are kept are `models`', whose local bank stays without those that go.
  var keepsLocalBank = false
  let workers: Int
  let host: HostResources
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks. Makes the folder, whole or not at all.
  ///
  /// - Parameter audit: on rank 0; adds what is to be told of it to the unfinished folder.
  /// - Throws: `SaladError` on all ranks.
  func run(
    to place: Place, audit: (_ folder: String, _ manifest: DeploymentManifest) throws -> Void = { _, _ in }
  ) throws {
    try agree(communicator) { try requireMemory() }  // all ranks
    let target: String
    switch place {
    case .folder(let output):
      target = output
      try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    case .instead(let path): target = path
    }
    let unfinished = try communicator.broadcast(paths: [Deployment.unfinishedFolder(target)])[0]  // all ranks
    do {
      watchdog.enter("writing \(target)", step: nil)
      var finished = manifest
      let files = try agree(communicator) { () -> [Manifest.File] in  // all ranks
        guard communicator.isRoot else { return [] }
        try Deployment.begin(unfinished)
        // From the start: who may not look into the old one must not see the rows on their way.
        if case .instead(let path) = place { try FileSystem.copyAccess(from: path, to: unfinished) }
        return try fill(unfinished)
      }
      finished.files = files
      finished.selfTest = nil
      finished.localBank = nil
      try measure(&finished, in: unfinished)  // all ranks
      try agree(communicator) {  // all ranks
        if communicator.isRoot { try Deployment.writeManifest(finished, in: unfinished) }
      }
      if manifest.selfTest != nil {
        // What is there now scores as it will: its own numbers are its self-test.
        finished.selfTest = try selfTest(of: unfinished)  // all ranks
        try agree(communicator) {  // all ranks
          if communicator.isRoot { try Deployment.writeManifest(finished, in: unfinished) }
        }
      }
      try writeLocalBank(&finished, in: unfinished)  // all ranks
      try agree(communicator) {  // all ranks
        guard communicator.isRoot else { return }
        try audit(unfinished, finished)
        switch place {
        case .folder(let output): try Deployment.publish(unfinished, as: output)
        case .instead(let path): try Self.exchange(unfinished, with: path, expecting: models)
        }
      }
    } catch {
      if communicator.isRoot { try? FileSystem.remove(unfinished) }
      throw error
    }
  }

  private func requireMemory() throws {
    let memory = ScoringMemory(
      scoring: manifest.scoring, precision: manifest.scoring.precision, models: manifest.calibrations.count,
      rows: manifest.rows, features: manifest.dimension, topK: manifest.scoring.topK,
      holdsBank: !(manifest.sites ?? []).isEmpty, measuresBank: true, workers: workers, ranks: communicator.size)
    try memory.require(of: host, for: "this change of the bank", cure: nil)
  }

  // MARK: Files

  /// Local. Writes the safetensors files.
  private func fill(_ folder: String) throws -> [Manifest.File] {
    var files: [Manifest.File] = []
    for index in manifest.calibrations.indices {
      if let models {
        try FileSystem.copy(models.modelPath(index), to: "\(folder)/\(Deployment.modelName(index))")
      }
      var writer = try SafetensorsWriter(
        path: "\(folder)/\(Deployment.bankName(index))",
        tensors: [BankTensor.description(rows: manifest.rows, dimension: manifest.dimension)],
        metadata: BankTensor.metadata(of: manifest.bank, manifest.scoring))
      for piece in pieces {
        try Signals.throwIfReceived()
        switch piece {
        case .new(let range):
          try writer.write(
            Array(newRows[index][range.lowerBound * manifest.dimension..<range.upperBound * manifest.dimension]))
        case .kept(let deployment, let range):
          let file = try SafetensorsFile(path: deployment.bankPath(index))
          let stride = manifest.dimension * MemoryLayout<Float>.stride
          try BankTensor.withBytes(of: file, rows: deployment.manifest.rows, dimension: manifest.dimension) {
            try writer.write(
              UnsafeRawBufferPointer(rebasing: $0[range.lowerBound * stride..<range.upperBound * stride]))
          }
          try file.checkUnchanged()
        }
      }
      try writer.finish()
      let names = [Deployment.bankName(index)] + (models == nil ? [] : [Deployment.modelName(index)])
      for name in names {
        let (bytes, sha256) = try FileSystem.digest("\(folder)/\(name)", stopping: true)
        files.append(Manifest.File(name: name, bytes: bytes, sha256: sha256))
      }
      guard models == nil || files.last?.sha256 == manifest.encoderHashes[index] else {
        throw SaladError(
          .badData,
          "\(models?.modelPath(index) ?? ""): expected the bytes that were verified, found others since")
      }
    }
    return files
  }

  /// All ranks. Of the images that stay, where a deployment that is changed has a local bank; the manifest is written anew.
  private func writeLocalBank(_ manifest: inout DeploymentManifest, in folder: String) throws {
    guard keepsLocalBank, let models, models.manifest.localBank != nil else { return }
    let local = try LocalMemory.remaining(  // all ranks
      of: models, places: places(ofRowsOf: models), patients: manifest.patients, workers: Workers(count: workers),
      communicator, watchdog)
    guard let local else { return }
    try local.save(  // all ranks
      to: "\(folder)/\(Deployment.localName)", of: LocalMemory.Owner(manifest, path: folder), communicator, watchdog)
    manifest.localBank = try agree(communicator) { () -> Manifest.File in  // all ranks
      let file = try Deployment.localFile(in: folder)
      return file
    }
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try Deployment.writeManifest(manifest, in: folder) }
    }
  }

  /// Where a deployment's rows are in the new bank; nil: nowhere.
  private func places(ofRowsOf deployment: Deployment) -> [Int?] {
    var places = [Int?](repeating: nil, count: deployment.manifest.rows)
    var next = 0
    for piece in pieces {
      switch piece {
      case .new(let range): next += range.count
      case .kept(_, let range):
        for row in range {
          places[row] = next
          next += 1
        }
      }
    }
    return places
  }

  /// Puts the finished folder into the deployment's place and removes what was there.
  private static func exchange(_ unfinished: String, with path: String, expecting deployment: Deployment?) throws {
    func manifest(_ folder: String) throws -> String {
      try FileSystem.digest("\(folder)/\(Manifest.fileName)").sha256
    }
    // Who may read the old one, and nobody else, may read the new.
    for name in try [""] + FileSystem.names(in: path) where FileSystem.exists("\(unfinished)/\(name)") {
      try FileSystem.copyAccess(from: "\(path)/\(name)", to: "\(unfinished)/\(name)")
    }
    try FileSystem.synchronise(folder: unfinished)
    try FileSystem.exchange(unfinished, path)
    do {
      // What was exchanged must be what was read: another change may have come between.
      guard let deployment, try manifest(unfinished) == deployment.manifestHash else {
        throw SaladError(
          .usage, "\(path): expected the deployment that was read, found that another job changed it: try again")
      }
    } catch {
      try FileSystem.exchange(unfinished, path)
      throw error
    }
    try FileSystem.synchronise(folder: Files.folder(of: path))
    try FileSystem.remove(unfinished)
    try FileSystem.synchronise(folder: Files.folder(of: path))
  }

  // MARK: Numbers

  /// All ranks. What the finished rows score with themselves left out: of the bank, and of each site that has changed.
  private func measure(_ manifest: inout DeploymentManifest, in folder: String) throws {
    let deployment = Deployment(path: folder, manifest: manifest)
    let workers = Workers(count: workers)
    let patients = manifest.patients
    var calibrations: [Calibration] = []
    for (index, old) in manifest.calibrations.enumerated() {
      let bank = try deployment.bank(index, workers: workers, communicator: communicator)  // all ranks
      calibrations.append(try measured(bank, patients: patients, as: old))  // all ranks
    }
    manifest.calibration = calibrations[0]
    manifest.further = manifest.further.map { models in
      zip(models, calibrations.dropFirst()).map { model, calibration in
        var model = model
        model.calibration = calibration
        return model
      }
    }
    guard var sites = manifest.sites else { return }
    for (place, rows) in manifest.siteRows.enumerated() where changedSites.contains(sites[place].name) {
      if rows.count == manifest.rows {
        sites[place].calibrations = calibrations
        continue
      }
      for (index, old) in sites[place].calibrations.enumerated() {
        let bank = try deployment.bank(index, rows: rows, workers: workers, communicator: communicator)  // all ranks
        sites[place].calibrations[index] = try measured(bank, patients: Array(patients[rows]), as: old)  // all ranks
      }
    }
    manifest.sites = sites
  }

  /// All ranks.
  private func measured(_ bank: MemoryBank, patients: [String?], as old: Calibration) throws -> Calibration {
    let scoring = manifest.scoring
    let pass = LeftOutPass(communicator: communicator, watchdog: watchdog)
    let calibration = try pass.run(  // all ranks
      bank, kind: manifest.bank, patients: patients,
      rules: ScoreRule.allCases.filter { old.leftOut[$0.rawValue] != nil },
      topK: min(scoring.topK, patients.count), scoreTemperature: scoring.scoreTemperature,
      falseAlarmRate: old.falseAlarmRate)
    guard var calibration else { throw SaladError(.interrupted, "a signal asked to stop, nothing is changed") }
    // Of the encoder, measured on the images that it was calibrated with first: all rows and all images to be scored
    // lose the same part of the same direction, which a new one would part.
    calibration.exposureAxis = old.exposureAxis
    return calibration
  }

  /// All ranks. nil where this machine cannot compute as the model does.
  private func selfTest(of folder: String) throws -> SelfTest? {
    let source = try ModelSource.open(folder, bank: nil, workers: workers, communicator: communicator)  // all ranks
    let isSupported: UInt8 = source.scoring.precision.isSupported ? 1 : 0
    guard try communicator.allReduce(isSupported, .min) == 1 else { return nil }  // all ranks
    return try Scorer(  // all ranks
      source, rule: nil, topK: nil, workers: workers, host: host, communicator: communicator,
      watchdog: watchdog
    ).selfTest()  // all ranks
  }
}
