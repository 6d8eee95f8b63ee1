import SALAD
import Testing

@Suite("Time spans")
struct TimeSpanTests {
  @Test(
    "A time is read as people write it",
    arguments: [
      ("90s", 90.0), ("1s", 1), ("30m", 1800), ("11h", 39600), ("2d", 172_800), ("1.5h", 5400), ("1:30:00", 5400),
      ("0:00:01", 1), ("100:00:00", 360_000), ("999999999999h", 3_599_999_999_996_400),
    ] as [(String, Double)])
  func read(text: String, seconds: Double) {
    #expect(TimeSpan(text)?.seconds == seconds)
  }

  @Test(
    "What could be meant in two ways, is less than a second or is no time is refused",
    arguments: [
      "", "90", "1:30", "0s", "0.5s", "-5m", "+5m", "1e3s", "infh", "nand", "h", ".h", "5 m", "5M", "1:60:00",
      "1:00:60", "1::00", "1:2:3:4", "-1:00:00", "\u{0661}h", "never",
    ])
  func refused(text: String) {
    #expect(TimeSpan(text) == nil)
  }
}
