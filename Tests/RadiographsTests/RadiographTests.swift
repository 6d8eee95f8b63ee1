import Testing

@testable import Radiographs

@Suite("Radiograph")
struct RadiographTests {
  @Test("Black becomes -1 and white 1, whatever the pixels' type")
  func scaled() {
    let eightBit = Radiograph(width: 4, height: 1, pixels: .eightBit([0, 51, 102, 255]))
    let float = Radiograph(width: 4, height: 1, pixels: .float([0, 0.25, 0.5, 1]))
    let expected: [Float] = [0, 51, 102, 255].map { $0 / 127.5 - 1 }
    #expect(values(eightBit) == expected)
    #expect(expected.first == -1 && expected.last == 1)
    #expect(values(float) == [-1, -0.5, 0, 1] as [Float])
  }

  @Test("Pixels take a byte or four")
  func byteCount() {
    #expect(Radiograph(width: 2, height: 3, pixels: .eightBit([UInt8](repeating: 0, count: 6))).byteCount == 6)
    #expect(Radiograph(width: 2, height: 3, pixels: .float([Float](repeating: 0, count: 6))).byteCount == 24)
  }

  private func values(_ image: Radiograph) -> [Float] {
    var values = [Float](repeating: .nan, count: image.pixels.count)
    values.withUnsafeMutableBufferPointer { image.scaled(into: $0) }
    return values
  }
}
