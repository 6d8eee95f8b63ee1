import Platform
import Radiographs
import Testing

@testable import SALAD

@Suite("Bootstrap") struct BootstrapTests {
  /// Anomalous images score one standard deviation higher; to one decimal, so that some are equal.
  private static func sample(normal: Int, anomalous: Int) -> (scores: [Double], anomalous: [Bool]) {
    let random = CounterRandom(seed: 4, name: "scores")
    let labels = (0..<normal + anomalous).map { $0 >= normal }
    let scores = labels.indices.map { ((random.normal(UInt64($0)) + (labels[$0] ? 1 : 0)) * 10).rounded() / 10 }
    return (scores, labels)
  }

  private static func samples(
    _ bootstrap: Bootstrap, scores: [Double], anomalous: [Bool], patients: [String?], workers: Int = 2
  ) throws -> [[Double]] {
    let samples = try bootstrap.samples(
      of: OperatingCurve(scores: scores, anomalous: anomalous), units: ResamplingUnits(patients: patients),
      workers: workers
    ) { resample in Metric.allCases.map { $0.value(of: resample) } }
    return samples.map { $0.compactMap { $0 } }
  }

  private static func standardDeviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  @Test("The standard error of AUROC is DeLong's")
  func deLong() throws {
    let (scores, anomalous) = Self.sample(normal: 150, anomalous: 250)
    // DeLong, DeLong and Clarke-Pearson (Biometrics 1988): how much of the other class each image wins against.
    func placements(of side: Bool) -> [Double] {
      scores.indices.filter { anomalous[$0] == side }.map { own in
        let others = scores.indices.filter { anomalous[$0] != side }
        return others.reduce(0.0) { $0 + (scores[own] > scores[$1] ? 1 : scores[own] == scores[$1] ? 0.5 : 0) }
          / Double(others.count)
      }
    }
    let variance = [false, true].reduce(0.0) { sum, side in
      let placements = placements(of: side)
      let deviation = Self.standardDeviation(placements)
      return sum + deviation * deviation / Double(placements.count)
    }

    let bootstrap = Bootstrap(resamples: 2000, seed: 9)
    let patients = [String?](repeating: nil, count: scores.count)
    let samples = try Self.samples(bootstrap, scores: scores, anomalous: anomalous, patients: patients)
    let error = Self.standardDeviation(samples.map { $0[0] })
    // Five standard errors of a standard deviation of 2000 values, and terms of order 1 / n between the two estimates.
    let tolerance = 5 / (2 * 2000.0).squareRoot() + 1 / 150.0
    #expect(abs(error / variance.squareRoot() - 1) < tolerance)
  }

  @Test("Four copies of each patient's image tell no more than one, but pass for more when drawn singly")
  func clusters() throws {
    let (scores, anomalous) = Self.sample(normal: 60, anomalous: 80)
    let images = scores.indices.flatMap { [Int](repeating: $0, count: 4) }
    let bootstrap = Bootstrap(resamples: 1000, seed: 2)
    func samples(copied: Bool, by patient: (Int) -> String?) throws -> [[Double]] {
      let images = copied ? images : Array(scores.indices)
      return try Self.samples(
        bootstrap, scores: images.map { scores[$0] }, anomalous: images.map { anomalous[$0] },
        patients: images.map(patient))
    }
    let originals = try samples(copied: false) { _ in nil }
    let byPatient = try samples(copied: true) { "patient \($0)" }
    let byImage = try samples(copied: true) { _ in nil }
    // All counts are four times as large, which changes no bit of their quotients.
    #expect(byPatient == originals)

    // Four times the images, half the standard error: within five standard errors of that quotient.
    let ratio = Self.standardDeviation(byPatient.map { $0[0] }) / Self.standardDeviation(byImage.map { $0[0] })
    #expect(abs(ratio / 2 - 1) < 5 / 1000.0.squareRoot())
  }

  @Test("Threads and the number of resamples change no resample; seeds do")
  func draws() throws {
    let (scores, anomalous) = Self.sample(normal: 20, anomalous: 30)
    let patients = scores.indices.map { $0 % 4 == 0 ? nil : "patient \($0 / 2)" }
    func samples(_ resamples: Int, seed: UInt64, workers: Int) throws -> [[Double]] {
      try Self.samples(
        Bootstrap(resamples: resamples, seed: seed), scores: scores, anomalous: anomalous, patients: patients,
        workers: workers)
    }
    let reference = try samples(50, seed: 1, workers: 1)
    for workers in [2, 4] { #expect(try samples(50, seed: 1, workers: workers) == reference) }
    #expect(try samples(20, seed: 1, workers: 3) == Array(reference.prefix(20)))
    #expect(try samples(50, seed: 2, workers: 1) != reference)
    #expect(Set(reference.map { $0[1] }).count > 25, "resamples differ")
  }

  @Test("A draw that lacks a class is drawn again")
  func bothClasses() throws {
    let bootstrap = Bootstrap(resamples: 500, seed: 0)
    // Half of the draws from two images lack one of them.
    let samples = try Self.samples(bootstrap, scores: [1, 2], anomalous: [false, true], patients: [nil, nil])
    #expect(samples.allSatisfy { $0[0] == 1 })
    // One patient with both is drawn every time.
    let patient = try Self.samples(bootstrap, scores: [2, 1], anomalous: [false, true], patients: ["a", "a"])
    #expect(patient.allSatisfy { $0[0] == 0 })
  }

  @Test("Units are patients, and images of unknown patients, drawn as many times as there are")
  func units() {
    let units = ResamplingUnits(patients: ["a", nil, "b", "a", nil, "b", "c"])
    #expect(units.unit == [0, 1, 2, 0, 3, 2, 4])
    #expect(units.count == 5)
    #expect(units.patients == 3)
    for seed in 0..<20 {
      let times = units.draw(CounterRandom(seed: UInt64(seed), name: "draw"))
      #expect(times[0] == times[3] && times[2] == times[5], "a patient's images come together")
      #expect(times[0] + times[1] + times[2] + times[4] + times[6] == 5)
    }
  }

  @Test("An interval spans 95 % of the values, as NumPy's quantiles do")
  func interval() throws {
    let values = (0...1000).map { Double(($0 * 10) % 1001) }
    for (values, lower, upper) in [(values, 25.0, 975.0), ([3, 1], 1.05, 2.95), ([0.1], 0.1, 0.1)] {
      let interval = try #require(Bootstrap.interval(values))
      #expect(abs(interval.lowerBound - lower) < 1e-9 && abs(interval.upperBound - upper) < 1e-9)
    }
    #expect(Bootstrap.interval([]) == nil)
  }
}
