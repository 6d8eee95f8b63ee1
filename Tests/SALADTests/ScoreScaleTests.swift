import MemoryBank
import Platform
import Testing

@testable import SALAD

@Suite("Scores of distances")
struct ScoreScaleTests {
  private func calibration(_ leftOut: [Double], rule: ScoreRule = .weightedDistance) -> Calibration {
    Calibration(
      LeftOutDistances(squaredScale: 1, distances: [rule: leftOut]), bank: .refreshed, topK: 3, scoreTemperature: 1,
      falseAlarmRate: 0.25)
  }

  private func scale(_ models: [Calibration], rule: ScoreRule = .weightedDistance) throws -> ScoreScale {
    try #require(ScoreScale(models, rule: rule))
  }

  @Test("One model's score is d / (d + D): 0 a copy, 0.5 the bank's median, towards 1 far away")
  func one() throws {
    let scale = try scale([calibration([1, 2, 6])])
    #expect(scale.score([0]) == 0)
    #expect(scale.score([2]) == 0.5)
    #expect(scale.score([6]) == 0.75)
    #expect(scale.score([1e300]) == 1)
    #expect(scale.leftOut == [1.0 / 3, 0.5, 0.75])
  }

  @Test("Several models average their distances, each relative to its own bank")
  func several() throws {
    let scale = try scale([calibration([1, 2, 3]), calibration([10, 20, 30])])
    #expect(scale.score([2, 20]) == 0.5)
    #expect(scale.score([4, 20]) == 0.6)
    #expect(scale.scores([[2, 4], [20, 20]]) == [0.5, 0.6])
    #expect(scale.leftOut == [1.0 / 3, 0.5, 0.6])
  }

  @Test("In a bank of equal rows a copy scores 0 and all else 1")
  func equalRows() throws {
    let scale = try scale([calibration([0, 0, 0])])
    #expect(scale.score([0]) == 0)
    #expect(scale.score([1e-9]) == 1)
  }

  @Test("Angles are scores already")
  func angles() throws {
    let scale = try scale(
      [calibration([0.1], rule: .meanAngle), calibration([0.3], rule: .meanAngle)], rule: .meanAngle)
    #expect(scale.score([0.25, 0.75]) == 0.5)
  }

  @Test("A rule that was not measured has no scale")
  func unknownRule() {
    #expect(ScoreScale([calibration([1])], rule: .weighted) == nil)
    #expect(ScoreScale([], rule: .weighted) == nil)
  }

  @Test("p-values are of the left-out rows, or of what takes their place; another place has its own scale")
  func judging() throws {
    let own = calibration([1, 2, 3])
    let threshold = try scale([own]).threshold()
    #expect(threshold.origin == .leftOut && threshold.count == 3 && threshold.falseAlarmRate == 0.25)
    #expect(threshold.pValue(of: 0.5) == 0.75)
    let kept = own.judging(by: ["weighted-distance": [4, 2]], origin: .keptBack)
    #expect(try scale([kept]).score([2]) == 0.5)
    #expect(try scale([kept]).threshold(falseAlarmRate: 0.5).value == 2.0 / 3)
    let local = own.judging(by: ["weighted-distance": [4, 6, 8]], origin: .local)
    #expect(try scale([local]).score([6]) == 0.5)
    #expect(local.leftOut == own.leftOut)
  }

  @Test("Images kept back that score like the left-out ones raise no warning, others do")
  func warnings() throws {
    let random = CounterRandom(seed: 3, name: "distances")
    let leftOut = (0..<200).map { 1 + random.uniform(UInt64($0)) }
    let own = calibration(leftOut)
    for (shift, isSurprising) in [(0.0, false), (0.5, true), (-0.5, true)] {
      let kept = (0..<60).map { 1 + shift + random.uniform(UInt64(1000 + $0)) }
      let scale = try scale([own.judging(by: ["weighted-distance": kept], origin: .keptBack)])
      #expect((scale.warning != nil) == isSurprising, "\(scale.disagreement ?? .nan)")
    }
    #expect(try scale([own]).warning == nil)
  }

  @Test("A rank sum's deviation is that of its definition, ties counted half")
  func rankSum() {
    // U of {3, 4} over {1, 2} is 4 of a mean of 2; variance 2 * 2 * 5 / 12.
    #expect(abs(RankSum.deviation(of: [3, 4], from: [1, 2]) - 2 / (20.0 / 12).squareRoot()) < 1e-12)
    #expect(RankSum.deviation(of: [1, 1], from: [1, 1]) == 0)
    #expect(RankSum.deviation(of: [1, 4], from: [2, 3]) == 0)
    #expect(RankSum.deviation(of: [1, 2], from: [3, 4]) == -RankSum.deviation(of: [3, 4], from: [1, 2]))
  }

  @Test("A batch that hardly reaches the more normal half drifts; an even one, and a small one, do not")
  func drift() {
    let even = (1...100).map { Double($0) / 101 }
    #expect(Drift.warning(ofUnlabelled: even) == nil && Drift.warning(ofNormal: even) == nil)
    let high = even.map { $0 * $0 * $0 * $0 * $0 }
    #expect(Drift.warning(ofNormal: high)?.contains("higher") == true)
    #expect(Drift.warning(ofNormal: high.map { 1 - $0 })?.contains("lower") == true)
    let shifted = even.map { $0 / 2 }
    #expect(Drift.warning(ofUnlabelled: shifted)?.contains("only 0 of 100") == true)
    #expect(Drift.warning(ofUnlabelled: Array(shifted.prefix(19))) == nil)
  }

  @Test("Patients are left out whole where they are known; an image of nobody known stands alone")
  func patients() {
    let groups = LeftOutPass.groups([nil, "00000013", nil, "00000013"])
    #expect(groups[1] == groups[3])
    #expect(Set(groups).count == 3)
  }
}
