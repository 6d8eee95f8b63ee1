import Testing

@testable import SALAD

@Suite("Nearest names") struct NearestNamesTests {
  @Test("A file's name finds its path, a path its file's name, and slips of the finger what they slipped from")
  func nearest() {
    let names = ["train/good/a1.png", "train/good/b22.png", "patient00042", "patient00043", "x"]
    #expect(NearestNames.nearest(to: "b22.png", in: names) == ["train/good/b22.png"])
    #expect(NearestNames.nearest(to: "/data/set/train/good/a1.png", in: names) == ["train/good/a1.png"])
    #expect(NearestNames.nearest(to: "patient0042", in: names) == ["patient00042", "patient00043"])
    #expect(NearestNames.nearest(to: "something else", in: names) == [])
    #expect(NearestNames.words(for: "b22.pgn", in: names) == "")
    #expect(NearestNames.words(for: "good/b22.png", in: names) == " (nearest: train/good/b22.png)")
  }

  @Test(
    "The distance is what the whole table says, up to where it ends",
    arguments: [("", "abc", 3), ("kitten", "sitting", 3), ("abc", "abc", 0), ("flaw", "lawn", 2)])
  func distance(one: String, other: String, expected: Int) {
    for most in 0...4 {
      let found = NearestNames.distance(Array(one.utf8), Array(other.utf8), most: most)
      #expect(expected <= most ? found == expected : found > most)
    }
  }
}
