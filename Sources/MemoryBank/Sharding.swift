/// Which rank owns which rows: whole granules of 16 consecutive image indices, spread evenly.
///
///     Sharding(rows: 100, ranks: 3)   // 7 granules: 3, 2 and 2
///       .range(of: 0)                 // 0..<48
///       .range(of: 2)                 // 80..<100, the last granule is short
///
/// The first ranks own one granule more where the number does not divide; with more ranks than granules, the last ranks
/// own none. A row's place in its granule follows from its index alone, so that no bit depends on the number of ranks.
public struct Sharding: Sendable, Equatable {
  /// Rows in a granule.
  public static let granule = 16
  /// The most rows a bank has: 2^22. A softmax denominator is a sum of that many fixed-point terms in 0...1.
  public static let maximumRows = 1 << 22

  /// N, in 1 ... 2^22.
  public let rows: Int
  /// At least 1.
  public let ranks: Int

  public init(rows: Int, ranks: Int) {
    precondition(
      (1...Self.maximumRows).contains(rows), "a memory bank of \(rows) rows, expected 1 ... \(Self.maximumRows)")
    precondition(ranks > 0, "a memory bank on \(ranks) ranks, expected 1 or more")
    self.rows = rows
    self.ranks = ranks
  }

  /// Rows of `rank`, maybe empty; consecutive and in rank order.
  public func range(of rank: Int) -> Range<Int> {
    precondition((0..<ranks).contains(rank), "rank is \(rank), expected 0 ..< \(ranks)")
    return firstRow(of: rank)..<firstRow(of: rank + 1)
  }

  /// The rank that owns `row`.
  public func owner(of row: Int) -> Int {
    precondition((0..<rows).contains(row), "row is \(row), expected 0 ..< \(rows)")
    let granule = row / Self.granule
    let (each, extra) = granules.quotientAndRemainder(dividingBy: ranks)
    let inLargerShards = extra * (each + 1)
    return granule < inLargerShards ? granule / (each + 1) : extra + (granule - inLargerShards) / each
  }

  /// How many ranks own rows: the first ones.
  public var owners: Int { min(granules, ranks) }

  /// Granules of the whole bank, a short last one included.
  var granules: Int { (rows + Self.granule - 1) / Self.granule }

  private func firstRow(of rank: Int) -> Int {
    let (each, extra) = granules.quotientAndRemainder(dividingBy: ranks)
    return min(rows, (rank * each + min(rank, extra)) * Self.granule)
  }
}
