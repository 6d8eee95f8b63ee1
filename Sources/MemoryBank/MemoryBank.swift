public import MPI
public import Platform
import Radiographs
public import Safetensors

// N = bank rows, M = rows of this rank, B = batch size, D = embedding dimension

/// This rank's rows of the memory bank: row i is the running prototype of image i.
///
/// Read on in the order of the data: `Sharding` says who owns which row, `Assignment` compares embeddings with rows,
/// `Losses` trains with them, `Entropy` and `Anchors` choose the anchor images of a round, by way of `PairwiseComparison`;
/// `TopK` finds the nearest prototypes and `Aggregation` makes a score of them.
///
/// Rows never travel for a search, only what was found. Nothing here depends on the number of ranks or workers, to the bit.
public struct MemoryBank: Sendable {
  public let sharding: Sharding
  /// Who owns `shard`.
  public let rank: Int
  /// D.
  public let dimension: Int
  /// This rank's threads.
  let workers: Workers
  /// (M, D): unit rows where they are trained with or angles are asked for.
  ///
  /// A row that is not finite is kept as it is. Whatever looks at it next throws a `MemoryBankError` on all ranks.
  private(set) var storage: ShardStorage
  /// Whether searches look at a small copy of the rows first.
  public var smallCopyUse = SmallCopyUse.automatic
  private(set) var smallCopies = SmallCopies()

  /// Rows drawn uniform in +-sqrt(3 / D) from (seed, row, element), then normalised.
  public init(rows: Int, dimension: Int, seed: UInt64, workers: Workers, communicator: Communicator) {
    self.init(
      sharding: Sharding(rows: rows, ranks: communicator.size), rank: communicator.rank, dimension: dimension,
      seed: seed, workers: workers)
  }

  /// Rows of zeros, to be replaced.
  public init(rows: Int, dimension: Int, workers: Workers, communicator: Communicator) {
    let sharding = Sharding(rows: rows, ranks: communicator.size)
    let count = sharding.range(of: communicator.rank).count * dimension
    self.init(
      sharding: sharding, rank: communicator.rank, dimension: dimension, shard: [Float](repeating: 0, count: count),
      workers: workers)
  }

  /// From rows that the caller loaded. They are taken as they are.
  ///
  /// - Parameter shard: (M, D), M the count of `Sharding(rows:ranks:).range(of: communicator.rank)`.
  public init(rows: Int, dimension: Int, shard: [Float], workers: Workers, communicator: Communicator) {
    self.init(
      sharding: Sharding(rows: rows, ranks: communicator.size), rank: communicator.rank, dimension: dimension,
      shard: shard, workers: workers)
  }

  /// From all rows of a mapped file, of which this rank's are searched where they lie. They are taken as they
  /// are.
  ///
  /// - Parameter mapped: (N, D).
  public init(rows: Int, dimension: Int, mapped: MappedFloats, workers: Workers, communicator: Communicator) {
    self.init(
      sharding: Sharding(rows: rows, ranks: communicator.size), rank: communicator.rank, dimension: dimension,
      mapped: mapped, workers: workers)
  }

  /// Any rank's part of mapped rows, without a communicator.
  init(sharding: Sharding, rank: Int, dimension: Int, mapped: MappedFloats, workers: Workers = Workers(count: 1)) {
    precondition(
      mapped.count == sharding.rows * dimension,
      "\(mapped.count) mapped values for a bank of \(sharding.rows) rows x \(dimension)")
    let owned = sharding.range(of: rank)
    self.init(
      sharding: sharding, rank: rank, dimension: dimension,
      storage: .mapped(mapped[owned.lowerBound * dimension..<owned.upperBound * dimension]), workers: workers)
  }

  /// Any rank's shard, without a communicator.
  init(sharding: Sharding, rank: Int, dimension: Int, shard: [Float], workers: Workers = Workers(count: 1)) {
    self.init(sharding: sharding, rank: rank, dimension: dimension, storage: .owned(shard), workers: workers)
  }

  private init(sharding: Sharding, rank: Int, dimension: Int, storage: ShardStorage, workers: Workers) {
    precondition(dimension > 0, "the embedding dimension is \(dimension), expected 1 or more")
    self.sharding = sharding
    self.rank = rank
    self.dimension = dimension
    self.workers = workers
    self.storage = storage
    precondition(
      storage.count == ownedRows.count * dimension,
      "\(storage.count) values for the shard of rank \(rank), expected \(ownedRows.count) rows x \(dimension)")
  }

