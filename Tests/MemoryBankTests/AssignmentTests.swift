import Foundation
import Testing

@testable import ExactSum
@testable import MemoryBank

@Suite("Assignment")
struct AssignmentTests {
  /// (B, N) similarities, put together from what each rank has of them.
  private func similarities(
    _ embeddings: [Float], _ values: [Float], dimension: Int, ranks: Int, workers: Int = 1
  ) -> [[Float]] {
    let rows = values.count / dimension
    let count = embeddings.count / dimension
    var all = [[Float]](repeating: [Float](repeating: .nan, count: rows), count: count)
    for bank in shards(values, dimension: dimension, ranks: ranks, workers: workers) {
      var assignment = Assignment(bank, capacity: count, temperature: 0.1)
      assignment.compare(embeddings)
      for row in bank.ownedRows {
        for embedding in 0..<count { all[embedding][row] = assignment.similarity(of: embedding, to: row) ?? .nan }
      }
    }
    return all
  }

  @Test("Similarities are chains of fused multiply-adds, and dot products", arguments: [1, 7, 200, 500])
  func dots(dimension: Int) {
    let (values, embeddings) = (unitRows(37, dimension), unitRows(33, dimension, seed: 2))
    let found = similarities(embeddings, values, dimension: dimension, ranks: 1)
    for embedding in 0..<33 {
      for row in 0..<37 {
        let a = Array(embeddings[(embedding * dimension)..<((embedding + 1) * dimension)])
        let b = Array(values[(row * dimension)..<((row + 1) * dimension)])
        #expect(found[embedding][row] == zip(a, b).reduce(0) { multiplyAdd($1.0, $1.1, $0) })
        #expect(abs(Double(found[embedding][row]) - DotProduct.clear(a, b)) <= Double(dimension + 1) * 0x1p-24)
      }
    }
  }

  @Test("A row's similarities have the same bits on any number of ranks and workers", arguments: [1, 16, 200, 513])
  func anyShard(dimension: Int) {
    let (values, embeddings) = (unitRows(333, dimension), unitRows(40, dimension, seed: 2))
    let whole = similarities(embeddings, values, dimension: dimension, ranks: 1)
    for ranks in [2, 3, 4, 8, 30] {
      #expect(similarities(embeddings, values, dimension: dimension, ranks: ranks, workers: ranks % 3 + 1) == whole)
    }
  }

  @Test("An embedding's similarities have the same bits in any company", arguments: [1, 16, 200, 513])
  func anyCompany(dimension: Int) {
    let (values, embeddings) = (unitRows(100, dimension), unitRows(70, dimension, seed: 2))
    let whole = similarities(embeddings, values, dimension: dimension, ranks: 1)
    for count in [1, 5, 32, 33, 64] {
      let fewer = similarities(Array(embeddings[..<(count * dimension)]), values, dimension: dimension, ranks: 1)
      #expect(fewer == Array(whole[..<count]))
    }
    // Others beside the embedding at place 3, rows of other values in the granule of row 3.
    let others = unitRows(70, dimension, seed: 3)
    let place = (3 * dimension)..<(4 * dimension)
    var company = others
    company.replaceSubrange(place, with: embeddings[place])
    #expect(similarities(company, values, dimension: dimension, ranks: 1)[3] == whole[3])
    var granule = unitRows(100, dimension, seed: 4)
    granule.replaceSubrange(place, with: values[place])
    #expect(similarities(embeddings, granule, dimension: dimension, ranks: 1)[5][3] == whole[5][3])
  }

  @Test("A shorter block forgets the longer one before it")
  func reuse() {
    let dimension = 9
    let bank = shards(unitRows(50, dimension), dimension: dimension, ranks: 1)[0]
    let (long, short) = (unitRows(60, dimension, seed: 2), unitRows(3, dimension, seed: 3))
    var used = Assignment(bank, capacity: 60, temperature: 0.1)
    var fresh = Assignment(bank, capacity: 60, temperature: 0.1)
    used.compare(long)
    used.compare(short)
    fresh.compare(short)
    #expect(used.maxima().maxima == fresh.maxima().maxima)
    for assignment in [used, fresh] { #expect(assignment.maxima().maxima.count == 3) }
    let denominators = fresh.exponentialSums(maxima: fresh.maxima().maxima).map(FixedPoint.probability.decode)
    used.becomeProbabilities(maxima: fresh.maxima().maxima, denominators: denominators)
    fresh.becomeProbabilities(maxima: fresh.maxima().maxima, denominators: denominators)
    #expect(used.weightedSums().elements == fresh.weightedSums().elements)
  }

  @Test(
    "Sums over the ranks of exponentials and of weighted rows do not depend on ranks or workers",
    arguments: [(2, 1), (3, 2), (9, 1), (1, 3)])
  func sums(ranks: Int, workers: Int) {
    let dimension = 20
    let (values, embeddings) = (unitRows(600, dimension), unitRows(5, dimension, seed: 2))
    func results(_ ranks: Int, _ workers: Int) -> [[Int64]] {
      var parts = shards(values, dimension: dimension, ranks: ranks, workers: workers).map { bank in
        var assignment = Assignment(bank, capacity: 5, temperature: 0.05)
        assignment.compare(embeddings)
        return assignment
      }
      func sum(_ arrays: [[Int64]]) -> [Int64] {
        arrays.dropFirst().reduce(arrays[0]) { zip($0, $1).map { $0 + $1 } }
      }
      let maxima = parts.map { $0.maxima().maxima }.reduce([Float](repeating: -.infinity, count: 5)) {
        zip($0, $1).map { max($0, $1) }
      }
      let sums = sum(parts.map { $0.exponentialSums(maxima: maxima) })
      let entropySums = sum(parts.map { $0.entropySums(maxima: maxima) })
      let denominators = sums.map(FixedPoint.probability.decode)
      for rank in parts.indices { parts[rank].becomeProbabilities(maxima: maxima, denominators: denominators) }
      return [sums, entropySums, sum(parts.map { $0.weightedSums().elements })]
    }
    let whole = results(1, 1)
    #expect(results(ranks, workers) == whole)
    // Probabilities sum to 1.
    #expect(whole[0].allSatisfy { $0 >= 1 << 40 })
    #expect((0..<5).allSatisfy { whole[1][2 * $0] == whole[0][$0] })
  }
}
