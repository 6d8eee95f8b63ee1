import Foundation
import Testing

@testable import ExactSum
@testable import MemoryBank

@Suite("Aggregation")
struct AggregationTests {
  private func neighbours(_ squaredDistances: [Double]) -> [Neighbour] {
    squaredDistances.enumerated().map { Neighbour(similarity: -$0.element, index: $0.offset) }
  }

  private func aggregation(_ rule: ScoreRule, temperature: Double = 1, squaredScale: Double = 1) -> Aggregation {
    Aggregation(rule: rule, k: 10, temperature: temperature, squaredScale: squaredScale)
  }

  @Test("Weights are a softmax of squared distances that sums to 1, at any temperature")
  func weights() {
    let neighbours = neighbours([0.1, 0.1, 0.5, 1.3])
    for temperature in [1e-4, 0.1, 1, 1e6] {
      let weights = aggregation(.weighted, temperature: temperature).weights(neighbours)
      #expect(abs(weights.reduce(0, +) - 1) < 1e-15)
      #expect(weights[0] == weights[1] && weights[1] > weights[2] && weights[2] >= weights[3])
    }
    #expect(aggregation(.weighted, temperature: 1e-4).weights(neighbours) == [0.5, 0.5, 0, 0])
    // tau_s is a multiple of the bank's own squared distance.
    #expect(
      aggregation(.weighted, temperature: 2, squaredScale: 3).weights(neighbours)
        == aggregation(.weighted, temperature: 6).weights(neighbours))
  }

  @Test("In a bank of equal rows, whose scale is 0, only the nearest weigh")
  func noScale() {
    let weights = aggregation(.weighted, squaredScale: 0).weights(neighbours([0, 0, 2]))
    #expect(weights == [0.5, 0.5, 0])
  }

  @Test("The weighted distance is the weighted mean of the distances")
  func weightedDistance() {
    let found = aggregation(.weightedDistance).weightedDistance(neighbours([1, 4]))
    let (near, far) = (exp(-1.0), exp(-4.0))
    #expect(abs(found - (near * 1 + far * 2) / (near + far)) < 1e-15)
  }

  @Test("The angle of a chord is a fraction of a half turn")
  func angles() {
    #expect(Aggregation.meanAngle(neighbours([0])) == 0)
    #expect(abs(Aggregation.meanAngle(neighbours([2])) - 0.5) < 1e-15)
    #expect(Aggregation.meanAngle(neighbours([4])) == 1)
    // Opposite vectors whose rounded lengths are a little above 1.
    #expect(Aggregation.meanAngle(neighbours([4 + 1e-9])) == 1)
    #expect(abs(Aggregation.meanAngle(neighbours([0, 1])) - 1.0 / 6) < 1e-15)
  }

  @Test("Weighted rows are summed where they live, the same for any sharding", arguments: [2, 3, 9])
  func weightedRows(ranks: Int) {
    let dimension = 12
    let values = unitRows(70, dimension)
    let nearest = [[0, 69, 33, 17], [40, 41, 2, 5]].map { rows in
      rows.enumerated().map { Neighbour(similarity: -0.1 - 0.1 * Double($0.offset), index: $0.element) }
    }
    func sum(_ ranks: Int) -> [Int64] {
      shards(values, dimension: dimension, ranks: ranks).reduce([Int64](repeating: 0, count: 2 * dimension + 1)) {
        zip($0, $1.weightedRows(nearest, aggregation(.weighted)).elements).map { $0 + $1 }
      }
    }
    #expect(sum(ranks) == sum(1))
  }

  @Test("The median of an even number of values is the mean of the middle two")
  func medians() {
    #expect(LeftOutDistances.median([]) == 0)
    #expect(LeftOutDistances.median([3, 1, 2]) == 2)
    #expect(LeftOutDistances.median([4, 1, 2, 3]) == 2.5)
  }
}
