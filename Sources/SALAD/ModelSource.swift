import MPI
import MemoryBank

/// What scoring loads, from a run or from a deployment alike.
public struct ModelSource: Sendable {
  public enum Kind: Sendable { case run(step: Int), deployment }

  public let path: String
  public let kind: Kind
  public let scoring: ScoringConfiguration
  /// model.safetensors, verified.
  public let modelPath: String
  /// N relative paths; row i is image i's prototype.
  public let imageIDs: [String]
  public let dataFingerprint: String
  /// The bank that scores.
  public let bankKind: BankKind
  /// A sentence for standard error when the bank is not the refreshed one that was to be expected, else nil.
  public let note: String?

  /// All ranks. Opens and verifies every file of a RUN's newest checkpoint or of a DEPLOY.
  ///
  /// - Parameter bank: nil: the refreshed one where there is one, else momentum.
  /// - Throws: `SaladError` on all ranks: 65 when `path` is neither or is damaged, 64 when it lacks the bank asked for.
  public static func open(_ path: String, bank: BankKind?, communicator: Communicator) throws -> ModelSource {
    fatalError("stub")
  }

  /// All ranks. This rank's rows of the bank.
  public func bank(communicator: Communicator) throws -> MemoryBank { fatalError("stub") }
}
