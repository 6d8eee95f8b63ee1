import Testing

@testable import Pages

@Suite("Axes")
struct AxisTests {
  @Test("Ticks are round numbers within the range, a handful of them")
  func ticks() {
    let cases: [(ClosedRange<Double>, [String])] = [
      (0...1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
      (0...560, ["0", "100", "200", "300", "400", "500"]),
      (0...12_000, ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
      (-0.5...0.5, ["-0.4", "-0.2", "0.0", "0.2", "0.4"]),
      (0.431...0.4452, ["0.435", "0.440", "0.445"]),
    ]
    for (range, texts) in cases { #expect(Axis("x", range).ticks().map(\.text) == texts, "\(range)") }
  }

  @Test("Any range has ticks that lie in it, and few")
  func anyRange() {
    for exponent in -9...9 {
      for mantissa in [1.0, 1.7, 3.3, 7.9] {
        var high = mantissa
        for _ in 0..<abs(exponent) { high = exponent < 0 ? high / 10 : high * 10 }
        let axis = Axis("x", -high / 3...high)
        let ticks = axis.ticks()
        #expect((3...9).contains(ticks.count), "\(axis.range): \(ticks.map(\.text))")
        #expect(Set(ticks.map(\.text)).count == ticks.count)
      }
    }
  }

  @Test("Values that are equal, none or no numbers make an axis all the same")
  func degenerate() {
    for axis in [
      Axis("x", over: []), Axis("x", over: [3, 3]), Axis("x", over: [.nan, .infinity]), Axis("x", 5...5),
      Axis("x", over: [1e300, 1e300]),
    ] {
      #expect(axis.range.lowerBound < axis.range.upperBound)
      #expect(axis.place(.nan) == 0 && axis.place(.infinity) <= 1 && (0...1).contains(axis.place(4)))
    }
  }
}
