import Foundation
import Testing

@testable import Radiographs

@Suite("PNG")
struct PNGTests {
  @Test("Every colour type up to 8 bits, plain and interlaced, is read as Pillow's convert(\"L\")")
  func eightBitAsPillow() throws {
    let expected = try Fixtures.files("decode", withExtension: "gray")
    #expect(expected.count == 54)
    for file in expected {
      let image = try Radiograph(png: file.deletingPathExtension().appendingPathExtension("png").path)
      let isEqual = image.pixels == .eightBit(try Fixtures.bytes(file))
      #expect(isEqual, "\(file.lastPathComponent)")
    }
  }

  @Test("16-bit images keep their precision")
  func sixteenBit() throws {
    let expected = try Fixtures.files("decode", withExtension: "float")
    #expect(expected.count == 12)
    for file in expected {
      let image = try Radiograph(png: file.deletingPathExtension().appendingPathExtension("png").path)
      let isEqual = image.pixels == .float(try Fixtures.floats(file))
      #expect(isEqual, "\(file.lastPathComponent)")
    }
  }
}
