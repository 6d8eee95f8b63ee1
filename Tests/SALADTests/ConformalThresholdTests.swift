import Foundation
import Platform
import Radiographs
import Testing

@testable import SALAD

@Suite("Conformal threshold")
struct ConformalThresholdTests {
  /// Scores of small sets, with ties and without; rates on the steps of p-values, beside them and between.
  static let rates = [1e-9, 0.01, 0.05, 0.1, 1.0 / 7, 0.2, 0.25, 1.0 / 3, 0.5, 0.75, 0.9, 0.999999]

  private func scores(_ count: Int, levels: Int?, seed: UInt64) -> [Double] {
    let random = CounterRandom(seed: seed, name: "scores", UInt64(count))
    return (0..<UInt64(count)).map { number in
      levels.map { Double(random.index(number, below: $0)) / 8 } ?? random.uniform(number)
    }
  }

  @Test("A p-value is what counting gives, ties included", arguments: [nil, 4])
  func pValues(levels: Int?) {
    for count in 1...40 {
      let known = scores(count, levels: levels, seed: 1)
      let threshold = ConformalThreshold(scores: known.sorted(), falseAlarmRate: 0.05)
      for score in known + scores(20, levels: levels, seed: 2) + [-1, 2] {
        let counted = Double(1 + known.count { $0 >= score }) / Double(count + 1)
        #expect(threshold.pValue(of: score) == counted)
      }
    }
  }

  @Test("An image is flagged exactly where its p-value is at most the rate, and where its score is above the threshold")
  func equivalence() {
    for count in 1...40 {
      for levels in [nil, 4] {
        let known = scores(count, levels: levels, seed: 3).sorted()
        let steps = (1...count).map { Double($0) / Double(count + 1) }
        for rate in Self.rates + steps + steps.map(\.nextDown) + steps.map(\.nextUp) {
          let threshold = ConformalThreshold(scores: known, falseAlarmRate: rate)
          for score in known + known.map(\.nextUp) + scores(20, levels: levels, seed: 4) + [-1, 2] {
            let flagged = threshold.flags(score)
            #expect(flagged == (threshold.pValue(of: score) <= rate))
            #expect(flagged == threshold.value.map { score > $0 } ?? false, "\(count) scores, rate \(rate)")
          }
        }
      }
    }
  }

  @Test("The threshold is the k-th largest score, k = floor(rate * (n + 1)); with k = 0 there is none")
  func places() {
    let known = (1...19).map(Double.init)
    func value(_ rate: Double) -> Double? { ConformalThreshold(scores: known, falseAlarmRate: rate).value }
    #expect(value(0.05) == 19)
    #expect(value(0.05.nextDown) == nil)
    #expect(value(0.1) == 18)
    #expect(value(0.14) == 18)
    #expect(value(0.999) == 1)
    let none = ConformalThreshold(scores: known, falseAlarmRate: 0.04)
    #expect(!none.flags(.greatestFiniteMagnitude))
    #expect(none.sentence.contains("0.04 with 19 training images, each left out: raise --false-alarm-rate to 1/20"))
  }

  @Test("Of normal images drawn like those kept back, the wished fraction is flagged", arguments: [0.05, 0.1, 0.3])
  func validity(rate: Double) {
    // Each trial calibrates anew on 39 draws and judges one more: k = rate * 40 of 40 places flag it, so that the count
    // is binomial. Five deviations: one test in 2 million fails by chance, and the draws are always the same.
    let (trials, count) = (20_000, 39)
    let random = CounterRandom(seed: 5, name: "trials")
    var (flagged, flaggedAmongTies) = (0, 0)
    for trial in 0..<trials {
      let draws = (0...count).map { random.uniform(UInt64(trial * (count + 1) + $0)) }
      func isFlagged(_ draws: [Double]) -> Bool {
        ConformalThreshold(scores: draws.dropLast().sorted(), falseAlarmRate: rate).flags(draws[count])
      }
      if isFlagged(draws) { flagged += 1 }
      if isFlagged(draws.map { ($0 * 10).rounded() }) { flaggedAmongTies += 1 }
    }
    let expected = rate * Double(trials)
    let deviation = (expected * (1 - rate)).squareRoot()
    #expect(abs(Double(flagged) - expected) < 5 * deviation)
    #expect(flaggedAmongTies <= flagged, "ties only ever spare an image")
  }

  @Test("Rates that cannot be wished for are refused", arguments: [0, 1, -0.1, Double.nan, .infinity])
  func refusals(rate: Double) {
    expectRefusal(.usage, containing: "--false-alarm-rate is \(rate)") {
      try ConformalThreshold.validate(falseAlarmRate: rate)
    }
  }

  @Test("The rates on a test split are those of its two classes")
  func ratesOnTestSplit() {
    let kinds = [("good", false), ("good", false), ("good", false), ("nodule", true), ("device", true)]
    let images = kinds.map { LabelledImage(path: "test/\($0.0)/x.png", kind: $0.0, isAnomalous: $0.1) }
    let threshold = ConformalThreshold(scores: (1...9).map { Double($0) / 10 }, falseAlarmRate: 0.2)
    #expect(threshold.value == 0.8)
    let rates = CalibratedRates(images: images, scores: [0.1, 0.8, 0.85, 0.85, 0.8], threshold: threshold)
    #expect(rates.flaggedNormalRate == 1.0 / 3)
    #expect(rates.flaggedAnomalousRate == 0.5)
    #expect(rates.calibrationCount == 9)
  }
}
