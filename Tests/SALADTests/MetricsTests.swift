import Foundation
import Testing

@testable import SALAD

@Suite("Metrics") struct MetricsTests {
  private struct Case: Decodable {
    var scores: [Double]
    var anomalous: [Bool]
    var auroc: Double
    var averagePrecision: Double

    enum CodingKeys: String, CodingKey {
      case scores, anomalous, auroc
      case averagePrecision = "average_precision"
    }
  }

  @Test("AUROC and average precision are scikit-learn's, ties included")
  func reference() throws {
    let path = try #require(Bundle.module.path(forResource: "metrics", ofType: "json", inDirectory: "Fixtures"))
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: path)))
    #expect(cases.count == 24)
    for reference in cases {
      let auroc = try Metrics.areaUnderROC(scores: reference.scores, anomalous: reference.anomalous)
      let precision = try Metrics.averagePrecision(scores: reference.scores, anomalous: reference.anomalous)
      #expect(abs(auroc - reference.auroc) < 1e-12)
      #expect(abs(precision - reference.averagePrecision) < 1e-12)
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
      #expect(try Metrics.areaUnderROC(scores: scores, anomalous: anomalous) == wins / pairs)
    }
  }

  @Test("The order of the images changes no bit")
  func order() throws {
    let scores = (0..<100).map { Double(($0 * 37) % 23) }
    let anomalous = (0..<100).map { $0 % 3 == 0 }
    let reversed = (Array(scores.reversed()), Array(anomalous.reversed()))
    #expect(
      try Metrics.areaUnderROC(scores: scores, anomalous: anomalous)
        == Metrics.areaUnderROC(scores: reversed.0, anomalous: reversed.1))
    #expect(
      try Metrics.averagePrecision(scores: scores, anomalous: anomalous)
        == Metrics.averagePrecision(scores: reversed.0, anomalous: reversed.1))
  }

  @Test("Closed forms: perfect, inverted, all equal")
  func closedForms() throws {
    let anomalous = [false, false, false, true]
    #expect(try Metrics.areaUnderROC(scores: [0, 1, 2, 3], anomalous: anomalous) == 1)
    #expect(try Metrics.averagePrecision(scores: [0, 1, 2, .infinity], anomalous: anomalous) == 1)
    #expect(try Metrics.areaUnderROC(scores: [3, 2, 1, 0], anomalous: anomalous) == 0)
    #expect(try Metrics.averagePrecision(scores: [3, 2, 1, 0], anomalous: anomalous) == 0.25)
    #expect(try Metrics.areaUnderROC(scores: [7, 7, 7, 7], anomalous: anomalous) == 0.5)
    #expect(try Metrics.averagePrecision(scores: [0, -0.0, 0, 0], anomalous: anomalous) == 0.25)
  }

  @Test("A missing class and a score that is no number are refused")
  func refusals() {
    for anomalous in [[true, true], [false, false]] {
      let error = #expect(throws: SaladError.self) {
        try Metrics.areaUnderROC(scores: [1, 2], anomalous: anomalous)
      }
      #expect(error?.status == .badData)
      #expect(error?.description.contains("need normal and anomalous images, found") == true)
    }
    #expect(throws: SaladError.self) { try Metrics.averagePrecision(scores: [], anomalous: []) }
    let error = #expect(throws: SaladError.self) {
      try Metrics.averagePrecision(scores: [1, .nan], anomalous: [true, false])
    }
    #expect(error?.status == .internalError)
    #expect(error?.description == "score 2 of 2 is not a number")
  }
}
