import Testing

@testable import MemoryBank

@Suite("Aggregation")
struct AggregationTests {
  @Test("Weights are a softmax that sums to 1, at any temperature")
  func weights() {
    let neighbours = [0.9, 0.9, 0.5, -0.3].enumerated().map { Neighbour(similarity: $0.element, index: $0.offset) }
    for temperature in [1e-4, 0.1, 1, 1e6] {
      let weights = MemoryBank.weights(neighbours, temperature: temperature)
      #expect(abs(weights.reduce(0, +) - 1) < 1e-15)
      #expect(weights[0] == weights[1] && weights[1] > weights[2] && weights[2] >= weights[3])
    }
    #expect(MemoryBank.weights(neighbours, temperature: 1e-4) == [0.5, 0.5, 0, 0])
  }

  @Test("An angle is a fraction of a half turn")
  func angles() {
    #expect(MemoryBank.angle(from: [1, 0], to: [3, 0]) == 0)
    #expect(MemoryBank.angle(from: [1, 0], to: [0, 0.1]) == 0.5)
    #expect(MemoryBank.angle(from: [1, 0], to: [-7, 0]) == 1)
    // A sum of prototypes that cancel points nowhere: neither near nor far.
    #expect(MemoryBank.angle(from: [1, 0], to: [0, 0]) == 0.5)
    #expect(abs(MemoryBank.meanAngle([1 + 1e-9, 0.5].map { Neighbour(similarity: $0, index: 0) }) - 1.0 / 6) < 1e-15)
  }

  @Test("Weighted rows are summed where they live, the same for any sharding", arguments: [2, 3, 9])
  func weightedRows(ranks: Int) {
    let dimension = 12
    let values = unitRows(70, dimension)
    let nearest = [[0, 69, 33, 17], [40, 41, 2, 5]].map { rows in
      rows.enumerated().map { Neighbour(similarity: 0.9 - 0.1 * Double($0.offset), index: $0.element) }
    }
    func sum(_ ranks: Int) -> [Int64] {
      shards(values, dimension: dimension, ranks: ranks).reduce([Int64](repeating: 0, count: 2 * dimension)) {
        zip($0, $1.weightedRows(nearest, temperature: 0.1).sums).map { $0 + $1 }
      }
    }
    #expect(sum(ranks) == sum(1))
  }
}
