import MPI
import MemoryBank
import Platform
import Safetensors

/// Models, each with its whole bank in one file: what `salad merge` makes of a run.
///
///     DEPLOY/model.safetensors   DEPLOY/bank.safetensors   DEPLOY/manifest.json
///
/// Several models that score together are `model-2.safetensors`, `bank-2.safetensors` and so on beside the first.
public struct Deployment: Sendable {
  let path: String
  let manifest: DeploymentManifest
  /// SHA-256 of the manifest's file, 64 hexadecimal digits; empty as long as there is none.
  var manifestHash = ""

  /// The files of a model, by its place among those that score together.
  static func modelName(_ index: Int) -> String { index == 0 ? Manifest.modelName : "model-\(index + 1).safetensors" }
  static func bankName(_ index: Int) -> String { index == 0 ? "bank.safetensors" : "bank-\(index + 1).safetensors" }
  public static let mostModels = 64
  /// Maps of normal images, by which it explains its scores: `LocalMemory`.
  static let localName = "local-bank"
  /// Who changed its bank: `AuditLog`. Beside the manifest, which tells of no time.
  static let historyName = "audit.jsonl"

  func modelPath(_ index: Int) -> String { "\(path)/\(Self.modelName(index))" }
  func bankPath(_ index: Int) -> String { "\(path)/\(Self.bankName(index))" }
  var localPath: String { "\(path)/\(Self.localName)" }

  // MARK: Merging

  /// All ranks. Makes the folder `output` of the newest checkpoints of the runs, whole or not at all: of several one
  /// model that averages their distances.
  ///
  /// The safetensors files are functions of weights and rows alone: any sharding gives the same bytes.
  /// The runs are verified first and never changed.
  ///
  /// - Parameters:
  ///   - runs: folders of runs that score together.
  ///   - output: the folder to make.
  ///   - bank: nil: the refreshed one where all have it, else momentum.
  ///   - workers: threads of this rank.
  ///   - hashing: what names become; nil: they stay.
  ///   - communicator: of the ranks that take part.
  ///   - calibration: all ranks; what the verified run's calibration is.
  ///   - selfTest: all ranks; what the finished folder makes of the self-test's images; nil where this machine cannot tell.
  ///   - local: all ranks; of the first run and the finished folder, writes the local bank to the path.
  /// - Returns: which bank was merged, and what in it may tell of persons, in words.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists or the runs do not go together, 65 when one is damaged,
  ///   74 when the disk refuses.
  public static func merge(
    runs: [String], output: String, bank: BankKind?, workers: Int = 1, hashing: HashedIDs? = nil,
    communicator: Communicator, calibration: (ModelSource) throws -> Calibration,
    selfTest: (ModelSource) throws -> SelfTest?,
    local: ((_ run: ModelSource, _ deployment: ModelSource, _ path: String) throws -> Void)? = nil
  ) throws -> (bank: BankKind, identifying: String?) {
    try refuseExisting(output, communicator: communicator)  // all ranks
    for attempt in 1... {
      var sources: [ModelSource] = []
      do {
        return try merge(  // all ranks
          runs: runs, output: output, bank: bank, workers: workers, hashing: hashing, communicator: communicator,
          sources: &sources,
          calibration: calibration, selfTest: selfTest, local: local)
      } catch let error as SaladError where error.status != .interrupted {
        guard attempt < Checkpoint.mostAttempts, try ModelSource.isGone(sources, communicator) else {  // all ranks
          throw error
        }
      }
    }
    preconditionFailure("attempts without end")
  }

  /// - Parameter sources: the runs that were opened, whatever comes of it.
  private static func merge(
    runs: [String], output: String, bank: BankKind?, workers: Int, hashing: HashedIDs?, communicator: Communicator,
    sources: inout [ModelSource], calibration: (ModelSource) throws -> Calibration,
    selfTest: (ModelSource) throws -> SelfTest?,
    local: ((_ run: ModelSource, _ deployment: ModelSource, _ path: String) throws -> Void)?
  ) throws -> (bank: BankKind, identifying: String?) {
    for run in runs {
      let bank = bank ?? sources.first?.bankKind
      let source = try ModelSource.open(run, bank: bank, workers: workers, communicator: communicator)  // all ranks
      guard source.checkpoint != nil else {
        throw SaladError(.usage, "\(run): expected a run to merge, found a deployment, which is merged already")
      }
      if let first = sources.first { try first.requireFit(of: source) }
      sources.append(source)
    }
    let calibrations = try sources.map(calibration)  // all ranks
    let kind = sources[0].bankKind
    // Rank 0's: its name has a process in it.
    let unfinished = try communicator.broadcast(paths: [unfinishedFolder(output)])[0]  // all ranks
    var identifying: String?
    do {
      try agree(communicator) {  // all ranks
        guard communicator.isRoot else { return }
        try begin(unfinished)
        var manifest = try fill(unfinished, from: sources, calibrations: calibrations, bank: kind)
        if let hashing { try manifest.hashIDs(hashing) }
        try writeManifest(manifest, in: unfinished)
      }
      // What is there now scores as the deployment will: its own numbers are its self-test.
      let source = try ModelSource.open(unfinished, bank: nil, communicator: communicator)  // all ranks
      identifying = source.identifying
      let measured = try selfTest(source)  // all ranks
      try local?(sources[0], source, "\(unfinished)/\(localName)")  // all ranks
      try agree(communicator) {  // all ranks
        guard communicator.isRoot, measured != nil || local != nil else { return }
        var manifest = try DeploymentManifest.read(folder: unfinished)
        manifest.selfTest = measured
        if local != nil { manifest.localBank = try localFile(in: unfinished) }
        try writeManifest(manifest, in: unfinished)
      }
      try agree(communicator) {  // all ranks
        if communicator.isRoot { try publish(unfinished, as: output) }
      }
    } catch {
      if communicator.isRoot { try? FileSystem.remove(unfinished) }
      throw error
    }
    return (kind, identifying)
  }

