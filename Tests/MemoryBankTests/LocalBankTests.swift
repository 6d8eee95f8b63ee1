import CBankKernels
import Platform
import Testing

@testable import MemoryBank

@Suite("Local bank")
struct LocalBankTests {
  /// Two levels of 4 x 4 cells with 19 channels and 2 x 2 with 40: whole vectors, and parts of one.
  private static let grids = [
    CellGrid(side: 4, channels: 19, offset: 0), CellGrid(side: 2, channels: 40, offset: 4 * 4 * 19),
  ]
  private static let row = LocalBank.rowCount(grids)

  private static func rows(_ count: Int, seed: UInt64) -> [Float] {
    let random = CounterRandom(seed: seed, name: "rows")
    return (0..<count * row).map { Float(2 * random.uniform(UInt64($0)) - 1) }
  }

  private static func bank(_ rows: [Float], rank: Int = 0, ranks: Int = 1, workers: Int = 1) -> LocalBank {
    let sharding = Sharding(rows: rows.count / row, ranks: ranks)
    let owned = sharding.range(of: rank)
    return LocalBank(
      grids, sharding: sharding, rank: rank,
      storage: .owned(Array(rows[owned.lowerBound * row..<owned.upperBound * row])), workers: Workers(count: workers))
  }

  /// The obvious way, in double.
  private static func clear(_ query: ArraySlice<Float>, _ rows: [Float], images: [Int], reach: Int) -> [Double] {
    let query = Array(query)
    return grids.flatMap { grid in
      (0..<grid.cells).map { cell in
        var best = Double.infinity
        for image in images {
          for other in 0..<grid.cells
          where abs(other % grid.side - cell % grid.side) <= reach && abs(other / grid.side - cell / grid.side) <= reach
          {
            let square = (0..<grid.channels).reduce(0.0) { sum, channel in
              let left = Double(query[grid.offset + cell * grid.channels + channel])
              let difference = left - Double(rows[image * row + grid.offset + other * grid.channels + channel])
              return sum + difference * difference
            }
            best = min(best, square)
          }
        }
        return best
      }
    }
  }

  @Test("A squared distance has the bits that CBankKernels.h says", arguments: [1, 15, 16, 17, 32, 40, 64, 100])
  func bits(channels: Int) {
    let random = CounterRandom(seed: 9, name: "bits")
    let (left, right) = (
      (0..<channels).map { Float(random.uniform(UInt64($0))) },
      (0..<channels).map { Float(random.uniform(UInt64(1000 + $0))) }
    )
    var lanes = [Float](repeating: 0, count: 32)
    let whole = channels / 16 * 16
    for element in 0..<channels {
      let difference = left[element] - right[element]
      let chain = element < channels / 32 * 32 ? element % 32 : element < whole ? element % 16 : 16 + element - whole
      lanes[chain] += difference * difference
    }
    var sum = (0..<16).map { lanes[$0] + lanes[$0 + 16] }
    sum = (0..<8).map { sum[$0] + sum[$0 + 8] }
    let expected = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
    var nearest: [Float] = [.infinity]
    ck_bank_cells(left, right, 1, channels, 1, &nearest)
    #expect(nearest == [expected])
    var none: [Float] = [.infinity]
    ck_bank_cells([.nan], [1], 1, 1, 0, &none)
    #expect(none == [.infinity])
  }

  @Test("The search equals comparing every cell with every other", arguments: [0, 1, 3])
  func clear(reach: Int) {
    let (rows, queries) = (Self.rows(37, seed: 1), Self.rows(3, seed: 2))
    let found = Self.bank(rows, workers: 2).squaredDistances(queries, reach: reach)
    for query in 0..<3 {
      let expected = Self.clear(
        queries[query * Self.row..<(query + 1) * Self.row], rows, images: Array(0..<37), reach: reach)
      let mine = found[query * expected.count..<(query + 1) * expected.count]
      #expect(zip(mine, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 * $1 })
    }
  }

  @Test("The smallest of the shards' distances are the whole bank's, to the bit", arguments: [1, 2, 3, 4])
  func shards(ranks: Int) {
    let (rows, queries) = (Self.rows(50, seed: 3), Self.rows(2, seed: 4))
    let whole = Self.bank(rows, workers: 3).squaredDistances(queries, reach: 1)
    let parts = (0..<ranks).map { Self.bank(rows, rank: $0, ranks: ranks).squaredDistances(queries, reach: 1) }
    let least = whole.indices.map { place in parts.map { $0[place] }.min()! }
    #expect(least == whole)
  }

  @Test("A group that is left out does not count, and with nothing else distances are infinite")
  func groups() {
    let rows = Self.rows(5, seed: 5)
    let query = Array(rows[2 * Self.row..<3 * Self.row])
    let bank = Self.bank(rows)
    #expect(bank.squaredDistances(query, reach: 0).allSatisfy { $0 == 0 })
    let groups = [0, 1, 1, 0, 4]
    let found = bank.squaredDistances(query, reach: 1, groups: groups, excluding: [1])
    let expected = Self.clear(query[...], rows, images: [0, 3, 4], reach: 1)
    #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 * $1 })
    let alone = bank.squaredDistances(query, reach: 1, groups: [7, 7, 7, 7, 7], excluding: [7])
    #expect(alone.allSatisfy { $0 == .infinity })
  }
}
