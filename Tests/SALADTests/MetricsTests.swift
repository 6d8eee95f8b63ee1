import Foundation
import Platform
import Radiographs
import Testing

@testable import SALAD

/// `OperatingCurve`, and each `Metric` of one.
@Suite("Metrics") struct MetricsTests {
  private struct Case: Decodable {
    var scores: [Double]
    var anomalous: [Bool]
    var metrics: [Metric: Double]
    var bestF1Threshold: Double

    enum CodingKeys: String, CodingKey {
      case scores, anomalous, metrics
      case bestF1Threshold = "best_f1_threshold"
    }
  }

  private static func cases() throws -> [Case] {
    let path = try #require(Bundle.module.path(forResource: "metrics", ofType: "json", inDirectory: "Fixtures"))
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: path)))
    #expect(cases.count == 42)
    return cases
  }

  @Test("Metrics are scikit-learn's, ties included", arguments: Metric.allCases)
  func reference(metric: Metric) throws {
    for reference in try Self.cases() {
      let curve = try OperatingCurve(scores: reference.scores, anomalous: reference.anomalous)
      let expected = try #require(reference.metrics[metric])
      #expect(abs(metric.value(of: curve) - expected) < 1e-12)
    }
  }

  @Test("The threshold of the best F1 is scikit-learn's, the highest of several")
  func threshold() throws {
    for reference in try Self.cases() {
      let curve = try OperatingCurve(scores: reference.scores, anomalous: reference.anomalous)
      #expect(curve.bestF1.threshold == reference.bestF1Threshold)
    }
  }

  @Test("AUROC is the share of pairs won, ties counting half")
  func pairs() throws {
    var generator = SystemRandomNumberGenerator()
    for count in 2..<40 {
      let scores = (0..<count).map { _ in Double(Int.random(in: 0..<9, using: &generator)) / 8 }
      let anomalous = (0..<count).map { $0 < 1 || ($0 > 1 && Bool.random(using: &generator)) }
      var wins = 0.0
      var pairs = 0.0
      for a in scores.indices where anomalous[a] {
        for n in scores.indices where !anomalous[n] {
          wins += scores[a] > scores[n] ? 1 : scores[a] == scores[n] ? 0.5 : 0
          pairs += 1
        }
      }
      #expect(try OperatingCurve(scores: scores, anomalous: anomalous).areaUnderROC == wins / pairs)
    }
  }

  @Test("Images that count several times are as good as copies, and those that count 0 times as good as none")
  func multiplicities() throws {
    let random = CounterRandom(seed: 1, name: "multiplicities")
    let scores = (0..<200).map { Double(random.index(UInt64($0), below: 40)) }
    let anomalous = scores.indices.map { random.uniform(UInt64($0)) < 0.3 }
    let multiplicities = scores.indices.map { random.index(UInt64(1000 + $0), below: 4) }
    let copies = scores.indices.flatMap { [Int](repeating: $0, count: multiplicities[$0]) }

    let counted = try #require(OperatingCurve(scores: scores, anomalous: anomalous).counting(multiplicities))
    let copied = try OperatingCurve(scores: copies.map { scores[$0] }, anomalous: copies.map { anomalous[$0] })
    for metric in Metric.allCases { #expect(metric.value(of: counted) == metric.value(of: copied)) }
    #expect(counted.countNormal == copied.countNormal && counted.countAnomalous == copied.countAnomalous)

    // Some of the anomalous images, as if there were no others.
    let some = scores.indices.filter { anomalous[$0] && $0 % 3 == 0 }
    let without = copies.filter { !anomalous[$0] || $0 % 3 == 0 }
    #expect(
      try counted.areaUnderROC(of: some)
        == OperatingCurve(scores: without.map { scores[$0] }, anomalous: without.map { anomalous[$0] }).areaUnderROC)
  }

  @Test("Without an image of a class there is no curve")
  func missingClass() throws {
    let curve = try OperatingCurve(scores: [1, 2, 3], anomalous: [false, true, true])
    #expect(curve.counting([0, 1, 1]) == nil)
    #expect(curve.counting([1, 0, 0]) == nil)
    #expect(curve.counting([1, 0, 1])?.areaUnderROC(of: [1]) == nil)
  }

  @Test("The order of the images changes no bit")
  func order() throws {
    let scores = (0..<100).map { Double(($0 * 37) % 23) }
    let anomalous = (0..<100).map { $0 % 3 == 0 }
    let curve = try OperatingCurve(scores: scores, anomalous: anomalous)
    let reversed = try OperatingCurve(scores: scores.reversed(), anomalous: anomalous.reversed())
    for metric in Metric.allCases { #expect(metric.value(of: curve) == metric.value(of: reversed)) }
  }

  @Test("Closed forms: perfect, inverted, all equal")
  func closedForms() throws {
    func curve(_ scores: [Double]) throws -> OperatingCurve {
      try OperatingCurve(scores: scores, anomalous: [false, false, false, true])
    }
    for metric in Metric.allCases {
      #expect(try metric.value(of: curve([0, 1, 2, 3])) == 1)
      #expect(try metric.value(of: curve([0, 1, 2, .infinity])) == 1)
    }
    let inverted = try curve([3, 2, 1, 0])
    #expect(Metric.allCases.map { $0.value(of: inverted) } == [0, 0.25, 0.4, 0, 0, 0, 0])
    #expect(inverted.bestF1.threshold == 0)
    let equal = try curve([0, -0.0, 0, 0])
    #expect(equal.thresholds.count == 1)
    #expect(Metric.allCases.map { $0.value(of: equal) } == [0.5, 0.25, 0.4, 0, 0, 0, 0])
  }

  @Test("A specificity that is met exactly is met")
  func exactBound() throws {
    // The highest of ten normal images lies above all anomalous ones: one false alarm is 10 %, not a bit more.
    let curve = try OperatingCurve(
      scores: (0..<12).map(Double.init), anomalous: (0..<12).map { [9, 10].contains($0) })
    #expect(curve.sensitivity(atSpecificity: 90) == 1)
    #expect(curve.sensitivity(atSpecificity: 91) == 0)
    #expect(curve.specificity(atSensitivity: 50) == 0.9)
  }

  @Test("A missing class and a score that is no number are refused")
  func refusals() {
    for anomalous in [[true, true], [false, false]] {
      let error = #expect(throws: SaladError.self) { try OperatingCurve(scores: [1, 2], anomalous: anomalous) }
      #expect(error?.status == .badData)
      #expect(error?.description.contains("need normal and anomalous images, found") == true)
    }
    #expect(throws: SaladError.self) { try OperatingCurve(scores: [], anomalous: []) }
    let error = #expect(throws: SaladError.self) { try OperatingCurve(scores: [1, .nan], anomalous: [true, false]) }
    #expect(error?.status == .internalError)
    #expect(error?.description == "score 2 of 2 is not a number")
  }
}
