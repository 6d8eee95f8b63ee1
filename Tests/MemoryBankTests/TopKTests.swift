import Platform
import Radiographs
import Testing

@testable import MemoryBank

@Suite("Top-k")
struct TopKTests {
  /// The obvious search: sort everything.
  private func bruteForce(
    _ query: [Float], _ values: [Float], dimension: Int, k: Int, excluding: Int?, by metric: SearchMetric
  ) -> [Neighbour] {
    let all = (0..<(values.count / dimension)).filter { $0 != excluding }.map { row in
      let vector = Array(values[(row * dimension)..<((row + 1) * dimension)])
      let dot = DotProduct.clear(query, vector)
      let squares = (DotProduct.clear(query, query), DotProduct.clear(vector, vector))
      return Neighbour(
        similarity: metric == .dotProduct ? dot : min(2 * dot - squares.0 - squares.1, 0), index: row)
    }
    return Array(all.sorted { $0.precedes($1) }.prefix(k))
  }

  @Test(
    "Merging shards equals searching the whole bank", arguments: [(1, 1), (1, 3), (2, 1), (3, 2), (7, 1)],
    [SearchMetric.dotProduct, .euclidean])
  func merging(layout: (ranks: Int, workers: Int), metric: SearchMetric) throws {
    let (ranks, workers) = layout
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

      let parts = shards(values, dimension: dimension, ranks: ranks, workers: workers).map { bank in
        bank.candidates(asked[...], k: k, excluding: excluding?[...], by: metric).packed
      }
      let found = try Candidates.merge(parts, queries: queries, k: k)
      let expected = (0..<queries).map { query in
        bruteForce(
          Array(asked[(query * dimension)..<((query + 1) * dimension)]), values, dimension: dimension, k: k,
          excluding: excluding?[query], by: metric)
      }
      #expect(found == expected, "N \(rows), D \(dimension), K \(k)")
    }
  }

  @Test(
    "The filtered search finds what the clear one finds, whatever the rows", arguments: [8, 33],
    [SearchMetric.dotProduct, .euclidean])
  func filter(dimension: Int, metric: SearchMetric) {
    for (name, rows, queries) in hardCases(dimension) {
      for (ranks, workers) in [(1, 1), (2, 2)] {
        for bank in shards(rows, dimension: dimension, ranks: ranks, workers: workers) {
          for (k, count) in [(1, 9), (10, 1), (10, 9), (100, 3), (100, 9), (1499, 4)] {
            let asked = queries[..<(count * dimension)]
            for excluding in [nil, (0..<count).map { 100 * $0 }] {
              let found = bank.candidates(asked, k: k, excluding: excluding?[...], by: metric)
              let expected = asked.withUnsafeBufferPointer {
                bank.clearCandidates($0, k: min(k, bank.ownedRows.count), excluding: excluding, by: metric)
              }
              #expect(found.neighbours == expected.neighbours, "\(name), K \(k), Q \(count)")
            }
          }
        }
      }
    }
  }

  @Test("A filter answers for rows of any ordinary length, and leaves the others to the clear search")
  func whoAnswers() {
    for (name, rows, queries) in hardCases(8) {
      let bank = shards(rows, dimension: 8, ranks: 1)[0]
      for metric in [SearchMetric.dotProduct, .euclidean] {
        let answers = queries.withUnsafeBufferPointer {
          bank.filteredCandidates($0, k: 10, excluding: nil, by: metric) != nil
        }
        #expect(answers == !["long", "far too long", "long queries"].contains(name), "\(name)")
      }
    }
  }

  @Test("A heap keeps the best of what it was offered, in any order")
  func heap() {
    for k in [0, 1, 2, 3, 10, 64] {
      for number in 0..<50 {
        let random = CounterRandom(seed: 4, name: "heap", UInt64(k), UInt64(number))
        let count = random.index(0, below: 100)
        let offered = (0..<count).map {
          Neighbour(similarity: Double(random.index(UInt64(1 + $0), below: 20)), index: ($0 * 37) % 101)
        }
        var heap = NearestHeap(k: k)
        for neighbour in offered { heap.offer(neighbour) }
        #expect(heap.sorted == Array(offered.sorted { $0.precedes($1) }.prefix(k)))
      }
    }
  }

  @Test("Values that are not finite are counted, in queries and in rows", arguments: [1, 7])
  func faults(queries: Int) {
    let dimension = 5
    var values = unitRows(40, dimension)
    values[7] = .nan
    values[39 * dimension] = -.infinity
    var asked = unitRows(queries, dimension)
    let bank = shards(values, dimension: dimension, ranks: 1, workers: 2)[0]
    #expect(bank.candidates(asked[...], k: 3, excluding: nil, by: .dotProduct).faults == 2)
    asked[0] = .infinity
    #expect(bank.candidates(asked[...], k: 3, excluding: nil, by: .dotProduct).faults == 3)
    #expect(throws: MemoryBankError.notFinite(step: "search", faults: 5)) {
      try Candidates.merge([[2, 0, 0], [3]], queries: 1, k: 1)
    }
  }
}
