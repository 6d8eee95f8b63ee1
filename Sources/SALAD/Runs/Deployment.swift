import MPI
import MemoryBank
import Platform
import Safetensors

/// One model with its whole bank in one file: what `salad merge` makes of a run.
///
///     DEPLOY/model.safetensors   DEPLOY/bank.safetensors   DEPLOY/manifest.json
public struct Deployment: Sendable {
  let path: String
  let manifest: DeploymentManifest

  static let bankName = "bank.safetensors"

  var modelPath: String { "\(path)/\(Manifest.modelName)" }
  var bankPath: String { "\(path)/\(Self.bankName)" }

  // MARK: Merging

  /// All ranks. Makes the folder `output` of the newest checkpoint of the run at `run`, whole or not at all.
  ///
  /// Both safetensors files are functions of weights and rows alone: any sharding gives the same bytes.
  /// The run is verified first and never changed.
  ///
  /// - Parameters:
  ///   - bank: nil: the refreshed one where there is one, else momentum.
  ///   - workers: threads of this rank.
  ///   - selfTest: all ranks; what the verified run makes of the self-test's images.
  /// - Returns: which bank was merged.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists, 65 when the run is damaged, 74 when the disk refuses.
  public static func merge(
    run: String, output: String, bank: BankKind?, workers: Int = 1, communicator: Communicator,
    selfTest: (ModelSource) throws -> SelfTest? = { _ in nil }
  ) throws -> BankKind {
    try refuseExisting(output, communicator: communicator)  // all ranks
    let source = try ModelSource.open(run, bank: bank, workers: workers, communicator: communicator)  // all ranks
    guard let checkpoint = source.checkpoint else {
      throw SaladError(.usage, "\(run): expected a run to merge, found a deployment, which is merged already")
    }
    let selfTest = try selfTest(source)  // all ranks
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try write(to: output) { folder in
        var manifest = try fill(folder, from: checkpoint, bank: source.bankKind)
        manifest.selfTest = selfTest
        return manifest
      }
    }
    return source.bankKind
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
  /// - Parameter fill: writes both safetensors files into the folder it is given, and says what they are.
  static func write(to output: String, _ fill: (String) throws -> DeploymentManifest) throws {
    let parent = FileSystem.folder(of: output)
    try FileSystem.makeFolder(parent)
    // Two merges to one output must not mix: the number is this process's.
    let unfinished = "\(parent)/.\(FileSystem.name(of: output))-\(FileSystem.processNumber)-writing"
    do {
      try FileSystem.remove(unfinished)
      try FileSystem.makeFolder(unfinished)
      let manifest = try fill(unfinished)
      try FileSystem.write(try JSONText.pages(manifest), to: "\(unfinished)/\(Manifest.fileName)")
      try FileSystem.synchronise(folder: unfinished)
      // A folder that appeared meanwhile is refused here, or by rename(2) unless it is empty.
      try refuseExisting(output)
      try FileSystem.move(unfinished, to: output)
      try FileSystem.synchronise(folder: parent)
    } catch {
      try? FileSystem.remove(unfinished)
      throw error
    }
  }

  /// Local. Writes both safetensors files.
  private static func fill(_ folder: String, from checkpoint: Checkpoint, bank: BankKind) throws -> DeploymentManifest {
    let manifest = checkpoint.manifest
    try FileSystem.copy(checkpoint.modelPath, to: "\(folder)/\(Manifest.modelName)")

    let files = try writeBank(rows: manifest.rows, dimension: manifest.dimension, in: folder) { writer in
      for shard in manifest.shards(of: bank) {
        try checkpoint.withRows(of: shard) { try writer.write($0) }
      }
    }
    guard files[1].sha256 == manifest.encoderHash else {
      throw SaladError(.badData, "\(checkpoint.modelPath): expected the bytes that were verified, found others since")
    }
    return DeploymentManifest(manifest, bank: bank, files: files)
  }

  /// Local. Writes the bank beside the model.
  ///
  /// - Parameter body: writes (rows, dimension).
  /// - Returns: bank and model, with their digests.
  static func writeBank(
    rows: Int, dimension: Int, in folder: String, _ body: (inout SafetensorsWriter) throws -> Void
  ) throws -> [Manifest.File] {
    var writer = try SafetensorsWriter(
      path: "\(folder)/\(bankName)", tensors: [BankTensor.description(rows: rows, dimension: dimension)])
    try body(&writer)
    try writer.finish()
    return try [bankName, Manifest.modelName].map { name in
      let (bytes, sha256) = try FileSystem.digest("\(folder)/\(name)")
      return Manifest.File(name: name, bytes: bytes, sha256: sha256)
    }
  }

  // MARK: Reading

  /// All ranks. The deployment at `path`, every file verified.
  ///
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, altered or foreign.
  static func open(_ path: String, workers: Int, communicator: Communicator) throws -> Deployment {
    let manifest = try agree(communicator) { try DeploymentManifest.read(folder: path) }  // all ranks
    try Verification(folder: path, files: manifest.files, workers: workers).run(communicator)  // all ranks
    return Deployment(path: path, manifest: manifest)
  }

  /// All ranks. This rank's rows of the bank, searched where the file is mapped: nothing is copied at the start, and all
  /// processes of a host that score with this deployment hold its rows once.
  ///
  /// What is mapped follows the file, so that it must not be written into meanwhile. Whoever moves another file to its
  /// path harms nobody: the one that is mapped lives on. Two guards stand against the rest: a search ends with
  /// `MemoryBank.checkUnchanged`, or scores could come of rows that nobody verified; and where rows have been cut away
  /// before that, `BusError` says so. To copy from network file systems instead would not do: a local file is
  /// overwritten as easily.
  func bank(workers: Workers, communicator: Communicator) throws -> MemoryBank {
    let (rows, dimension) = (manifest.rows, manifest.dimension)
    return try agree(communicator) {  // all ranks
      let file = try SafetensorsFile(path: bankPath)
      if let mapped = try BankTensor.mapped(from: file, rows: rows, dimension: dimension) {
        BusError.explain(in: mapped, communicator)
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
