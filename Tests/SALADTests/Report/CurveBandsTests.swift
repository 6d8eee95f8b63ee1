import Radiographs
import Testing

@testable import SALAD

@Suite("Bands of curves")
struct CurveBandsTests {
  private func tests(_ count: Int) -> TestScores {
    let images = (0..<count).map {
      LabelledImage(path: "\($0)", kind: $0 % 3 == 0 ? "odd" : "good", isAnomalous: $0 % 3 == 0)
    }
    // Some ties, and classes that overlap.
    let scores = (0..<count).map { place -> Double in
      let spread = Double((place * 7919) % 41) / 41
      return place % 3 == 0 ? spread + 0.3 : spread
    }
    return TestScores(root: "", images: images, scores: scores)
  }

  @Test("Sensitivity and precision at places of a grid are those that some threshold reaches")
  func grids() throws {
    let tests = tests(60)
    let curve = try OperatingCurve(scores: tests.scores, anomalous: tests.images.map(\.isAnomalous))
    for percent in stride(from: 0, through: 100, by: 2) {
      let found = curve.sensitivities(atFalseAlarmRates: [Double(percent) / 100])[0]
      #expect(found == curve.sensitivity(atSpecificity: 100 - percent), "\(percent)")
    }
    let precisions = curve.precisions(atSensitivities: CurveBands.grid)
    for (share, precision) in zip(CurveBands.grid, precisions) {
      // The clear way: the first threshold that finds so many.
      let place = curve.flaggedAnomalous.firstIndex { Double($0) >= max(1, share * Double(curve.countAnomalous)) }!
      #expect(
        precision == Double(curve.flaggedAnomalous[place])
          / Double(curve.flaggedAnomalous[place] + curve.flaggedNormal[place]))
    }
  }

  @Test("Bands hold the curve, are narrower with more images, and do not depend on threads")
  func bands() throws {
    let bootstrap = Bootstrap(resamples: 200, seed: 3)
    let (few, many) = (tests(45), tests(450))
    let narrow = try CurveBands(many, bootstrap: bootstrap, workers: 2)
    let wide = try CurveBands(few, bootstrap: bootstrap, workers: 1)
    #expect(try CurveBands(few, bootstrap: bootstrap, workers: 3) == wide)
    let curve = try OperatingCurve(scores: many.scores, anomalous: many.images.map(\.isAnomalous))
    let held = zip(narrow.sensitivity, curve.sensitivities(atFalseAlarmRates: CurveBands.grid)).count {
      $0.contains($1)
    }
    #expect(held >= 45, "\(held)")
    func width(_ bands: [ClosedRange<Double>]) -> Double { bands.reduce(0) { $0 + $1.upperBound - $1.lowerBound } }
    #expect(width(narrow.sensitivity) < width(wide.sensitivity))
    #expect(width(narrow.precision) < width(wide.precision))
  }

  @Test("Wilson's interval has its share, and is no point where all or none are flagged")
  func wilson() {
    // As R's binom.confint(8, 40, methods = "wilson") has it.
    let interval = ShareInterval.wilson(8, of: 40)
    #expect(abs(interval.lowerBound - 0.1050) < 5e-4 && abs(interval.upperBound - 0.3476) < 5e-4, "\(interval)")
    #expect(ShareInterval.wilson(0, of: 20).upperBound > 0.1 && ShareInterval.wilson(20, of: 20).lowerBound < 0.9)
    #expect(ShareInterval.wilson(0, of: 0) == 0...1)
  }

  @Test("Kolmogorov's distance of even values is small, of one value large")
  func distance() {
    #expect(abs(ReportPage.distance((1...100).map { (Double($0) - 0.5) / 100 }) - 0.005) < 1e-12)
    #expect(ReportPage.distance([0.1, 0.1]) == 0.9)
  }

  @Test("Every score is in one bin, those on the edges too")
  func bins() {
    let bins = ReportPage.bins([0, 0.25, 0.5, 1, 1.0001, -0.1], 0...1)
    #expect(
      bins.count == 40 && bins.reduce(0, +) == 6 && bins[0] == 2 && bins[39] == 2 && bins[10] == 1 && bins[20] == 1)
  }
}
