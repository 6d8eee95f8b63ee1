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
      let image = try Radiograph(contentsOf: file.deletingPathExtension().appendingPathExtension("png").path)
      // Outside the macro, which would print every pixel.
      let isEqual = image.pixels == .eightBit(try Fixtures.bytes(file))
      #expect(isEqual, "\(file.lastPathComponent)")
    }
  }

  @Test("16-bit images keep their precision")
  func sixteenBit() throws {
    let expected = try Fixtures.files("decode", withExtension: "float")
    #expect(expected.count == 12)
    for file in expected {
      let image = try Radiograph(contentsOf: file.deletingPathExtension().appendingPathExtension("png").path)
      let isEqual = image.pixels == .float(try Fixtures.floats(file))
      #expect(isEqual, "\(file.lastPathComponent)")
    }
  }

  @Test("All real X-rays can be read")
  func realXRays() throws {
    guard let folder = TestData.folder else { return }
    for (set, side) in [("kermany-cxr", 224), ("nih-cxr", 256)] {
      let root = "\(folder)/\(set)"
      let files = (FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? [])
        .filter { $0.hasSuffix(".png") }
      #expect(!files.isEmpty)
      for file in files {
        let image = try Radiograph(contentsOf: "\(root)/\(file)")
        #expect(image.width == side && image.height == side, "\(file)")
      }
    }
  }

  // MARK: Writing

  @Test("A written image is read back the same, and written again in the same bytes")
  func roundTrip() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "image.png").path
      let image = Radiograph(width: 300, height: 200, pixels: .eightBit((0..<60_000).map { UInt8($0 * $0 >> 8 & 255) }))
      try image.writePNG(to: path)
      let first = try FileBytes.load(path)
      try image.writePNG(to: path)
      let isSame = try Radiograph(contentsOf: path) == image && FileBytes.load(path) == first
      #expect(isSame)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["image.png"])
    }
  }

  @Test("Floats are written as the nearest gray, clamped")
  func floatsAsGray() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "image.png").path
      let values: [Float] = [-1, 0, 0.4 / 255, 0.6 / 255, 1, 7]
      try Radiograph(width: 3, height: 2, pixels: .float(values)).writePNG(to: path)
      #expect(try Radiograph(contentsOf: path).pixels == .eightBit([0, 0, 0, 1, 255, 255]))
    }
  }

  @Test("A place that cannot be written is named, and nothing is left behind")
  func unwritable() throws {
    try withTemporaryFolder { folder in
      let image = Radiograph(width: 1, height: 1, pixels: .eightBit([7]))
      let missing = folder.appending(path: "none/image.png").path
      let error = radiographError { try image.writePNG(to: missing) }
      #expect(error?.kind == .inputOutput)
      #expect(error?.description == "\(missing): cannot write the file (No such file or directory).")

      let occupied = folder.appending(path: "folder.png")
      try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
      #expect(radiographError { try image.writePNG(to: occupied.path) }?.kind == .inputOutput)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["folder.png"])
    }
  }

  // MARK: Files that cannot be read

  @Test("A missing file is the operating system's failure")
  func missingFile() {
    let error = radiographError { _ = try Radiograph(contentsOf: "/nonexistent/a.png") }
    #expect(error?.kind == .inputOutput)
    #expect(error?.path == "/nonexistent/a.png")
    #expect(error?.description == "/nonexistent/a.png: cannot read the file (No such file or directory).")
  }

  @Test("A file without read permission is the operating system's failure", .disabled(if: geteuid() == 0, "root may"))
  func forbiddenFile() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.png").path
      #expect(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0]))
      let error = radiographError { _ = try Radiograph(contentsOf: path) }
      #expect(error?.kind == .inputOutput)
      #expect(error?.description == "\(path): cannot read the file (Permission denied).")
    }
  }

  @Test("A folder and a pipe are not images, and reading does not wait for them")
  func notAFile() throws {
    try withTemporaryFolder { folder in
      let error = radiographError { _ = try Radiograph(contentsOf: folder.path) }
      #expect(error?.kind == .badData)
      #expect(error?.description == "\(folder.path): expected an image file, found a folder.")

      let pipe = folder.appending(path: "pipe.png").path
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(
        radiographError { _ = try Radiograph(contentsOf: pipe) }?.description
          == "\(pipe): expected an image file, found a device or a pipe.")
    }
  }

  @Test(
    "Other content is named for what it is",
    arguments: [
      ([], "an empty file"),
      (Array("not an image\n".utf8), "a text file"),
      ([0, 1, 2, 3], "a file without the signature of one"),
    ] as [([UInt8], String)])
  func otherContent(bytes: [UInt8], content: String) {
    let error = radiographError { _ = try Radiograph(bytes: bytes, path: "a.png") }
    #expect(error?.kind == .badData)
    #expect(error?.description == "a.png: expected a \(ImageFile.names) image, found \(content).")
  }

  @Test(
    "A header that claims too many pixels is refused at once",
    arguments: [(100_000, 100_000), (20_001, 1), (1, 20_001), (16_385, 16_384), (0x7FFF_FFFF, 0x7FFF_FFFF)])
  func tooLarge(width: UInt32, height: UInt32) {
    let bytes =
      PNGFileBuilder.signature + PNGFileBuilder.header(width: width, height: height, bitDepth: 16, colourType: 6)
      + PNGFileBuilder.chunk("IDAT", [0x78, 0x9C])
    let time = ContinuousClock().measure {
      #expect(
        radiographError { _ = try Radiograph(bytes: bytes, path: "a.png") }?.description
          == "a.png: expected at most 20000 x 20000 and 268435456 pixels, found \(width) x \(height).")
    }
    #expect(time < .seconds(1))
  }

  @Test("A header that claims more pixels than the file could hold is refused before they get memory")
  func emptyPromise() {
    let bytes =
      PNGFileBuilder.signature + PNGFileBuilder.header(width: 16_384, height: 16_384)
      + PNGFileBuilder.chunk("IDAT", [0x78, 0x9C]) + PNGFileBuilder.chunk("IEND")
    #expect(
      radiographError { _ = try Radiograph(bytes: bytes, path: "a.png") }?.description
        == "a.png: expected a whole PNG image, found one cut short after \(bytes.count) bytes.")
  }

  // MARK: Damage

  @Test(
    "An image cut short anywhere is refused", arguments: ["rgb8-23x17", "gray16-23x17-adam7", "palette4-trns-11x6"])
  func truncated(name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("decode").appending(path: "\(name).png"))
    for count in 0..<bytes.count {
      let error = radiographError { _ = try Radiograph(bytes: Array(bytes[..<count]), path: "a.png") }
      #expect(error?.kind == .badData, "\(count) of \(bytes.count) bytes")
      if count > 0 {
        #expect(
          error?.description == "a.png: expected a whole PNG image, found one cut short after \(count) bytes.")
      }
    }
  }

  @Test("A wrong checksum of the pixels, even of the last chunk of them, is refused")
  func wrongChecksum() throws {
    var bytes = try Fixtures.bytes(Fixtures.folder("decode").appending(path: "rgb8-23x17.png"))
    let end = PNGFileBuilder.chunk("IEND").count
    bytes[bytes.count - end - 1] ^= 1
    #expect(
      radiographError { _ = try Radiograph(bytes: bytes, path: "a.png") }?.description
        == "a.png: expected a sound PNG image, found damage (libpng: IDAT: CRC error).")
  }

  @Test("Broken comments and whatever follows the image do no harm")
  func harmlessDamage() throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("decode").appending(path: "rgb8-23x17.png"))
    let afterHeader = PNGFileBuilder.signature.count + PNGFileBuilder.header(width: 1, height: 1).count
    var comment = PNGFileBuilder.chunk("tEXt", [1, 2, 3])
    comment[comment.count - 1] ^= 1
    let profile = PNGFileBuilder.chunk("iCCP", [UInt8](repeating: 255, count: 50))
    let changed = bytes[..<afterHeader] + comment + profile + bytes[afterHeader...] + Array("trailer".utf8)
    let isSame =
      try Radiograph(bytes: Array(changed), path: "a.png") == Radiograph(bytes: bytes, path: "a.png")
    #expect(isSame)
  }

  @Test("Random damage gives an error or an image, never a crash", arguments: [false, true])
  func randomDamage(checksumsMadeRight: Bool) throws {
    var random = SplitMix(state: 20_100_985)
    for file in try Fixtures.files("decode", withExtension: "png") {
      let whole = try Fixtures.bytes(file)
      for _ in 0..<40 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          // Half of them in the chunks that say how to read the rest.
          let end = Bool.random(using: &random) ? min(64, bytes.count) : bytes.count
          bytes[Int.random(in: 0..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if checksumsMadeRight { bytes = PNGFileBuilder.withRightChecksums(bytes) }
        do {
          let image = try Radiograph(bytes: bytes, path: "a.png")
          #expect(image.pixels.count == image.width * image.height)
        } catch let error as RadiographError {
          #expect(error.kind == .badData && error.description.hasPrefix("a.png: expected "))
        }
      }
    }
  }
}
