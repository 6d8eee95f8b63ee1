/// Which bank: `refreshed`, recomputed with the final weights, or `momentum`, the one that training continues.
public enum BankKind: String, Codable, Sendable, CaseIterable {
  case refreshed, momentum
}

/// What a checkpoint says of itself; written last, so that its presence means that all else is there.
public struct Manifest: Codable, Sendable, Equatable {
  /// A file of the checkpoint.
  public struct File: Codable, Sendable, Equatable {
    public var name: String
    public var bytes: Int
    /// 64 hexadecimal digits.
    public var sha256: String
  }

  /// The rows of the bank that one file holds.
  public struct Shard: Codable, Sendable, Equatable {
    /// The file's name.
    public var name: String
    public var kind: BankKind
    /// Rows `firstRow ..< endRow` of the bank: image indices.
    public var firstRow: Int
    public var endRow: Int
  }

  /// `salad-checkpoint`.
  public var format: String
  public var formatVersion: Int
  public var saladVersion: String
  /// Optimiser steps taken, and epochs completed.
  public var step: Int
  public var epoch: Int
  /// Ranks that wrote it: of interest to a reader, of none to a resume.
  public var ranks: Int
  /// Instruction sets of the ranks' CPUs.
  public var instructionSet: String
  public var dataFingerprint: String
  /// SHA-256 of model.safetensors.
  public var encoderHash: String
  /// (N, D) of the bank.
  public var rows: Int
  public var dimension: Int
  public var scoring: ScoringConfiguration
  /// Every file but the manifest, by name.
  public var files: [File]
  public var shards: [Shard]
  /// N relative paths; image i's prototype is row i.
  public var imageIDs: [String]
}