  /// All ranks.
  static func refuseExisting(_ output: String, communicator: Communicator) throws {
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try refuseExisting(output) }
    }
  }

  private static func refuseExisting(_ output: String) throws {
    if FileSystem.exists(output) {
      throw SaladError(.usage, "\(output): expected no such folder, found one: choose another --output or remove it")
    }
  }

  /// Local. A folder beside `output`, moved to its place when all is in it.
  ///
  /// - Parameter fill: writes the safetensors files into the folder it is given, and says what they are.
  static func write(to output: String, _ fill: (String) throws -> DeploymentManifest) throws {
    let unfinished = unfinishedFolder(output)
    do {
      try begin(unfinished)
      try writeManifest(fill(unfinished), in: unfinished)
      try publish(unfinished, as: output)
    } catch {
      try? FileSystem.remove(unfinished)
      throw error
    }
  }

  /// Two merges to one output must not mix: the number is this process's.
  static func unfinishedFolder(_ output: String) -> String {
    Files.hidden(output, "-\(Host.processNumber)-writing")
  }

  static func begin(_ unfinished: String) throws {
    try FileSystem.makeFolder(Files.folder(of: unfinished))
    try FileSystem.remove(unfinished)
    try FileSystem.makeFolder(unfinished)
  }

  static func writeManifest(_ manifest: DeploymentManifest, in folder: String) throws {
    try FileSystem.write(try JSONText.pages(manifest), to: "\(folder)/\(Manifest.fileName)")
  }

  /// Local. The local bank of a folder, as its manifest has it.
  static func localFile(in folder: String) throws -> Manifest.File {
    let (bytes, sha256) = try FileSystem.digest("\(folder)/\(localName)", stopping: true)
    return Manifest.File(name: localName, bytes: bytes, sha256: sha256)
  }

  static func publish(_ unfinished: String, as output: String) throws {
    try FileSystem.synchronise(folder: unfinished)
    // A folder that appeared meanwhile is refused here, or by rename(2) unless it is empty.
    try refuseExisting(output)
    try FileSystem.move(unfinished, to: output)
    try FileSystem.synchronise(folder: Files.folder(of: output))
  }

  /// Local. Writes the safetensors files of all models.
  private static func fill(
    _ folder: String, from sources: [ModelSource], calibrations: [Calibration], bank: BankKind
  ) throws -> DeploymentManifest {
    var files: [Manifest.File] = []
    for (index, source) in sources.enumerated() {
      guard let checkpoint = source.checkpoint else { preconditionFailure("a deployment among runs") }
      let manifest = checkpoint.manifest
      try FileSystem.copy(checkpoint.modelPath, to: "\(folder)/\(modelName(index))")
      let written = try writeBank(
        rows: manifest.rows, dimension: manifest.dimension(of: bank),
        metadata: BankTensor.metadata(of: bank, manifest.scoring), in: folder, index: index
      ) { writer in
        for shard in manifest.shards(of: bank) {
          try Signals.throwIfReceived()
          try checkpoint.withRows(of: shard) { try writer.write($0) }
        }
      }
      guard written[1].sha256 == manifest.encoderHash else {
        throw SaladError(
          .badData, "\(checkpoint.modelPath): expected the bytes that were verified, found others since")
      }
      files += written
    }
    var manifest = DeploymentManifest(
      sources[0].checkpoint!.manifest, bank: bank, calibration: calibrations[0], files: files)
    let further = zip(sources, calibrations).dropFirst().map { source, calibration in
      DeploymentManifest.FurtherModel(
        encoderHash: source.checkpoint!.manifest.encoderHash, step: source.checkpoint!.manifest.step,
        calibration: calibration)
    }
    manifest.further = further.isEmpty ? nil : further
    return manifest
  }

  /// Local. Writes a model's bank beside the model.
  ///
  /// - Parameters:
  ///   - metadata: of the bank's file.
  ///   - index: the model's place among those that score together.
  ///   - body: writes (rows, dimension).
  /// - Returns: bank and model, with their digests.
  static func writeBank(
    rows: Int, dimension: Int, metadata: [String: String], in folder: String, index: Int = 0,
    _ body: (inout SafetensorsWriter) throws -> Void
  ) throws -> [Manifest.File] {
    var writer = try SafetensorsWriter(
      path: "\(folder)/\(bankName(index))", tensors: [BankTensor.description(rows: rows, dimension: dimension)],
      metadata: metadata)
    try body(&writer)
    try writer.finish()
    return try [bankName(index), modelName(index)].map { name in
      let (bytes, sha256) = try FileSystem.digest("\(folder)/\(name)", stopping: true)
      return Manifest.File(name: name, bytes: bytes, sha256: sha256)
    }
  }

  // MARK: Reading

  /// All ranks. The deployment at `path`, every file verified.
  ///
  /// - Parameter forms: what it may be, the likeliest first.
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, altered or foreign.
  static func open(
    _ path: String, as forms: [DeploymentManifest.Form] = [.deployment], workers: Int, communicator: Communicator
  ) throws -> Deployment {
    let (hash, manifest) = try agree(communicator) {  // all ranks
      let file = "\(path)/\(Manifest.fileName)"
      try FileSystem.require(file, "a manifest")
      return (try FileSystem.digest(file).sha256, try DeploymentManifest.read(folder: path, as: forms))
    }
    try Verification(folder: path, files: manifest.files, workers: workers).run(communicator)  // all ranks
    return Deployment(path: path, manifest: manifest, manifestHash: hash)
  }

  /// All ranks. This rank's part of some rows of a model's bank, copied: those of a site.
  func bank(_ index: Int, rows: Range<Int>, workers: Workers, communicator: Communicator) throws -> MemoryBank {
    let dimension = manifest.dimension
    return try agree(communicator) {  // all ranks
      let file = try SafetensorsFile(path: bankPath(index))
      let mine = Sharding(rows: rows.count, ranks: communicator.size).range(of: communicator.rank)
      let start = rows.lowerBound * dimension
      let shard = try BankTensor.withBytes(of: file, rows: manifest.rows, dimension: dimension) {
        BankTensor.floats($0, start + mine.lowerBound * dimension..<start + mine.upperBound * dimension)
      }
      try file.checkUnchanged()
      return MemoryBank(
        rows: rows.count, dimension: dimension, shard: shard, workers: workers, communicator: communicator)
    }
  }

  /// Local. All rows of a model's bank, (N, F).
  func withRows<R>(of index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let file = try SafetensorsFile(path: bankPath(index))
    return try BankTensor.withBytes(of: file, rows: manifest.rows, dimension: manifest.dimension, body)
  }

  /// All ranks. This rank's rows of the bank, searched where the file is mapped: nothing is copied at the start, and all
  /// processes of a host that score with this deployment hold its rows once.
  ///
  /// What is mapped follows the file, so that it must not be written into meanwhile. Whoever moves another file to its
  /// path harms nobody: the one that is mapped lives on. Two guards stand against the rest: a search ends with
  /// `MemoryBank.checkUnchanged`, or scores could come of rows that nobody verified; and where rows have been cut away
  /// before that, `BusErrors` says so. To copy from network file systems instead would not do: a local file is
  /// overwritten as easily.
  func bank(_ index: Int, workers: Workers, communicator: Communicator) throws -> MemoryBank {
    let (rows, dimension) = (manifest.rows, manifest.dimension)
    return try agree(communicator) {  // all ranks
      let file = try SafetensorsFile(path: bankPath(index))
      if let mapped = try BankTensor.mapped(from: file, rows: rows, dimension: dimension) {
        BusErrors.explain(in: mapped, communicator)
        return MemoryBank(
          rows: rows, dimension: dimension, mapped: mapped, workers: workers, communicator: communicator)
      }
      // Other programs may write a bank whose floats start at an odd byte: those are copied.
      let range = Sharding(rows: rows, ranks: communicator.size).range(of: communicator.rank)
      let shard = try BankTensor.withBytes(of: file, rows: rows, dimension: dimension) {
        BankTensor.floats($0, range.lowerBound * dimension..<range.upperBound * dimension)
      }
      return MemoryBank(
        rows: rows, dimension: dimension, shard: shard, workers: workers, communicator: communicator)
    }
  }
}
