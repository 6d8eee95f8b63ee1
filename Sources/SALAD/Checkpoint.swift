import MPI
import MemoryBank

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
    public var dataFingerprint: String
    /// N relative paths.
    public var imageIDs: [String]
    public var scoring: ScoringConfiguration

    public init(
      step: Int, epoch: Int, saladVersion: String, instructionSet: String, dataFingerprint: String,
      imageIDs: [String], scoring: ScoringConfiguration
    ) {
      self.step = step
      self.epoch = epoch
      self.saladVersion = saladVersion
      self.instructionSet = instructionSet
      self.dataFingerprint = dataFingerprint
      self.imageIDs = imageIDs
      self.scoring = scoring
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
  ) throws -> Manifest { fatalError("stub") }

  // MARK: Reading

  /// All ranks. The checkpoint that `latest` names, every file verified by SHA-256; nil when there is none yet.
  ///
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, duplicated, foreign or altered.
  public static func latest(of run: RunDirectory, communicator: Communicator) throws -> Checkpoint? {
    fatalError("stub")
  }

  /// model.safetensors, for `Replica.loadModel(SafetensorsFile(path:))`.
  public var modelPath: String { fatalError("stub") }
  /// optimizer.safetensors.
  public var optimizerPath: String { fatalError("stub") }
  /// Whether a bank of this kind is there; `momentum` always is.
  public func has(_ kind: BankKind) -> Bool { fatalError("stub") }

  /// All ranks. This rank's rows, read from whichever shards hold them: any number of ranks may have written them.
  public func bank(_ kind: BankKind, communicator: Communicator) throws -> MemoryBank { fatalError("stub") }
}