  /// Any rank's random shard, without a communicator.
  init(sharding: Sharding, rank: Int, dimension: Int, seed: UInt64, workers: Workers = Workers(count: 1)) {
    let bound = (3 / Double(dimension)).squareRoot()
    var shard: [Float] = []
    shard.reserveCapacity(sharding.range(of: rank).count * dimension)
    for row in sharding.range(of: rank) {
      let random = CounterRandom(seed: seed, name: "memory bank", UInt64(row))
      let drawn = (0..<dimension).map { random.uniform(UInt64($0), in: -bound...bound) }
      shard += Self.normalised(drawn)
    }
    self.init(sharding: sharding, rank: rank, dimension: dimension, shard: shard, workers: workers)
  }

  /// The rows of `shard`, as image indices.
  public var ownedRows: Range<Int> { sharding.range(of: rank) }

  /// (M, D); a copy of them where they are mapped.
  public var shard: [Float] { storage.values }

  /// Local. Throws a `SafetensorsError` when the rows are mapped from a file that was written to since it was opened.
  public func checkUnchanged() throws {
    if case .mapped(let rows) = storage { try rows.checkUnchanged() }
  }
}

// MARK: Changing rows

extension MemoryBank {
  /// m_i <- normalise(mu m_i + (1 - mu) z_i) for the images that this rank owns. Local.
  ///
  /// In double, rounded to float once. Where m_i and z_i cancel, so that the sum is shorter than 1e-6 and points where
  /// the rounding of its parts does, the row stays.
  ///
  /// - Parameters:
  ///   - imageIndices: B of them, each in 0 ..< N.
  ///   - embeddings: (B, D), the whole batch's, rows of unit length.
  ///   - momentum: mu, in 0...1.
  public mutating func update(imageIndices: [Int], embeddings: [Float], momentum: Double) {
    precondition((0...1).contains(momentum), "the momentum is \(momentum), expected 0...1")
    change(imageIndices, embeddings) { old, embedding in
      let mixed = zip(old, embedding).map { momentum * Double($0) + (1 - momentum) * Double($1) }
      return Self.norm(mixed) < 1e-6 ? nil : Self.normalised(mixed)
    }
  }

  /// m_i <- f_i for the images that this rank owns: the refresh pass. Local.
  ///
  /// - Parameters:
  ///   - imageIndices: B of them, each in 0 ..< N.
  ///   - rows: (B, D), the whole batch's.
  public mutating func replace(imageIndices: [Int], rows: [Float]) {
    change(imageIndices, rows) { _, row in Array(row) }
  }

  /// Replaces each owned row by what `newRow` makes of it and its embedding, or keeps it where that is nil.
  private mutating func change(
    _ imageIndices: [Int], _ embeddings: [Float], newRow: (ArraySlice<Float>, ArraySlice<Float>) -> [Float]?
  ) {
    precondition(
      embeddings.count == imageIndices.count * dimension,
      "\(embeddings.count) values for \(imageIndices.count) embeddings of dimension \(dimension)")
    let owned = ownedRows
    for image in imageIndices {
      precondition((0..<sharding.rows).contains(image), "image \(image) of \(sharding.rows)")
    }
    // Other copies of this bank keep theirs, whose rows are still the same.
    smallCopies = SmallCopies()
    storage.change { shard in
      for (position, image) in imageIndices.enumerated() where owned.contains(image) {
        let row = (image - owned.lowerBound) * dimension
        let embedding = embeddings[(position * dimension)..<((position + 1) * dimension)]
        if let changed = newRow(shard[row..<(row + dimension)], embedding) {
          shard.replaceSubrange(row..<(row + dimension), with: changed)
        }
      }
    }
  }

  /// x / max(|x|, 1e-12), rounded to float once.
  static func normalised(_ values: [Double]) -> [Float] {
    let length = max(norm(values), 1e-12)
    return values.map { Float($0 / length) }
  }

  static func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}

// MARK: Rows that travel

extension MemoryBank {
  /// The rows of these images. All ranks.
  ///
  /// Only where rows are the question, not the answer: an image's entropy and an anchor's neighbours are those of its
  /// own prototype.
  ///
  /// - Parameters:
  ///   - images: ascending, equal on all ranks.
  ///   - communicator: of the ranks that take part.
  /// - Returns: (images, D), equal on all ranks.
  public func rows(of images: some Collection<Int>, _ communicator: Communicator) throws -> [Float] {
    let owned = ownedRows
    var mine: [Float] = []
    storage.withUnsafeBufferPointer { shard in
      for image in images where owned.contains(image) {
        let row = (image - owned.lowerBound) * dimension
        mine += shard[row..<(row + dimension)]
      }
    }
    // Ranks own ascending rows, so their parts in rank order are all rows in order.
    return Array(try communicator.allGatherV(mine).joined())  // all ranks
  }
}
