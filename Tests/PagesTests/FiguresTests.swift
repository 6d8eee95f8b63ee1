import Testing

@testable import Pages

@Suite("Figures")
struct FiguresTests {
  @Test("Numbers read as people write them")
  func numbers() {
    #expect(
      Figures.fixed(0.9514, 3) == "0.951" && Figures.fixed(-0.0001, 2) == "0.00" && Figures.fixed(-1.5, 1) == "-1.5")
    #expect(Figures.percent(0.0514) == "5.1 %")
    #expect(Figures.range(0.1...0.25) == "0.100 to 0.250")
    #expect(
      [0, 12, 999, 1000, 1_234_567, -1000].map(Figures.count) == ["0", "12", "999", "1,000", "1,234,567", "-1,000"])
    #expect(Figures.count(1, "image") == "1 image" && Figures.count(2000, "entry", "entries") == "2,000 entries")
    #expect([14.94, 59.97, 760, 11_100].map(Figures.duration) == ["14.9 s", "1 min 0 s", "12 min 40 s", "3 h 5 min"])
  }
}
