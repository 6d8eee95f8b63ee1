import Testing

@testable import MemoryBank

@Suite("Sharding")
struct ShardingTests {
  @Test("The ranks' ranges are the rows, in order, and the owner's range has the row")
  func partition() {
    for rows in Array(1...130) + [999, 1000, 4096, 5233] {
      for ranks in Array(1...20) + [100] {
        let sharding = Sharding(rows: rows, ranks: ranks)
        let ranges = (0..<ranks).map(sharding.range)
        #expect(ranges.flatMap { Array($0) } == Array(0..<rows))
        for (rank, range) in ranges.enumerated() {
          #expect(range.allSatisfy { sharding.owner(of: $0) == rank })
        }
        #expect(sharding.owners == ranges.count { !$0.isEmpty })
        #expect(ranges.prefix(sharding.owners).allSatisfy { !$0.isEmpty })
      }
    }
  }

  @Test("Shards are whole granules, and differ by one at most")
  func granules() {
    for rows in [1, 15, 16, 17, 100, 1000, 5233] {
      for ranks in 1...9 {
        let ranges = (0..<ranks).map(Sharding(rows: rows, ranks: ranks).range)
        #expect(ranges.allSatisfy { $0.isEmpty || $0.lowerBound % 16 == 0 })
        #expect(ranges.allSatisfy { $0.upperBound % 16 == 0 || $0.upperBound == rows })
        let counts = ranges.map { ($0.count + 15) / 16 }
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        #expect(counts == counts.sorted(by: >))
      }
    }
  }

  @Test("A hundred rows on three ranks are 3, 2 and 2 granules")
  func example() {
    let sharding = Sharding(rows: 100, ranks: 3)
    #expect((0..<3).map(sharding.range) == [0..<48, 48..<80, 80..<100])
  }
}
