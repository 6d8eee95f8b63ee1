// CONTRACT STUB: signatures are agreed, bodies are not.
import COpenBLAS
import CKernels
import ExactSum
import MPI
import Radiographs

// N = bank rows, D = embedding dimension, B = batch size, K = neighbours looked up, A = anchor neighbours

/// Which rank owns which rows: whole granules of 16 consecutive image indices, spread evenly.
public struct Sharding: Sendable, Equatable {
  public static let granule = 16
  public let rows: Int, ranks: Int
  public init(rows: Int, ranks: Int) { self.rows = rows; self.ranks = ranks }
  /// Rows of `rank`, maybe empty; consecutive and in rank order.
  public func range(of rank: Int) -> Range<Int> { fatalError("stub") }
  public func owner(of row: Int) -> Int { fatalError("stub") }
  /// How many ranks own rows.
  public var owners: Int { fatalError("stub") }
}

/// This rank's rows of the memory bank: row i is the running prototype of image i.
public struct MemoryBank: Sendable {
  public let sharding: Sharding
  public let rank: Int
  public let dimension: Int
  /// (rows of this rank, D), unit rows.
  public var shard: [Float]
  /// Rows drawn uniform in +-sqrt(3/D) from (seed, row, element), then normalised.
  public init(rows: Int, dimension: Int, seed: UInt64, communicator: Communicator) { fatalError("stub") }
  /// From rows that the caller loaded: `shard` is (range(of: rank).count, D).
  public init(rows: Int, dimension: Int, shard: [Float], communicator: Communicator) { fatalError("stub") }
  public var ownedRows: Range<Int> { fatalError("stub") }

  /// m_i <- normalise(mu m_i + (1 - mu) z_i) for the images that this rank owns. Local.
  /// - Parameters imageIndices: B of them. embeddings: (B, D), the whole batch's.
  public mutating func update(imageIndices: [Int], embeddings: [Float], momentum: Double) { fatalError("stub") }
  /// Replaces the rows of these images that this rank owns (the refresh pass). Local.
  public mutating func replace(imageIndices: [Int], embeddings: [Float]) { fatalError("stub") }
}

/// Which images are anchors, and each one's nearest other images. Equal on all ranks.
public struct AnchorNeighbourhoods: Sendable, Equatable {
  /// Ascending image indices.
  public var anchors: [Int]
  /// (anchors, A'), A' = min(A, N - 1), by similarity descending then index ascending.
  public var neighbours: [Int]
  public var neighboursPerAnchor: Int
  public init(anchors: [Int], neighbours: [Int], neighboursPerAnchor: Int) { self.anchors = anchors; self.neighbours = neighbours; self.neighboursPerAnchor = neighboursPerAnchor }
  public static let none = AnchorNeighbourhoods(anchors: [], neighbours: [], neighboursPerAnchor: 0)
  /// Neighbours of image i, nil when i is no anchor. O(log anchors).
  public func neighbours(of image: Int) -> ArraySlice<Int>? { fatalError("stub") }
}

/// The embedding losses of a batch, and their gradient.
public struct EmbeddingLoss: Sendable {
  public var mean: Double            // over the batch: instance loss or, for anchors, aggregation loss
  public var instanceMean: Double, instanceCount: Int
  public var aggregationMean: Double, aggregationCount: Int
  /// (B, D): weight * d mean / d z, equal on all ranks.
  public var gradient: [Float]
}

extension MemoryBank {
  /// All ranks. The whole batch's indices and embeddings, equal on all ranks.
  public func embeddingLoss(imageIndices: [Int], embeddings: [Float], neighbourhoods: AnchorNeighbourhoods, temperature: Double, weight: Double, communicator: Communicator) throws -> EmbeddingLoss { fatalError("stub") }
  /// All ranks. H_i of every row, equal on all ranks: N doubles.
  public func entropies(temperature: Double, communicator: Communicator, progress: (Int) -> Void) throws -> [Double] { fatalError("stub") }
  /// All ranks. The min(N, floor(N * rate * round + 1e-9)) rows of lowest entropy and their A nearest other rows.
  public func anchorNeighbourhoods(round: Int, rate: Double, neighbours: Int, temperature: Double, communicator: Communicator) throws -> AnchorNeighbourhoods { fatalError("stub") }
}

/// One found prototype.
public struct Neighbour: Sendable, Equatable {
  public var similarity: Double
  public var index: Int
  public init(similarity: Double, index: Int) { self.similarity = similarity; self.index = index }
}

public enum ScoreRule: String, Codable, Sendable, CaseIterable { case weighted, meanAngle = "mean-angle" }

extension MemoryBank {
  /// All ranks, same queries on all. For each query its min(K, N) nearest rows, similarity (double dot) descending then index ascending.
  /// - Parameter excluding: for each query a row that does not count (its own), or nil for none.
  public func nearest(_ queries: [Float], k: Int, excluding: [Int]?, communicator: Communicator) throws -> [[Neighbour]] { fatalError("stub") }
  /// All ranks, same queries on all: anomaly scores in 0...1, equal on all ranks.
  public func scores(_ queries: [Float], k: Int, rule: ScoreRule, temperature: Double, communicator: Communicator) throws -> [Double] { fatalError("stub") }
}
