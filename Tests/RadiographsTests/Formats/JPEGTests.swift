import Foundation
import Testing

@testable import Radiographs

@Suite("JPEG")
struct JPEGTests {
  @Test("Baseline and progressive, gray and colours, in EXIF's eight orientations: read as Pillow's convert(\"L\")")
  func asPillow() throws {
    let expected = try Fixtures.files("jpeg", withExtension: "gray")
    #expect(expected.count == 33)
    for file in expected {
      let path = file.deletingPathExtension().appendingPathExtension("jpg").path
      let image = try Radiograph(contentsOf: path)
      let difference = largestDifference(image.pixels, .eightBit(try Fixtures.bytes(file)))
      // Another version of libjpeg may upsample colours a little differently.
      #expect(difference <= 1, "\(file.lastPathComponent)")
      let size = try ImageFile(path).size()
      #expect(size == ImageFile.Size(width: image.width, height: image.height, bytesPerPixel: 1))
      let turned = file.lastPathComponent.contains("turned")
      if turned {
        let swaps = ["5", "6", "7", "8"].contains { file.lastPathComponent.contains("turned\($0)-") }
        #expect(image.width == (swaps ? 14 : 21), "\(file.lastPathComponent)")
      }
    }
  }

  @Test("Resized, it is within one gray level of what Pillow resizes")
  func resized() throws {
    let expected = try Fixtures.files("jpeg", withExtension: "png")
    #expect(expected.count == 6)
    for file in expected {
      // NAME-WIDTHxHEIGHT-FIT-SIDE
      let parts = file.deletingPathExtension().lastPathComponent.split(separator: "-")
      let source = file.deletingLastPathComponent().appending(path: "\(parts[0])-\(parts[1]).jpg")
      let (fit, side) = try (#require(Fit(rawValue: String(parts[2]))), #require(Int(parts[3])))
      let image = try Radiograph(contentsOf: source.path).resized(to: side, fit: fit)
      let difference = largestDifference(image.pixels, try Radiograph(contentsOf: file.path).pixels)
      #expect(difference <= 1, "\(file.lastPathComponent)")
    }
  }

  @Test(
    "What is not read is refused by name",
    arguments: [
      ("cmyk", "expected a gray or RGB JPEG image, found CMYK or YCCK"),
      ("ycck", "expected a gray or RGB JPEG image, found CMYK or YCCK"),
      ("12-bit", "expected a JPEG image of 8 bits a sample, found 12 bits: save it as 16-bit PNG or TIFF"),
      ("lossless", "expected a baseline or progressive JPEG image, found a lossless or hierarchical one"),
      ("hierarchical", "expected a baseline or progressive JPEG image, found a lossless or hierarchical one"),
      (
        "arithmetic-gray",
        "expected a JPEG image in Huffman's coding, found arithmetic coding: jpegtran recodes it without loss"
      ),
      (
        "arithmetic-rgb420-progressive",
        "expected a JPEG image in Huffman's coding, found arithmetic coding: jpegtran recodes it without loss"
      ),
    ])
  func refused(name: String, sentence: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("jpeg/refused").appending(path: "\(name).jpg"))
    let file = try ImageFile(bytes: bytes, path: "a.jpg")
    #expect(radiographError { _ = try file.size() }?.description == "a.jpg: \(sentence).")
    let error = radiographError { _ = try file.radiograph() }
    #expect(error?.kind == .badData && error?.description == "a.jpg: \(sentence).")
  }

