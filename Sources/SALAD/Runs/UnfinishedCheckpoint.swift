import Autoencoder
import MPI
import MemoryBank
import Platform
import Safetensors

/// A checkpoint whose files a thread writes while training goes on.
///
///     let unfinished = try UnfinishedCheckpoint(...)          // all ranks; returns at once
///     ...                                                     // steps, until isWritten on all ranks
///     try unfinished.finish(keep: 2, communicator: world)     // all ranks; whole or absent
///
/// Shards are written in parallel by the ranks that own rows, the two others by rank 0, into a folder that begins
/// with a dot. Only `finish` makes a checkpoint of it: the manifest comes last, then an atomic rename, then `latest`.
/// What is written must not change meanwhile: it is values and copies.
public final class UnfinishedCheckpoint: Sendable {
  private let description: Checkpoint.Description
  private let run: RunDirectory
  private let momentum: MemoryBank
  private let folder: String
  /// What this rank wrote, or why it could not; nil as long as it writes.
  private let outcome = Monitor<Result<Written, any Error>?>(nil)

  /// All ranks. Begins to write `checkpoints/STEP`, which replaces a checkpoint of the same step (the last step's, when
  /// the refreshed bank joins it).
  ///
  /// - Parameters:
  ///   - description: what the checkpoint is of.
  ///   - run: the run's folder.
  ///   - momentum: this rank's rows of the bank that training moves.
  ///   - refreshed: the bank that scores, at the end of training.
  ///   - communicator: of the ranks that take part.
  ///   - model: writes model.safetensors to the path it is given; called on rank 0, on another thread. The file must not
  ///     tell the layout.
  ///   - optimizer: likewise optimizer.safetensors.
  /// - Throws: `SaladError` 74 on all ranks when there cannot be a folder.
  public init(
    _ description: Checkpoint.Description, to run: RunDirectory, momentum: MemoryBank, refreshed: MemoryBank?,
    communicator: Communicator, model: @escaping @Sendable (String) throws -> Void,
    optimizer: @escaping @Sendable (String) throws -> Void
  ) throws {
    precondition(
      description.imageIDs.count == momentum.sharding.rows,
      "\(description.imageIDs.count) image ids for a bank of \(momentum.sharding.rows) rows")
    self.description = description
    self.run = run
    self.momentum = momentum
    let folder = run.unfinishedFolder(step: description.step, .writing)
    self.folder = folder
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try FileSystem.remove(folder)
      try FileSystem.makeFolder(folder)
    }
    let (isRoot, scoring) = (communicator.isRoot, description.scoring)
    let write: @Sendable () -> Void = { [self] in
      let result = Result {
        var written = Written()
        if isRoot {
          try written.add(Manifest.modelName, in: folder, model)
          try written.add(Manifest.optimizerName, in: folder, optimizer)
        }
        try written.addShard(of: momentum, .momentum, scoring, in: folder)
        if let refreshed { try written.addShard(of: refreshed, .refreshed, scoring, in: folder) }
        return written
      }
      outcome.update { $0 = result }
    }
    // Where the system allows no thread more, training waits.
    if (try? WorkerThread("checkpoint", write)) == nil { write() }
  }

  /// This rank's files are on the disk, or could not be written.
  var isWritten: Bool { outcome.read { $0 != nil } }

  /// All ranks. Waits until every rank has written its files, or could not.
  ///
  /// As long as one still writes, all of them make progress: a slow disk ends nobody. Where nothing moves any more, the rank
  /// whose disk does not answer is told apart from those that wait for it.
  func awaitFiles(step: Int, communicator: Communicator, watchdog: Watchdog) throws {
    watchdog.enter("writing a checkpoint", step: step)
    var transfers = Transfers()
    var isWaiting = false
    var pause: UInt32 = 1000
    while true {
      if !isWaiting, isWritten {
        isWaiting = true
        watchdog.enter("waiting for all ranks' parts of a checkpoint", step: step)
      }
      var agreed: [Int32] = [isWaiting ? 0 : 1, transfers.areGoing() ? 1 : 0]
      try communicator.allReduce(&agreed, .max)  // all ranks
      guard agreed[0] > 0 else { return }
      if agreed[1] > 0 { watchdog.progress() }
      Host.pause(microseconds: pause)
      // Often at first, since most are written by now; then rarely, so that asking is no transfer worth counting.
      pause = min(2 * pause, 100_000)
    }
  }

  /// All ranks; once. Waits until all have written, makes a checkpoint of it, points `latest` at it, then prunes.
  ///
  /// - Parameters:
  ///   - keep: whole checkpoints to keep, at least 1; the newest stays.
  ///   - communicator: of the ranks that take part.
  /// - Throws: `SaladError` on all ranks, 74 when any rank's disk refuses; earlier checkpoints are untouched.
  @discardableResult
  public func finish(keep: Int, communicator: Communicator) throws -> Manifest {
    let outcome = outcome.watch { $0 }
    do {
      let written = try agree(communicator) { try outcome.get() }  // all ranks
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
}

/// What one rank wrote.
private struct Written: Codable, Sendable {
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
  mutating func addShard(
    of bank: MemoryBank, _ kind: BankKind, _ scoring: ScoringConfiguration, in folder: String
  ) throws {
    let rows = bank.ownedRows
    if rows.isEmpty { return }
    let index = (0..<bank.rank).count { !bank.sharding.range(of: $0).isEmpty }
    let name = Manifest.Shard.name(kind, index: index, of: bank.sharding.owners)
    let metadata = BankTensor.metadata(of: kind, scoring)
    try add(name, in: folder) { path in
      var writer = try SafetensorsWriter(
        path: path, tensors: [BankTensor.description(rows: rows.count, dimension: bank.dimension)], metadata: metadata)
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
      dataFingerprint: description.dataFingerprint, run: description.run,
      encoderHash: written.files.first { $0.name == Self.modelName }?.sha256 ?? "", rows: bank.sharding.rows,
      dimension: bank.dimension, featureCount: description.scoring.featureCount, scoring: description.scoring,
      files: written.files, shards: written.shards,
      imageIDs: description.imageIDs,
      imagePatients: ImagePatients.text(of: description.patients, imageIDs: description.imageIDs),
      imageHashes: description.pictures?.map(\.hexadecimal),
      calibration: description.calibration)
    threadsPerMicroBatch = description.threadsPerMicroBatch
  }
}
