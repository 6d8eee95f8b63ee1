import Foundation
import Platform
import Testing

@testable import Radiographs

@Suite("Resize")
struct ResizeTests {
  @Test("8-bit images are padded, stretched and resized as Pillow does, byte for byte", arguments: Fit.allCases)
  func eightBitAsPillow(fit: Fit) throws {
    var compared = 0
    for (source, side, expected) in try pairs(fit: fit, withExtension: "png") {
      let resized = try Radiograph(contentsOf: source.path).resized(to: side, fit: fit)
      // Outside the macro, which would print every pixel.
      let isEqual = try resized == Radiograph(contentsOf: expected.path)
      #expect(isEqual, "\(expected.lastPathComponent)")
      compared += 1
    }
    #expect(compared == 12)
  }

  @Test("16-bit images are resized as Pillow's mode F does, bit for bit", arguments: Fit.allCases)
  func floatAsPillow(fit: Fit) throws {
    var compared = 0
    for (source, side, expected) in try pairs(fit: fit, withExtension: "float") {
      let resized = try Radiograph(contentsOf: source.path).resized(to: side, fit: fit)
      let isEqual = resized.pixels == .float(try Fixtures.floats(expected))
      #expect(isEqual, "\(expected.lastPathComponent)")
      compared += 1
    }
    #expect(compared == 6)
  }

  /// Source, side and expected result of all files NAME-FIT-SIDE in the fixtures.
  private func pairs(fit: Fit, withExtension pathExtension: String) throws -> [(URL, Int, URL)] {
    try Fixtures.files("resize", withExtension: pathExtension).compactMap { expected in
      let parts = expected.deletingPathExtension().lastPathComponent.split(separator: "-")
      guard parts.count == 3, parts[1] == fit.rawValue, let side = Int(parts[2]) else { return nil }
      return (expected.deletingLastPathComponent().appending(path: "\(parts[0]).png"), side, expected)
    }
  }

  @Test(
    "The kernels resample as the plain sums do, whatever the sizes",
    arguments: [(1, 1), (3, 7), (16, 16), (17, 5), (33, 64), (100, 31), (47, 130)])
  func kernels(from: Int, to: Int) {
    let random = CounterRandom(UInt64(from))
    let resampling = Resampling(from: from + 4, to: to, imageStart: 2, imageCount: from)
    for lines in [1, 15, 16, 35] {
      let pixels = (0..<lines * from).map { UInt8(truncatingIfNeeded: Int(256 * random.uniform(UInt64($0)))) }
      let white = [UInt8](repeating: 255, count: pixels.count)
      for image in [pixels, white] {
        let rows = resampling.alongRows(image) == resampling.plainAlongRows(image)
        let columns =
          resampling.alongColumns(image, width: lines) == resampling.plainAlongColumns(image, width: lines)
        #expect(rows && columns, "\(lines) lines")
      }
    }
  }

  @Test("An image of the size asked for stays as it is", arguments: Fit.allCases)
  func identity(fit: Fit) {
    let image = Radiograph(width: 3, height: 3, pixels: .eightBit(Array(0..<9)))
    #expect(image.resized(to: 3, fit: fit) == image)
  }

  @Test("Padding centres on black, with the odd line below or to the right")
  func padding() {
    let wide = Radiograph(width: 4, height: 1, pixels: .eightBit([10, 20, 30, 40]))
    #expect(wide.resized(to: 4, fit: .pad).pixels == .eightBit([0, 0, 0, 0, 10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0]))
    let tall = Radiograph(width: 1, height: 4, pixels: .float([0.1, 0.2, 0.3, 0.4]))
    #expect(tall.resized(to: 4, fit: .pad).pixels == .float([0, 0.1, 0, 0, 0, 0.2, 0, 0, 0, 0.3, 0, 0, 0, 0.4, 0, 0]))
  }

  @Test("A longest line is padded without memory for the whole square")
  func longestLine() {
    let lines = Radiograph(width: 20_000, height: 2, pixels: .eightBit([UInt8](repeating: 255, count: 40_000)))
    // Two white lines in the middle of 20,000, half way down a triangle of 312.5 lines: 255 / 312.5 rounds to 1.
    let expected = (0..<64).flatMap { y in [UInt8](repeating: (31...32).contains(y) ? 1 : 0, count: 64) }
    let isExpected = lines.resized(to: 64, fit: .pad).pixels == .eightBit(expected)
    #expect(isExpected)
  }

  @Test("A uniform image stays uniform", arguments: [1, 7, 64, 500])
  func uniform(side: Int) {
    let image = Radiograph(width: 90, height: 31, pixels: .eightBit([UInt8](repeating: 201, count: 90 * 31)))
    let resized = image.resized(to: side, fit: .stretch)
    let isUniform = resized.pixels == .eightBit([UInt8](repeating: 201, count: side * side))
    #expect(isUniform)
  }
}
