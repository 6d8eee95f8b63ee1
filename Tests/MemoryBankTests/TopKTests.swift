import Radiographs
import Testing

@testable import MemoryBank

@Suite("Top-k")
struct TopKTests {
  /// The obvious search: sort everything.
  private func bruteForce(
    _ query: [Float], _ values: [Float], dimension: Int, k: Int, excluding: Int?
  ) -> [Neighbour] {
    let all = (0..<(values.count / dimension)).filter { $0 != excluding }.map { row in
      Neighbour(
        similarity: DotProduct.clear(query, Array(values[(row * dimension)..<((row + 1) * dimension)])), index: row)
    }
    return Array(all.sorted { $0.precedes($1) }.prefix(k))
  }

  @Test("Merging shards equals searching the whole bank", arguments: [1, 2, 3, 7])
  func merging(ranks: Int) throws {
    for number in 0..<300 {
      let random = CounterRandom(seed: 3, name: "merging", UInt64(number))
      let rows = 1 + random.index(0, below: 90)
      let dimension = 1 + random.index(1, below: 20)
      let k = 1 + random.index(2, below: rows + 3)
      let queries = 1 + random.index(3, below: 6)
      // Of small integers, so that many rows are equal and many more are equally near.
      let draw = { (index: Int) in Float(random.index(UInt64(10 + index), below: 3)) - 1 }
      let values = (0..<(rows * dimension)).map(draw)
      let asked = (0..<(queries * dimension)).map { draw(100_000 + $0) }
      let excluding = number % 2 == 0 ? nil : (0..<queries).map { random.index(UInt64(200_000 + $0), below: rows) }

      let parts = shards(values, dimension: dimension, ranks: ranks).map { bank in
        bank.candidates(asked[...], k: k, excluding: excluding?[...]).packed
      }
      let found = try Candidates.merge(parts, queries: queries, k: k)
      let expected = (0..<queries).map { query in
        bruteForce(
          Array(asked[(query * dimension)..<((query + 1) * dimension)]), values, dimension: dimension, k: k,
          excluding: excluding?[query])
      }
      #expect(found == expected, "N \(rows), D \(dimension), K \(k)")
    }
  }

  @Test("The kernel's dot products are the clear version's, bit for bit, for any dimension")
  func kernel() {
    for dimension in Array(1...40) + [200, 257, 1000] {
      let (rows, queries) = (unitRows(11, dimension), unitRows(7, dimension, seed: 2))
      var products = DotProducts(queries: queries[...], dimension: dimension)
      rows.withUnsafeBufferPointer { values in
        products.compare(values) { dots in
          for query in 0..<7 {
            for row in 0..<11 {
              let expected = DotProduct.clear(
                Array(queries[(query * dimension)..<((query + 1) * dimension)]),
                Array(rows[(row * dimension)..<((row + 1) * dimension)]))
              #expect(dots[query * Sharding.granule + row] == expected)
            }
          }
        }
      }
      #expect(products.faults == 0)
    }
  }

  @Test("A heap keeps the best of what it was offered, in any order")
  func heap() throws {
    for k in [0, 1, 2, 3, 10, 64] {
      for number in 0..<50 {
        let random = CounterRandom(seed: 4, name: "heap", UInt64(k), UInt64(number))
        let count = random.index(0, below: 100)
        let offered = (0..<count).map {
          Neighbour(similarity: Double(random.index(UInt64(1 + $0), below: 20)), index: ($0 * 37) % 101)
        }
        var candidates = Candidates(queries: 1, k: k)
        for neighbour in offered where k > 0 { candidates.offer(neighbour, to: 0) }
        let found = try Candidates.merge([candidates.packed], queries: 1, k: max(k, 1))[0]
        #expect(found == Array(offered.sorted { $0.precedes($1) }.prefix(k)))
      }
    }
  }

  @Test("Values that are not finite are counted, in queries and in rows")
  func faults() {
    let dimension = 5
    var values = unitRows(40, dimension)
    values[7] = .nan
    values[39 * dimension] = -.infinity
    var queries = unitRows(2, dimension)
    let bank = shards(values, dimension: dimension, ranks: 1)[0]
    #expect(bank.candidates(queries[...], k: 3, excluding: nil).faults == 2)
    queries[0] = .infinity
    #expect(bank.candidates(queries[...], k: 3, excluding: nil).faults == 3)
    #expect(throws: MemoryBankError.notFinite(step: "search", faults: 5)) {
      try Candidates.merge([[2, 0, 0], [3]], queries: 1, k: 1)
    }
  }
}
