import ExactSum
import MPI
import MemoryBank
import Radiographs
import Safetensors
import WorkerThreads

// N = bank rows, D = embedding dimension

/// A whole checkpoint of a run, every file of it verified.
public struct Checkpoint: Sendable {
  public let manifest: Manifest
  /// The checkpoint's folder.
  public let folder: String

  // MARK: Writing

  /// What the trainer knows and the files do not say.
  public struct Description: Sendable {
    public var step: Int
    public var epoch: Int
    public var saladVersion: String
    /// Instruction sets of all ranks' CPUs, equal on all ranks.
    public var instructionSet: String
    /// How gradients were summed over the ranks.
    public var reduction: Reduction
    public var dataFingerprint: String
    /// N relative paths.
    public var imageIDs: [String]
    /// What they show, one each.
    public var pictures: [PictureHash]?
    public var scoring: ScoringConfiguration
    /// At the end of training, when images were kept back.
    public var calibration: Calibration?

    public init(
      step: Int, epoch: Int, saladVersion: String, instructionSet: String, reduction: Reduction = .exact,
      dataFingerprint: String, imageIDs: [String], pictures: [PictureHash]? = nil, scoring: ScoringConfiguration,
      calibration: Calibration? = nil
    ) {
      self.step = step
      self.epoch = epoch
      self.saladVersion = saladVersion
      self.instructionSet = instructionSet
      self.reduction = reduction
      self.dataFingerprint = dataFingerprint
      self.imageIDs = imageIDs
      self.pictures = pictures
      self.scoring = scoring
      self.calibration = calibration
    }
  }

  /// All ranks. Writes `checkpoints/STEP` whole or not at all, then points `latest` at it, then prunes.
  ///
  /// Replaces a checkpoint of the same step (the last step's, when the refreshed bank joins it).
  /// Shards are written in parallel by the ranks that own rows, the two others by rank 0, into a folder that begins
  /// with a dot; the manifest comes last, then an atomic rename.
  ///
  /// - Parameters:
  ///   - keep: whole checkpoints to keep, at least 1; the newest stays.
  ///   - refreshed: the bank that scores, at the end of training.
  ///   - model: writes model.safetensors to the path it is given; called on rank 0. The file must not tell the layout.
  ///   - optimizer: likewise optimizer.safetensors.
  /// - Throws: `SaladError` on all ranks, 74 when any rank's disk refuses; earlier checkpoints are untouched.
  @discardableResult
  public static func write(
    _ description: Description, to run: RunDirectory, keep: Int, momentum: MemoryBank, refreshed: MemoryBank?,
    communicator: Communicator, model: (String) throws -> Void, optimizer: (String) throws -> Void
  ) throws -> Manifest {
    precondition(
      description.imageIDs.count == momentum.sharding.rows,
      "\(description.imageIDs.count) image ids for a bank of \(momentum.sharding.rows) rows")
    let folder = run.unfinishedFolder(step: description.step, .writing)
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try FileSystem.remove(folder)
      try FileSystem.makeFolder(folder)
    }
    do {
      let written = try agree(communicator) {  // all ranks
        var written = Written()
        if communicator.isRoot {
          try written.add(Manifest.modelName, in: folder, model)
          try written.add(Manifest.optimizerName, in: folder, optimizer)
        }
        try written.addShard(of: momentum, .momentum, in: folder)
        if let refreshed { try written.addShard(of: refreshed, .refreshed, in: folder) }
        return written
      }
      let all = try written.gathered(communicator)  // all ranks
      let manifest = Manifest(description, all, bank: momentum, ranks: communicator.size)
      try agree(communicator) {  // all ranks
        guard communicator.isRoot else { return }
        try FileSystem.write(try JSONText.pages(manifest), to: "\(folder)/\(Manifest.fileName)")
        try run.publish(step: description.step)
        try run.prune(keep: keep)
      }
      return manifest
    } catch {
      // An agreed error: no rank is writing any more. Room is what a full disk wants most.
      if communicator.isRoot { try? FileSystem.remove(folder) }
      throw error
    }
  }

  // MARK: Reading

  /// All ranks. The checkpoint that `latest` names, every file verified by SHA-256; nil when there is none yet.
  ///
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, duplicated, foreign or altered.
  public static func latest(
    of run: RunDirectory, workers: Int = 1, communicator: Communicator
  ) throws -> Checkpoint? {
    // Rank 0's answer for all: a training job may be moving `latest` on.
    let mine = try agree(communicator) {  // all ranks
      communicator.isRoot ? try run.latestStep() : nil
    }
    var step = [Int64(mine ?? -1)]
    try communicator.broadcast(&step, root: 0)  // all ranks
    guard step[0] >= 0 else { return nil }

    let folder = "\(run.path)/\(RunDirectory.checkpointFolder(step: Int(step[0])))"
    let manifest = try agree(communicator) { try Manifest.read(folder: folder) }  // all ranks
    try Verification(folder: folder, files: manifest.files, workers: workers).run(communicator)  // all ranks
    return Checkpoint(manifest: manifest, folder: folder)
  }

  /// model.safetensors, for `Replica.loadModel(SafetensorsFile(path:))`.
  public var modelPath: String { "\(folder)/\(Manifest.modelName)" }
  /// optimizer.safetensors.
  public var optimizerPath: String { "\(folder)/\(Manifest.optimizerName)" }
  /// Whether a bank of this kind is there; `momentum` always is.
  public func has(_ kind: BankKind) -> Bool { !manifest.shards(of: kind).isEmpty }

  /// All ranks. This rank's rows, read from whichever shards hold them: any number of ranks may have written them.
  public func bank(_ kind: BankKind, workers: Workers, communicator: Communicator) throws -> MemoryBank {
    let shard = try agree(communicator) {  // all ranks
      try rows(Sharding(rows: manifest.rows, ranks: communicator.size).range(of: communicator.rank), of: kind)
    }
    return MemoryBank(
      rows: manifest.rows, dimension: manifest.dimension, shard: shard, workers: workers, communicator: communicator)
  }

  /// Local. Rows of the bank from the shards that overlap the range, and no other: (range, D).
  func rows(_ range: Range<Int>, of kind: BankKind) throws -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(range.count * manifest.dimension)
    for shard in manifest.shards(of: kind) {
      let rows = range.clamped(to: shard.firstRow..<shard.endRow)
      if rows.isEmpty { continue }
      try withRows(of: shard) { bytes in
        let start = (rows.lowerBound - shard.firstRow) * manifest.dimension
        values += BankTensor.floats(bytes, start..<start + rows.count * manifest.dimension)
      }
    }
    return values
  }

  /// Local. All rows of one shard: float32, (rows of the shard, D).
  func withRows<R>(of shard: Manifest.Shard, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let file = try SafetensorsFile(path: "\(folder)/\(shard.name)")
    return try BankTensor.withBytes(
      of: file, rows: shard.endRow - shard.firstRow, dimension: manifest.dimension, body)
  }
}

