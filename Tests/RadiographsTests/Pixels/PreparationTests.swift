import Foundation
import Testing

@testable import Radiographs

@Suite("Preparation")
struct PreparationTests {
  @Test("A border is covered on all four sides, rounded down, and the inner pixels stay")
  func border() {
    let image = Radiograph(width: 5, height: 4, pixels: .eightBit([UInt8](1...20)))
    #expect(image.covered(0.19) == image)
    #expect(
      image.covered(0.2).pixels
        == .eightBit([0, 2, 3, 4, 0, 0, 7, 8, 9, 0, 0, 12, 13, 14, 0, 0, 17, 18, 19, 0]))
    #expect(image.covered(0.25).pixels == .eightBit([0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 12, 13, 14, 0, 0, 0, 0, 0, 0]))
    let floats = Radiograph(width: 4, height: 1, pixels: .float([1, 0.5, 0.25, 1]))
    #expect(floats.covered(0.25).pixels == .float([0, 0.5, 0.25, 0]))
  }

  @Test("The picture's border is covered, not that of the padding around it")
  func beforePadding() {
    let image = Radiograph(width: 40, height: 20, pixels: .eightBit([UInt8](repeating: 255, count: 800)))
    let prepared = Preparation(side: 40, fit: .pad, borderMask: 0.1)(image)
    guard case .eightBit(let values) = prepared.pixels else {
      Issue.record("no bytes")
      return
    }
    // Rows 10...29 hold the picture, 2 of them covered above and below, 4 columns at each side.
    let white = values.indices.filter { values[$0] == 255 }
    #expect(white == (12..<28).flatMap { y in (4..<36).map { 40 * y + $0 } })
    #expect(values.allSatisfy { $0 == 0 || $0 == 255 })
  }

  @Test("With nothing to cover and no range it is the resizing alone", arguments: Fit.allCases)
  func plain(fit: Fit) throws {
    for name in ["gray8-23x17", "gray16-23x17"] {
      let image = try Radiograph(contentsOf: Fixtures.folder("decode").appending(path: "\(name).png").path)
      for range in [nil, 65_535] {
        #expect(Preparation(side: 16, fit: fit, greyRange: range)(image) == image.resized(to: 16, fit: fit))
      }
    }
  }

  @Test("What is brighter than the range is white")
  func brighter() {
    var image = Radiograph(width: 2, height: 1, pixels: .float([2000 / 65535, 5000 / 65535]))
    image.samples = .sixteenBits(significant: nil)
    guard case .float(let values) = image.withWhite(at: 4000).pixels else {
      Issue.record("no floats")
      return
    }
    #expect(abs(values[0] - 0.5) < 1e-6 && values[1] == 1)
  }
}
