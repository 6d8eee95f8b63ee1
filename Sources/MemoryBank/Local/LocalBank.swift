import CBankKernels
public import MPI
public import Platform
public import Safetensors

// L = images in the local bank, M = of them on this rank, R = numbers in an image's maps, P = cells of all its maps, Q = queries,
// G = cells along a side of a map, C = its channels

/// This rank's rows of the local bank: the encoder's maps of normal images, cell by cell.
///
/// A cell is compared with the cells at its own place and around it, of all images: what is normal in a heart is not looked
/// for in a lung, and a patient who stands a little to the left is no anomaly. Rows lie with ranks as the memory bank's do, and
/// the smallest distance is the same whoever finds it: exact, and equal to the bit for any number of ranks and workers.
public struct LocalBank: Sendable {
  /// Level by level, without gaps.
  public let grids: [CellGrid]
  public let sharding: Sharding
  public let rank: Int
  let workers: Workers
  /// (M, R).
  private let storage: ShardStorage

  /// R.
  public var rowCount: Int { Self.rowCount(grids) }
  /// P.
  public var cellCount: Int { grids.reduce(0) { $0 + $1.cells } }
  /// The rows of this rank, as places in the local bank.
  public var ownedRows: Range<Int> { sharding.range(of: rank) }

  /// R.
  public static func rowCount(_ grids: [CellGrid]) -> Int { grids.reduce(0) { $0 + $1.cells * $1.channels } }

  /// - Parameters:
  ///   - grids: of the levels.
  ///   - rows: L.
  ///   - shard: (M, R), M the count of `Sharding(rows:ranks:).range(of: communicator.rank)`.
  ///   - workers: this rank's threads.
  ///   - communicator: of the ranks that take part.
  public init(_ grids: [CellGrid], rows: Int, shard: [Float], workers: Workers, communicator: Communicator) {
    self.init(
      grids, sharding: Sharding(rows: rows, ranks: communicator.size), rank: communicator.rank, storage: .owned(shard),
      workers: workers)
  }

  /// From all rows of a mapped file, of which this rank's are searched where they lie.
  ///
  /// - Parameters:
  ///   - grids: of the levels.
  ///   - rows: L.
  ///   - mapped: (L, R).
  ///   - workers: this rank's threads.
  ///   - communicator: of the ranks that take part.
  public init(_ grids: [CellGrid], rows: Int, mapped: MappedFloats, workers: Workers, communicator: Communicator) {
    let sharding = Sharding(rows: rows, ranks: communicator.size)
    let (owned, count) = (sharding.range(of: communicator.rank), Self.rowCount(grids))
    precondition(mapped.count == rows * count, "\(mapped.count) mapped values for \(rows) rows of \(count)")
    self.init(
      grids, sharding: sharding, rank: communicator.rank,
      storage: .mapped(mapped[owned.lowerBound * count..<owned.upperBound * count]), workers: workers)
  }

  /// Any rank's shard, without a communicator.
  init(_ grids: [CellGrid], sharding: Sharding, rank: Int, storage: ShardStorage, workers: Workers) {
    self.grids = grids
    self.sharding = sharding
    self.rank = rank
    self.storage = storage
    self.workers = workers
    precondition(!grids.isEmpty, "a local bank without levels")
    precondition(
      storage.count == ownedRows.count * rowCount,
      "\(storage.count) values for the local shard of rank \(rank), expected \(ownedRows.count) rows x \(rowCount)")
  }

  /// (M, R); a copy of them where they are mapped.
  public var shard: [Float] { storage.values }

  /// Local. Throws a `SafetensorsError` when the rows are mapped from a file that was written to since it was opened.
  public func checkUnchanged() throws {
    if case .mapped(let rows) = storage { try rows.checkUnchanged() }
  }

  // MARK: Searching

  /// For each cell of each query how far it is from the nearest of the bank's cells at its place and around it. All ranks.
  ///
  ///     d(p)^2 = min over images i and |u - p| <= reach of |q(p) - m_i(u)|^2
  ///
  /// In float, each distance in one order of operations. Costs 3 Q L R (2 reach + 1)^2 operations over all ranks.
  ///
  /// - Parameters:
  ///   - queries: (Q, R), equal on all ranks.
  ///   - reach: cells to each side that count as the same place, 0 or more.
  ///   - groups: L numbers, equal ones for images of one patient; nil: each image for itself.
  ///   - excluding: for each query the group that does not count, its own; nil: all count.
  ///   - communicator: of the ranks that take part.
  /// - Returns: (Q, P) distances, in the order of the levels and cells; equal on all ranks. Infinite where nothing counts.
  /// - Throws: `MemoryBankError` on all ranks when a query or a row is not finite; `MPIError`.
  public func distances(
    _ queries: [Float], reach: Int, groups: [Int]? = nil, excluding: [Int]? = nil, communicator: Communicator
  ) throws -> [Float] {
    try MemoryBankError.check(embeddings: queries, dimension: rowCount)
    var nearest = squaredDistances(queries, reach: reach, groups: groups, excluding: excluding)
    try communicator.allReduce(&nearest, .min)  // all ranks
    return nearest.map { $0.squareRoot() }
  }

  /// Of this rank's rows. Local.
  func squaredDistances(_ queries: [Float], reach: Int, groups: [Int]? = nil, excluding: [Int]? = nil) -> [Float] {
    precondition(reach >= 0, "a reach of \(reach) cells")
    let (row, cells, owned) = (rowCount, cellCount, ownedRows)
    let count = queries.count / row
    precondition(
      excluding.map { $0.count == count } ?? true, "\(excluding?.count ?? 0) groups to leave out for \(count) queries")
    let room = Scratch<Float>(repeating: .infinity, count: workers.count * count * cells)
    nonisolated(unsafe) let places = room.elements  // each worker has its own
    storage.withUnsafeBufferPointer { shard in
      queries.withUnsafeBufferPointer { queries in
        nonisolated(unsafe) let (shard, queries) = (shard, queries)
        // An image's maps stay in cache while all queries are compared with them.
        workers.run(items: owned.count) { [grids] worker, item in
          for query in 0..<count {
            if let excluding {
              let group = groups.map { $0[owned.lowerBound + item] } ?? owned.lowerBound + item
              if group == excluding[query] { continue }
            }
            var place = (worker * count + query) * cells
            for grid in grids {
              ck_bank_cells(
                queries.baseAddress! + query * row + grid.offset, shard.baseAddress! + item * row + grid.offset,
                grid.side, grid.channels, reach, places + place)
              place += grid.cells
            }
          }
        }
      }
    }
    return (0..<count * cells).map { place in
      (0..<workers.count).reduce(.infinity) { min($0, places[$1 * count * cells + place]) }
    }
  }

  /// Some rows. All ranks.
  ///
  /// - Parameters:
  ///   - places: ascending, equal on all ranks.
  ///   - communicator: of the ranks that take part.
  /// - Returns: (places, R), equal on all ranks.
  public func rows(at places: some Collection<Int>, _ communicator: Communicator) throws -> [Float] {
    let (owned, row) = (ownedRows, rowCount)
    var mine: [Float] = []
    storage.withUnsafeBufferPointer { shard in
      for place in places where owned.contains(place) {
        mine += shard[(place - owned.lowerBound) * row..<(place - owned.lowerBound + 1) * row]
      }
    }
    // Ranks own ascending rows, so their parts in rank order are all rows in order.
    return Array(try communicator.allGatherV(mine).joined())  // all ranks
  }
}
