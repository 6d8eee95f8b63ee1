import Testing

@testable import Radiographs

@Suite("Negatives")
struct NegativesTests {
  private func phantom(_ index: Int, isNegative: Bool = false) -> PictureHash {
    var image = Phantom(seed: 1, split: .train, index: index, size: 64, anomaly: nil).radiograph
    if isNegative, case .eightBit(let values) = image.pixels { image.pixels = .eightBit(values.map { 255 - $0 }) }
    return PictureHash(image)
  }

  @Test("Pictures that are white where most are black are found, and no other")
  func found() {
    let pictures = (0..<20).map { phantom($0, isNegative: [3, 17].contains($0)) }
    #expect(PictureHash.negatives(among: pictures) == [3, 17])
    #expect(PictureHash.negatives(among: (0..<20).map { phantom($0) }) == [])
  }

  @Test("A picture that was padded is compared without what lies around it")
  func padded() throws {
    let typical = try #require(TypicalPicture(of: (0..<20).map { phantom($0) }))
    let square = Phantom(seed: 1, split: .train, index: 30, size: 64, anomaly: nil).radiograph
    guard case .eightBit(let values) = square.pixels else { return }
    for isNegative in [false, true] {
      // Half as high, so that as much is black around it.
      let rows = stride(from: 0, to: 64, by: 2).flatMap { values[$0 * 64..<($0 + 1) * 64] }
      let picture = Radiograph(
        width: 64, height: 32, pixels: .eightBit(isNegative ? rows.map { 255 - $0 } : Array(rows)))
      let prepared = Preparation(side: 128, fit: .pad)(picture)
      #expect(typical.isNegative(prepared, ofWidth: 64, height: 32, fit: .pad) == isNegative)
    }
  }

  @Test("Of a few pictures, or of pictures without anything in common, none is named")
  func none() {
    #expect(PictureHash.negatives(among: (0..<7).map { phantom($0, isNegative: $0 == 0) }) == [])
    var random = SplitMix(state: 7)
    let noise = (0..<20).map { _ in
      PictureHash(
        Radiograph(
          width: 20, height: 20, pixels: .eightBit((0..<400).map { _ in UInt8.random(in: 0...255, using: &random) })))
    }
    #expect(PictureHash.negatives(among: noise) == [])
    #expect(PictureHash.negatives(among: []) == [])
  }
}
