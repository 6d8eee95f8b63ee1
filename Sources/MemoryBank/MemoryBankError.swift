/// Why the memory bank could not answer. Thrown on all ranks alike, since all of them counted the same.
public enum MemoryBankError: Error, CustomStringConvertible, Sendable, Equatable {
  /// An embedding of `count` holds a value that is not finite.
  case embeddingNotFinite(embedding: Int, count: Int)
  /// Rows hold values that are not finite, or sums went out of range; `step` says where it was seen.
  case notFinite(step: String, faults: Int)

  public var description: String {
    switch self {
    case .embeddingNotFinite(let embedding, let count):
      "embedding \(embedding + 1) of \(count) holds a value that is not finite, a unit vector was expected"
    case .notFinite(let step, let faults):
      "the memory bank's \(step) met \(faults) values that are not finite or out of range, unit rows were expected"
    }
  }

  /// Throws when an embedding is not finite. Local: the embeddings are equal on all ranks, and so is the error.
  static func check(embeddings: [Float], dimension: Int) throws(MemoryBankError) {
    guard let element = embeddings.firstIndex(where: { !$0.isFinite }) else { return }
    throw .embeddingNotFinite(embedding: element / dimension, count: embeddings.count / dimension)
  }

  /// Throws when `faults`, a count that an all-reduce has added up, is not zero.
  static func check(faults: Int64, step: String) throws(MemoryBankError) {
    guard faults == 0 else { throw .notFinite(step: step, faults: Int(faults)) }
  }
}
