/// What the header of compressed pixels says, which is compared with the data set before a decoder sees them: decoders
/// allocate and write by what it says.
struct DICOMCodestream {
  var columns: Int
  var rows: Int
  var components: Int
  /// Bits of a sample.
  var precision: Int
  /// JPEG 2000 alone tells whether samples are signed.
  var isSigned = false

  // MARK: JPEG, JPEG-LS

  /// - Parameter frames: the markers that may begin a frame: sequential, lossless, JPEG-LS.
  static func jpeg(_ bytes: [UInt8], _ place: Range<Int>, frames: Set<UInt8>) throws(DICOMFault) -> DICOMCodestream {
    let reader = DICOMElements(bytes: bytes)
    func word(_ at: Int) throws(DICOMFault) -> Int {
      guard at + 2 <= place.upperBound else { throw .endsEarly(needs: bytes.count + 1) }
      return try reader.word(at, .explicitBigEndian)
    }
    guard try word(place.lowerBound) == 0xFFD8 else { throw .damaged("compressed pixels that do not begin as JPEG") }
    var at = place.lowerBound + 2
    while true {
      let marker = try word(at)
      guard marker >> 8 == 0xFF else { throw .damaged("no marker in JPEG pixels where one must be") }
      let kind = UInt8(marker & 0xFF)
      if kind == 0xFF {  // a fill byte
        at += 1
        continue
      }
      let length = try word(at + 2)
      if frames.contains(kind) {
        guard try word(at + 8) >= 0, length >= 9 else { throw .damaged("a JPEG frame header of \(length) bytes") }
        return DICOMCodestream(
          columns: try word(at + 7), rows: try word(at + 5), components: Int(bytes[at + 9]),
          precision: Int(bytes[at + 4]))
      }
      // Other frames, and the first scan.
      guard !((0xC0...0xCF).contains(kind) && ![0xC4, 0xC8, 0xCC].contains(kind)), kind != 0xF7, kind != 0xDA,
        kind != 0xD9, length >= 2
      else { throw .damaged("JPEG pixels of a kind that the transfer syntax does not name (marker FF\(hex(kind)))") }
      at += 2 + length
    }
  }

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) }

  // MARK: JPEG 2000

  /// A tile takes as many bytes at least: its header and the mark of its data.
  private static let bytesPerTile = 14

  static func jpeg2000(_ bytes: [UInt8], _ place: Range<Int>) throws(DICOMFault) -> DICOMCodestream {
    // The start, and the size, which comes first:
    // FF4F FF51 length capabilities X Y X0 Y0 tileX tileY tileX0 tileY0 components.
    guard place.count >= 45 else { throw .endsEarly(needs: bytes.count + 1) }
    let reader = DICOMElements(bytes: bytes)
    let at = place.lowerBound
    guard try reader.longWord(at, .explicitBigEndian) == 0xFF4F_FF51 else {
      throw .damaged("compressed pixels that do not begin as a JPEG 2000 codestream")
    }
    var numbers: [Int] = []
    for index in 0..<8 { numbers.append(try reader.longWord(at + 8 + 4 * index, .explicitBigEndian)) }
    let columns = numbers[0] - numbers[2]
    let rows = numbers[1] - numbers[3]
    let (tileColumns, tileRows) = (numbers[4], numbers[5])
    guard columns > 0, rows > 0, tileColumns > 0, tileRows > 0, numbers[6] <= numbers[2], numbers[7] <= numbers[3]
    else {
      throw .damaged("JPEG 2000 pixels of \(columns) x \(rows) in tiles of \(tileColumns) x \(tileRows)")
    }
    let across = (numbers[0] - numbers[6] + tileColumns - 1) / tileColumns
    let down = (numbers[1] - numbers[7] + tileRows - 1) / tileRows
    // OpenJPEG allocates for each tile that a header announces.
    guard across * down <= max(1, place.count / bytesPerTile) else { throw .endsEarly(needs: bytes.count + 1) }
    let depth = bytes[at + 42]
    guard bytes[at + 43] == 1, bytes[at + 44] == 1 else { throw .damaged("JPEG 2000 pixels that are subsampled") }
    return DICOMCodestream(
      columns: columns, rows: rows, components: try reader.word(at + 40, .explicitBigEndian),
      precision: Int(depth & 0x7F) + 1, isSigned: depth & 0x80 != 0)
  }
}
