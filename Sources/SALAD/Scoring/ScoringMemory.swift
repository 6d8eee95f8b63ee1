import Autoencoder
import MemoryBank

// N = bank rows, F = features of an image, K = prototypes looked up, S = image side, m = images embedded together

/// What embedding and looking up will take of a rank's memory.
struct ScoringMemory {
  let scoring: ScoringConfiguration
  /// Of the encoder.
  let precision: Precision
  /// Models that score together.
  var models = 1
  /// N; 0 as long as nobody knows.
  let rows: Int
  /// F, of the bank that scores.
  let features: Int
  /// K.
  let topK: Int
  /// Whether a rank holds its rows itself, and does not search a file that is mapped.
  let holdsBank: Bool
  /// Whether the bank's own rows are looked up, too.
  let measuresBank: Bool
  /// Threads of this rank.
  let workers: Int
  let ranks: Int

  /// Makes the network's primitives, which take little, and none of the buffers.
  func items() throws -> [MemoryItem] {
    let network = try ReplicaMemory(
      configuration: scoring.network, precision: precision, microBatch: scoring.microBatch, training: false)
    let float = MemoryLayout<Float>.stride
    let mine = scoring.microBatch * workers * Embedder.microBatchesPerWorker
    let block = mine * ranks
    let k = min(topK, rows)
    // Each worker's shortlists and each query's candidates, of as many queries as are looked up at a time.
    let queries = min(block, MemoryBank.queryBlock)
    let search =
      queries * (3 * min(k, 1 << 12) * 2 * float * workers + (ranks + 2) * k * MemoryLayout<Neighbour>.stride)
    let found = (block + (measuresBank ? rows : 0)) * k * MemoryLayout<Neighbour>.stride
    return [
      MemoryItem(name: "parameters", bytes: models * (network.parameters + network.packedWeights)),
      MemoryItem(name: "workers' buffers", bytes: models * workers * network.worker),
      MemoryItem(
        name: "images of a block",
        bytes: mine * scoring.size * scoring.size * float + models * 2 * block * features * float),
      MemoryItem(
        name: "memory bank",
        bytes: holdsBank && rows > 0
          ? models * Sharding(rows: rows, ranks: ranks).range(of: 0).count * features * float : 0),
      MemoryItem(name: "prototypes looked up", bytes: search + found),
    ]
  }

  /// Local. Throws `SaladError` 64 where this rank's memory does not suffice.
  ///
  /// - Parameters:
  ///   - host: what there is.
  ///   - work: as the beginning of a sentence: `scoring`.
  ///   - cure: what else to give less of; nil: nothing.
  func require(of host: HostResources, for work: String, cure: String?) throws {
    try MemoryNeed(work: work, items: items(), cure: cure).require(of: host)
  }
}