  @Test(
    "An image cut short anywhere is refused",
    arguments: [
      "gray-45x37", "gray-progressive-45x37", "rgb420-progressive-45x37", "gray-restarts-45x37", "rgb422-45x37",
    ])
  func truncated(name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("jpeg").appending(path: "\(name).jpg"))
    for count in 1..<bytes.count {
      let error = radiographError { _ = try Radiograph(bytes: Array(bytes[..<count]), path: "a.jpg") }
      #expect(error?.description == "a.jpg: expected a whole JPEG image, found one cut short after \(count) bytes.")
    }
  }

  @Test("What libjpeg only warns of is refused, and said")
  func warnings() throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("jpeg").appending(path: "gray-45x37.jpg"))
    // Zeros in place of the last codes.
    let damaged = Array(bytes.dropLast(40)) + [UInt8](repeating: 0, count: 38) + bytes.suffix(2)
    let error = radiographError { _ = try Radiograph(bytes: damaged, path: "a.jpg") }
    #expect(error?.kind == .badData)
    #expect(error?.description.hasPrefix("a.jpg: expected a sound JPEG image, found damage (libjpeg: ") == true)
    // The end of the image in the middle of its codes.
    let ended = Array(bytes.dropLast(60)) + bytes.suffix(2)
    #expect(
      radiographError { _ = try Radiograph(bytes: ended, path: "a.jpg") }?.description
        == "a.jpg: expected a sound JPEG image, found damage (libjpeg: Corrupt JPEG data: premature end of data segment)."
    )
  }

  @Test("What follows the image does no harm")
  func trailer() throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("jpeg").appending(path: "rgb420-45x37.jpg"))
    let isSame =
      try Radiograph(bytes: bytes + Array("trailer".utf8), path: "a") == Radiograph(bytes: bytes, path: "a")
    #expect(isSame)
  }

  @Test(
    "A header that claims too many pixels, or more than the file could hold, is refused before they get memory",
    arguments: [
      (65_000, 65_000, "expected at most 20000 x 20000 and 268435456 pixels, found 65000 x 65000"),
      (20_001, 1, "expected at most 20000 x 20000 and 268435456 pixels, found 20001 x 1"),
      (16_385, 16_384, "expected at most 20000 x 20000 and 268435456 pixels, found 16385 x 16384"),
      (16_384, 16_384, "expected a whole JPEG image, found one cut short after"),
    ])
  func tooLarge(width: Int, height: Int, sentence: String) throws {
    for name in ["gray-45x37", "rgb420-progressive-45x37"] {
      var bytes = try Fixtures.bytes(Fixtures.folder("jpeg").appending(path: "\(name).jpg"))
      let frame = try #require(
        bytes.indices.first { bytes[$0] == 0xFF && [0xC0, 0xC2].contains(bytes[min($0 + 1, bytes.count - 1)]) })
      bytes.replaceSubrange(
        frame + 5..<frame + 9, with: [height >> 8, height & 255, width >> 8, width & 255].map { UInt8($0) })
      let error = radiographError { _ = try Radiograph(bytes: bytes, path: "a.jpg") }
      #expect(error?.description.hasPrefix("a.jpg: \(sentence)") == true, "\(error?.description ?? "read")")
    }
  }

  @Test("A progressive image of more scans than any encoder makes is refused")
  func scans() throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("jpeg").appending(path: "gray-progressive-45x37.jpg"))
    // The last scan, over and over.
    let last = try #require(bytes.indices.dropLast().last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
    let scan = bytes[last..<(bytes.count - 2)]
    let many = Array(bytes[..<last]) + (0..<120).flatMap { _ in scan } + bytes.suffix(2)
    let error = radiographError { _ = try Radiograph(bytes: many, path: "a.jpg") }
    #expect(error?.kind == .badData)
    // A repeated refinement is inconsistent, too: whichever is seen first.
    let sentences = ["expected a JPEG image of at most 100 scans, found more", "found damage"]
    #expect(sentences.contains { error?.description.contains($0) == true })
  }

  @Test("A written image is read back nearly the same")
  func written() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "image.jpg").path
      let pixels = (0..<43).flatMap { (y: Int) -> [UInt8] in (0..<61).map { (x: Int) -> UInt8 in UInt8(5 * y + x / 2) }
      }
      let image = Radiograph(width: 61, height: 43, pixels: .eightBit(pixels))
      try image.writeJPEG(to: path, quality: 95)
      #expect(largestDifference(try Radiograph(contentsOf: path).pixels, image.pixels) <= 4)
      let missing = folder.appending(path: "none/image.jpg").path
      #expect(radiographError { try image.writeJPEG(to: missing) }?.kind == .inputOutput)
    }
  }

  @Test("Random damage gives an error or an image, never a crash")
  func randomDamage() throws {
    var random = SplitMix(state: 2_010_098_56)
    for file in try Fixtures.files("jpeg", withExtension: "jpg") + Fixtures.files("jpeg/refused", withExtension: "jpg")
    {
      try damage(file, times: 60, &random)
    }
  }
}

/// The largest difference of two pictures' 8-bit pixels; 256 where they have different sizes or kinds.
func largestDifference(_ a: Radiograph.Pixels, _ b: Radiograph.Pixels) -> Int {
  guard case .eightBit(let a) = a, case .eightBit(let b) = b, a.count == b.count else { return 256 }
  return zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// Reads a file with a few bytes changed: a picture or an error of it, never a crash.
func damage(_ file: URL, times: Int, _ random: inout SplitMix) throws {
  let whole = try Fixtures.bytes(file)
  for _ in 0..<times {
    var bytes = whole
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    do {
      let image = try Radiograph(bytes: bytes, path: "a")
      #expect(image.pixels.count == image.width * image.height)
    } catch let error as RadiographError {
      #expect(error.kind == .badData && error.description.hasPrefix("a: expected "))
    }
  }
}
