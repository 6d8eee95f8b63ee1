import Testing

@testable import Radiographs

@Suite("Grey range")
struct GreyRangeTests {
  private func range(_ bits: [Int?]) -> GreyRange {
    GreyRange(
      bits.map {
        ScannedImage(
          digest: [], picture: PictureHash(Radiograph(width: 1, height: 1, pixels: .eightBit([0]))), sampleBits: $0)
      })
  }

  @Test("It is the most that an image needs; 8-bit images have no say")
  func largest() {
    #expect(range([]).largestValue == nil && range([nil, nil]).largestValue == nil)
    #expect(range([nil, 12, 10]).largestValue == 4095 && range([16, 12]).largestValue == 65_535)
  }

  @Test("Fewer bits than 16, and different ones, are said")
  func notes() {
    #expect(range([nil]).note == nil && range([16, 16, nil]).note == nil)
    #expect(
      range([12, 12, nil]).note == "16-bit images use 12 bits: 4095 is white, unless --grey-range says otherwise")
    #expect(
      range([12, 16, 12]).note
        == "16-bit images use 12 bits (2), 16 bits (1): 65535 is white in all of them, unless --grey-range says "
        + "otherwise")
  }
}
