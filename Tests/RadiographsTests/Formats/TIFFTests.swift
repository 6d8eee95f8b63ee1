import Foundation
import Testing

@testable import Radiographs

@Suite("TIFF")
struct TIFFTests {
  @Test("8 bits, in strips and tiles and any usual compression, are the gray of Pillow")
  func eightBits() throws {
    let expected = try Fixtures.files("tiff", withExtension: "gray")
    #expect(expected.count == 25)
    for file in expected {
      let image = try Radiograph(contentsOf: file.deletingPathExtension().appendingPathExtension("tif").path)
      let difference = largestDifference(image.pixels, .eightBit(try Fixtures.bytes(file)))
      // Only JPEG's decoders differ.
      #expect(difference <= (file.lastPathComponent.contains("jpeg") ? 1 : 0), "\(file.lastPathComponent)")
      #expect(image.samples == .known)
    }
  }

  @Test("16 bits keep their precision")
  func sixteenBits() throws {
    let expected = try Fixtures.files("tiff", withExtension: "float")
    #expect(expected.count == 12)
    for file in expected {
      let path = file.deletingPathExtension().appendingPathExtension("tif").path
      let image = try Radiograph(contentsOf: path)
      let values = try Fixtures.floats(file)
      guard case .float(let pixels) = image.pixels, pixels.count == values.count else {
        Issue.record("\(file.lastPathComponent) has other pixels")
        continue
      }
      // Where 0 is white there is one subtraction more.
      let difference = zip(pixels, values).map { abs($0 - $1) }.max() ?? 1
      #expect(difference <= (file.lastPathComponent.contains("white") ? 1e-7 : 0), "\(file.lastPathComponent)")
      #expect(image.samples == .sixteenBits(significant: nil))
      #expect(try ImageFile(path).size().bytesPerPixel == 4)
    }
  }

  @Test("A turned page has its sides swapped", arguments: [(3, 45), (6, 37), (8, 37)])
  func turned(orientation: Int, width: Int) throws {
    let path = try Fixtures.folder("tiff").appending(path: "turned\(orientation).tif").path
    #expect(try ImageFile(path).size().width == width && Radiograph(contentsOf: path).width == width)
  }

  @Test(
    "What is not read is refused by name",
    arguments: [
      ("palette", "a palette"), ("cmyk", "CMYK colours"), ("lab", "Lab colours"), ("ycbcr", "YCbCr colours"),
      ("bilevel", "1 bits a sample"), ("float", "floating-point samples"), ("signed", "samples with a sign"),
      ("lzma", "compression 34925"), ("planes", "colours in planes of their own"),
    ])
  func refused(name: String, found: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("tiff/refused").appending(path: "\(name).tif"))
    let error = radiographError { _ = try Radiograph(bytes: bytes, path: "a.tif") }
    #expect(error?.kind == .badData)
    #expect(
      error?.description
        == "a.tif: expected a gray or RGB TIFF image of 8 or 16 bits a sample, not compressed or by LZW, Deflate, PackBits "
        + "or JPEG, found \(found).")
  }

  @Test(
    "An image cut short is refused, or has lost nothing of its pixels",
    arguments: [
      "gray8", "gray16-deflate", "rgb8-tiles-lzw", "gray8-jpeg", "gray8-big", "gray8-packbits", "gray16-strips",
    ])
  func truncated(name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("tiff").appending(path: "\(name).tif"))
    let whole = try Radiograph(bytes: bytes, path: "a.tif")
    var refused = 0
    for count in 0..<bytes.count {
      do {
        let image = try Radiograph(bytes: Array(bytes[..<count]), path: "a.tif")
        let isSame = image == whole
        #expect(isSame, "\(count) of \(bytes.count) bytes")
      } catch let error as RadiographError {
        #expect(error.kind == .badData)
        refused += 1
      }
    }
    #expect(refused > bytes.count * 3 / 4)
  }

  @Test("Pixels that the file does not have are missed")
  func cutShort() throws {
    // Written by Pillow, whose directory comes first.
    let bytes = try Fixtures.bytes(Fixtures.folder("tiff").appending(path: "gray8.tif"))
    let error = radiographError { _ = try Radiograph(bytes: Array(bytes.dropLast(100)), path: "a.tif") }
    #expect(
      error?.description == "a.tif: expected a whole TIFF image, found one cut short after \(bytes.count - 100) bytes.")
  }

  @Test(
    "A directory that claims too many pixels, or more than the file could hold, is refused before they get memory",
    arguments: [
      (100_000, 100_000, "expected at most 20000 x 20000 and 268435456 pixels, found 100000 x 100000"),
      (16_384, 16_384, "expected a whole TIFF image, found one cut short after"),
    ])
  func tooLarge(width: Int, height: Int, sentence: String) throws {
    var bytes = try Fixtures.bytes(Fixtures.folder("tiff").appending(path: "gray8-lzw.tif"))
    func number(_ place: Int, _ size: Int) -> Int { (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    let directory = number(4, 4)
    for entry in 0..<number(directory, 2) {
      let place = directory + 2 + 12 * entry
      let tag = number(place, 2)
      guard [256, 257].contains(tag) else { continue }
      // A number of 32 bits.
      let value = tag == 256 ? width : height
      bytes.replaceSubrange(place + 2..<place + 4, with: [4, 0])
      bytes.replaceSubrange(place + 8..<place + 12, with: (0..<4).map { UInt8(value >> (8 * $0) & 255) })
    }
    let error = radiographError { _ = try Radiograph(bytes: bytes, path: "a.tif") }
    #expect(error?.description.hasPrefix("a.tif: \(sentence)") == true, "\(error?.description ?? "read")")
  }

  @Test("A written image is read back the same, of 8 and of 16 bits")
  func written() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "image.tif").path
      let eight = Radiograph(width: 31, height: 7, pixels: .eightBit([UInt8](0..<217)))
      try eight.writeTIFF(to: path)
      #expect(try Radiograph(contentsOf: path) == eight)
      let values = (0..<217).map { (index: Int) -> Float in Float(300 * index) / 65535 }
      let sixteen = Radiograph(width: 31, height: 7, pixels: .float(values))
      try sixteen.writeTIFF(to: path)
      #expect(try Radiograph(contentsOf: path).pixels == sixteen.pixels)
    }
  }

  @Test("Random damage gives an error or an image, never a crash")
  func randomDamage() throws {
    var random = SplitMix(state: 2_010_098_56)
    for file in try Fixtures.files("tiff", withExtension: "tif") + Fixtures.files("tiff/refused", withExtension: "tif")
    {
      try damage(file, times: 60, &random)
    }
  }
}
