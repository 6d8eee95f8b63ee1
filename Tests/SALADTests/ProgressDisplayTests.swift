import Testing

@testable import SALAD

@Suite("Progress display")
struct ProgressDisplayTests {
  @Test("A line is never as wide as its terminal", arguments: [0, 1, 5, 20, 40, 60, 80, 200])
  func width(columns: Int) {
    let bar = "[" + String(repeating: "=", count: 30) + "]"
    let line = ProgressDisplay.line(
      "training", bar: bar, "512/1024 images, 210.3 images/s, 0:02 left", columns: columns)
    #expect(line.count < max(1, columns))
  }

  @Test("Where there is room the bar stands; else the numbers do")
  func parts() {
    func line(_ columns: Int?) -> String {
      ProgressDisplay.line("reading", bar: "[=>  ]", "1/2 images", columns: columns)
    }
    #expect(line(nil) == "reading [=>  ] 1/2 images")
    #expect(line(26) == "reading [=>  ] 1/2 images")
    #expect(line(25) == "reading: 1/2 images")
    #expect(line(10) == "reading: ")
  }

  @Test("A note on a terminal is broken between words, and a path stays whole")
  func notes() {
    let path = "/data/" + String(repeating: "x", count: 40)
    let sentence = "salad: \(path): expected a folder, found none: give another one by --data"
    let lines = Log.wrapped(sentence, columns: 30)
    #expect(lines.allSatisfy { $0.count < 30 || $0.contains(path) })
    #expect(lines.map { $0.trimmingPrefix { $0 == " " } }.joined(separator: " ") == sentence)
    #expect(Log.wrapped(sentence, columns: nil) == [sentence])
  }
}