/// What one rank wrote.
private struct Written: Codable {
  var files: [Manifest.File] = []
  var shards: [Manifest.Shard] = []

  /// Writes a file of the folder, forces it to the disk and takes its hash.
  mutating func add(_ name: String, in folder: String, _ write: (String) throws -> Void) throws {
    let path = "\(folder)/\(name)"
    try write(path)
    let (bytes, sha256) = try FileSystem.digest(path, synchronising: true)
    files.append(Manifest.File(name: name, bytes: bytes, sha256: sha256))
  }

  /// Writes this rank's rows, when it has any. Shards are numbered over the ranks that have some.
  mutating func addShard(of bank: MemoryBank, _ kind: BankKind, in folder: String) throws {
    let rows = bank.ownedRows
    if rows.isEmpty { return }
    let index = (0..<bank.rank).count { !bank.sharding.range(of: $0).isEmpty }
    let name = Manifest.Shard.name(kind, index: index, of: bank.sharding.owners)
    try add(name, in: folder) { path in
      var writer = try SafetensorsWriter(
        path: path, tensors: [BankTensor.description(rows: rows.count, dimension: bank.dimension)])
      try writer.write(bank.shard)
      try writer.finish()
    }
    shards.append(Manifest.Shard(name: name, kind: kind, firstRow: rows.lowerBound, endRow: rows.upperBound))
  }

  /// All ranks. What all ranks wrote, by name.
  func gathered(_ communicator: Communicator) throws -> Written {
    let parts = try communicator.allGatherV(try JSONText.line(self))  // all ranks
    var all = Written()
    for part in parts {
      let written = try JSONText.decode(Written.self, from: part, path: "a rank's list of files")
      all.files += written.files
      all.shards += written.shards
    }
    all.files.sort { $0.name < $1.name }
    all.shards.sort { $0.name < $1.name }
    return all
  }
}

extension Manifest {
  fileprivate init(_ description: Checkpoint.Description, _ written: Written, bank: MemoryBank, ranks: Int) {
    self.init(
      saladVersion: description.saladVersion, step: description.step, epoch: description.epoch, ranks: ranks,
      instructionSet: description.instructionSet, reduction: description.reduction,
      dataFingerprint: description.dataFingerprint,
      encoderHash: written.files.first { $0.name == Self.modelName }?.sha256 ?? "", rows: bank.sharding.rows,
      dimension: bank.dimension, scoring: description.scoring, files: written.files, shards: written.shards,
      imageIDs: description.imageIDs, imageHashes: description.pictures?.map(\.hexadecimal),
      calibration: description.calibration)
  }
}
