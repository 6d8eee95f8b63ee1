/// A DICOM file, element by element, in Explicit VR Little Endian.
///
///     var file = DICOMFileBuilder(columns: 4, rows: 3)
///     file.set(0x0028_0008, "IS", "12")
///     file.bytes
struct DICOMFileBuilder {
  /// Of group 2, but for its length.
  var syntax = "1.2.840.10008.1.2.1"
  private var elements: [UInt32: (representation: String, value: [UInt8])] = [:]

  /// A picture of 16 bits, of which 12 are stored, from 0 on in steps of 100.
  init(columns: Int, rows: Int) {
    set(0x0028_0002, "US", [1])
    set(0x0028_0004, "CS", "MONOCHROME2")
    set(0x0028_0010, "US", [rows])
    set(0x0028_0011, "US", [columns])
    set(0x0028_0100, "US", [16])
    set(0x0028_0101, "US", [12])
    set(0x0028_0102, "US", [11])
    set(0x0028_0103, "US", [0])
    set(0x7FE0_0010, "OW", (0..<min(columns * rows, 1000)).flatMap { Self.word($0 * 100 % 4096) })
  }

  mutating func set(_ tag: UInt32, _ representation: String, _ value: [UInt8]) {
    elements[tag] = (representation, value.count % 2 == 0 ? value : value + [representation == "UI" ? 0 : 0x20])
  }

  mutating func set(_ tag: UInt32, _ representation: String, _ text: String) {
    set(tag, representation, Array(text.utf8))
  }

  mutating func set(_ tag: UInt32, _ representation: String, _ words: [Int]) {
    set(tag, representation, words.flatMap(Self.word))
  }

  mutating func remove(_ tag: UInt32) { elements[tag] = nil }

  var bytes: [UInt8] {
    [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
      + Self.element(0x0002_0010, "UI", Array((syntax + (syntax.utf8.count % 2 == 0 ? "" : "\0")).utf8))
      + elements.sorted { $0.key < $1.key }.flatMap { Self.element($0.key, $0.value.representation, $0.value.value) }
  }

  static func element(_ tag: UInt32, _ representation: String, _ value: [UInt8]) -> [UInt8] {
    let start = word(Int(tag >> 16)) + word(Int(tag & 0xFFFF)) + Array(representation.utf8)
    let isLong = ["OB", "OW", "OF", "OD", "SQ", "UN", "UT"].contains(representation)
    return start + (isLong ? [0, 0] + word(value.count & 0xFFFF) + word(value.count >> 16) : word(value.count)) + value
  }

  static func word(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
  }
}
