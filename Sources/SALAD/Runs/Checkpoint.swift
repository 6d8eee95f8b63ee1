import ExactSum
import MPI
import MemoryBank
import Platform
import Radiographs
import Safetensors

// N = bank rows, D = embedding dimension

/// A whole checkpoint of a run, every file of it verified.
public struct Checkpoint: Sendable {
  public let manifest: Manifest
  /// The checkpoint's folder.
  public let folder: String
  /// Rank 0's, where it reads beside a training.
  private var hold: CheckpointHold?

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
    /// T, where it is not 1.
    public var threadsPerMicroBatch: Int?
    public var dataFingerprint: String
    /// Of which run it is.
    public var run: RunIdentity?
    /// N relative paths.
    public var imageIDs: [String]
    /// Whose images they are, one each; nil: as their names tell.
    public var patients: [String?]?
    /// What they show, one each.
    public var pictures: [PictureHash]?
    public var scoring: ScoringConfiguration
    /// At the end of training.
    public var calibration: Calibration?

    public init(
      step: Int, epoch: Int, saladVersion: String, instructionSet: String, reduction: Reduction = .exact,
      dataFingerprint: String, run: RunIdentity? = nil, imageIDs: [String], patients: [String?]? = nil,
      pictures: [PictureHash]? = nil, scoring: ScoringConfiguration, calibration: Calibration? = nil
    ) {
      self.step = step
      self.epoch = epoch
      self.saladVersion = saladVersion
      self.instructionSet = instructionSet
      self.reduction = reduction
      self.dataFingerprint = dataFingerprint
      self.run = run
      self.imageIDs = imageIDs
      self.patients = patients
      self.pictures = pictures
      self.scoring = scoring
      self.calibration = calibration
    }
  }

  /// All ranks. Writes `checkpoints/STEP` whole or not at all: `UnfinishedCheckpoint` says how, and lets training go on
  /// meanwhile.
  @discardableResult
  public static func write(
    _ description: Description, to run: RunDirectory, keep: Int, momentum: MemoryBank, refreshed: MemoryBank?,
    communicator: Communicator, model: @escaping @Sendable (String) throws -> Void,
    optimizer: @escaping @Sendable (String) throws -> Void
  ) throws -> Manifest {
    let unfinished = try UnfinishedCheckpoint(  // all ranks
      description, to: run, momentum: momentum, refreshed: refreshed, communicator: communicator, model: model,
      optimizer: optimizer)
    return try unfinished.finish(keep: keep, communicator: communicator)  // all ranks
  }

  // MARK: Reading

  /// All ranks. The checkpoint that `latest` names, every file verified by SHA-256; nil when there is none yet.
  ///
  /// One that a training takes away while it is verified is none to complain about: the next one is looked up.
  ///
  /// - Parameters:
  ///   - run: the run's folder.
  ///   - workers: threads of this rank.
  ///   - holds: whether a training that goes on meanwhile must not prune it, as long as this value lives or until
  ///     `release`.
  ///   - communicator: of the ranks that take part.
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, duplicated, foreign or altered.
  public static func latest(
    of run: RunDirectory, workers: Int = 1, holds: Bool = false, communicator: Communicator
  ) throws -> Checkpoint? {
    for attempt in 1... {
      // Rank 0's answer for all: a training job may be moving `latest` on.
      let mine = try agree(communicator) {  // all ranks
        communicator.isRoot ? try newest(of: run, holds: holds) : nil
      }
      var step = [Int64(mine?.step ?? -1)]
      try communicator.broadcast(&step, root: 0)  // all ranks
      guard step[0] >= 0 else { return nil }

      let folder = folder(of: run, step: Int(step[0]))
      do {
        let manifest = try agree(communicator) {  // all ranks
          let manifest = try Manifest.read(folder: folder)
          try run.refuseForeign(manifest, in: folder, step: Int(step[0]))
          return manifest
        }
        try Verification(folder: folder, files: manifest.files, workers: workers).run(communicator)  // all ranks
        return Checkpoint(manifest: manifest, folder: folder, hold: mine?.hold)
      } catch let error as SaladError where holds && error.status != .interrupted {
        let isGone = try communicator.allReduce(UInt8(mine?.hold?.isGone ?? false ? 1 : 0), .max) > 0  // all ranks
        guard isGone, attempt < mostAttempts else { throw error }
      }
    }
    preconditionFailure("attempts without end")
  }

  /// So often is a checkpoint looked up that goes away while it is read.
  static let mostAttempts = 20

  private static func folder(of run: RunDirectory, step: Int) -> String {
    "\(run.path)/\(RunDirectory.checkpointFolder(step: step))"
  }

  /// Local. The step that `latest` names, and a hold of its checkpoint; nil before the first.
  private static func newest(of run: RunDirectory, holds: Bool) throws -> (step: Int, hold: CheckpointHold?)? {
    for _ in 1..<mostAttempts {
      guard let step = try run.latestStep() else { return nil }
      if !holds { return (step, nil) }
      if let hold = CheckpointHold.of(folder(of: run, step: step)) { return (step, hold) }
      // Pruned in this moment: `latest` names another one by now.
      Host.pause(microseconds: 20_000)
    }
    // Whatever is wrong with it, its reader says.
    return try run.latestStep().map { ($0, nil) }
  }

  /// Local. What was read is in memory: the training may prune the checkpoint.
  func release() { hold?.release() }

  /// All ranks. Whether a training took the checkpoint away, or put another one of its step in its place.
  func isGone(_ communicator: Communicator) throws -> Bool {
    try communicator.allReduce(UInt8(hold?.isGone ?? false ? 1 : 0), .max) > 0  // all ranks
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
      rows: manifest.rows, dimension: manifest.dimension(of: kind), shard: shard, workers: workers,
      communicator: communicator)
  }

  /// Local. Rows of the bank from the shards that overlap the range, and no other: (range, D or F).
  func rows(_ range: Range<Int>, of kind: BankKind) throws -> [Float] {
    let dimension = manifest.dimension(of: kind)
    var values: [Float] = []
    values.reserveCapacity(range.count * dimension)
    for shard in manifest.shards(of: kind) {
      let rows = range.clamped(to: shard.firstRow..<shard.endRow)
      if rows.isEmpty { continue }
      try withRows(of: shard) { bytes in
        let start = (rows.lowerBound - shard.firstRow) * dimension
        values += BankTensor.floats(bytes, start..<start + rows.count * dimension)
      }
    }
    return values
  }

  /// Local. All rows of one shard: float32, (rows of the shard, D or F).
  func withRows<R>(of shard: Manifest.Shard, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let file = try SafetensorsFile(path: "\(folder)/\(shard.name)")
    return try BankTensor.withBytes(
      of: file, rows: shard.endRow - shard.firstRow, dimension: manifest.dimension(of: shard.kind), body)
  }
}
