import Platform
import Testing

@testable import Radiographs

@Suite("Raw pixel nearest neighbour")
struct RawPixelNeighbourTests {
  /// A gray image drawn from a seed.
  private func image(_ seed: UInt64, side: Int = 32) -> Radiograph {
    let random = CounterRandom(seed: seed, name: "image")
    return Radiograph(
      width: side, height: side,
      pixels: .eightBit((0..<side * side).map { UInt8(random.uniform(UInt64($0)) * 256) }))
  }

  @Test("An image that is remembered lies at distance zero, and no other does")
  func remembered() {
    var neighbour = RawPixelNeighbour()
    for seed in 0..<5 { neighbour.remember(image(UInt64(seed))) }
    #expect(neighbour.count == 5)
    #expect(neighbour.distance(image(3)) == 0)
    #expect(neighbour.nearest(to: image(3))?.index == 3)
    #expect(neighbour.distance(image(9)) > 0)
  }

  @Test("The distance is Euclidean, on the scale of -1...1")
  func euclidean() {
    func flat(_ gray: UInt8) -> Radiograph {
      Radiograph(width: 2, height: 2, pixels: .eightBit([gray, gray, gray, gray]))
    }
    var neighbour = RawPixelNeighbour(side: 2)
    neighbour.remember(flat(0))
    // Four pixels, each 2 apart.
    #expect(abs(neighbour.distance(flat(255)) - 4) < 1e-6)
    #expect(abs(neighbour.distance(flat(51)) - 0.8) < 1e-6)
  }

  @Test("It is the smallest distance of all, and the lower index wins a tie")
  func smallest() throws {
    let bank = [7, 8, 9, 8, 7].map { image($0) }
    var neighbour = RawPixelNeighbour()
    for known in bank { neighbour.remember(known) }
    let query = image(42)
    let singly = bank.map { known in
      var one = RawPixelNeighbour()
      one.remember(known)
      return one.distance(query)
    }
    let smallest = try #require(singly.min())
    let nearest = try #require(neighbour.nearest(to: query))
    #expect(nearest.distance == smallest)
    #expect(nearest.index == singly.firstIndex(of: smallest))
  }

  @Test("Without a remembered image everything is infinitely far")
  func empty() {
    #expect(RawPixelNeighbour().distance(image(1)) == .infinity)
    #expect(RawPixelNeighbour().nearest(to: image(1)) == nil)
  }
}
