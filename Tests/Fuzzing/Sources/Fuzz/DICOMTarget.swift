import Foundation

@testable import Radiographs

extension Target {
  /// The bytes of a DICOM file, and as compressed pixels in a file that says of them what they say themselves: most trials
  /// would never come to a decoder.
  static let dicom = Target(
    name: "dicom",
    seeds: dicomSeeds,
    run: { bytes, folder in
      readDICOM(bytes)
      if let file = wrapped(bytes) { readDICOM(file) }
    })

  private static func readDICOM(_ bytes: [UInt8]) {
    guard let file = try? ImageFile(bytes: bytes, path: "image.dcm") else { return }
    _ = try? file.tags()
    guard let size = try? file.size() else { return }
    let pixels = size.width * size.height
    // A black picture of any size is small, compressed.
    guard pixels <= 1 << 18, let image = try? file.radiograph() else { return }
    precondition(image.width == size.width && image.height == size.height, "\(size) became \(image.width) pixels wide")
    if case .float(let values) = image.pixels { precondition(values.allSatisfy { (0...1).contains($0) }) }
  }

  // MARK: Compressed pixels

  private static let syntaxes = ["5", "4.50", "4.57", "4.80", "4.90"]

  /// A file around all bytes but the first, which chooses how they are compressed.
  private static func wrapped(_ bytes: [UInt8]) -> [UInt8]? {
    guard let first = bytes.first else { return nil }
    let kind = Int(first) % syntaxes.count
    let place = 1..<bytes.count
    let header: DICOMCodestream? =
      switch kind {
      case 0: DICOMCodestream(columns: 32, rows: 40, components: 1, precision: first & 0x80 == 0 ? 8 : 16)
      case 1, 2: try? DICOMCodestream.jpeg(bytes, place, frames: [0xC0, 0xC1, 0xC3])
      case 3: try? DICOMCodestream.jpeg(bytes, place, frames: [0xF7])
      default: try? DICOMCodestream.jpeg2000(bytes, place)
      }
    guard let header, (1...16).contains(header.precision) else { return nil }
    let allocated = header.precision <= 8 ? 8 : 16
    var file = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
    file += element(0x0002, 0x0010, "UI", Array("1.2.840.10008.1.2.\(syntaxes[kind])".utf8))
    for (number, value) in [
      (0x0010, header.rows), (0x0011, header.columns), (0x0100, allocated), (0x0101, header.precision),
      (0x0102, header.precision - 1),
    ] {
      file += element(0x0028, number, "US", word(value))
    }
    let pixels = bytes[place]
    file += word(0x7FE0) + word(0x0010) + Array("OB".utf8) + [0, 0, 255, 255, 255, 255]
    file += item(0xE000, 0)
    file += item(0xE000, pixels.count) + pixels
    return file + item(0xE0DD, 0)
  }

  private static func element(_ group: Int, _ number: Int, _ representation: String, _ value: [UInt8]) -> [UInt8] {
    let value = value.count % 2 == 0 ? value : value + [0]
    return word(group) + word(number) + Array(representation.utf8) + word(value.count) + value
  }

  private static func item(_ number: Int, _ length: Int) -> [UInt8] {
    word(0xFFFE) + word(number) + word(length & 0xFFFF) + word(length >> 16)
  }

  private static func word(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
  }

  // MARK: Seeds

  /// The test's files, and the compressed pixels of those that have such.
  @Sendable private static func dicomSeeds() throws -> [String: [UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../RadiographsTests/Fixtures/dicom").standardized
    var seeds: [String: [UInt8]] = [:]
    for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
      guard file.pathExtension != "safetensors" else { continue }
      let bytes = [UInt8](try Data(contentsOf: file))
      seeds[file.lastPathComponent] = bytes
      let name = file.lastPathComponent
      guard let kind = ["rle", "jpeg5", "jpeg7", "jpegls", "jpeg2000"].firstIndex(where: { name.hasPrefix($0) }),
        let pixels = try DICOMDataSet(bytes, isWhole: true).pixels
      else { continue }
      // Behind the table of offsets and the fragment's header.
      let table = Int(bytes[pixels.start + 4])
      let first = UInt8(kind == 0 && !name.hasSuffix("8bit.dcm") ? 130 : kind)
      seeds[name + ".pixels"] = [first] + bytes[(pixels.start + 16 + table)...].dropLast(8)
    }
    return seeds
  }
}
