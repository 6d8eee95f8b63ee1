import CTIFF

/// The first page of a TIFF of 8 or 16 bits a sample, gray or RGB, read as gray by libtiff.
///
/// Strips and tiles, big and little ends first, BigTIFF; no compression, LZW, Deflate, PackBits or JPEG. Gray and weights
/// are those of PNG: 8 bits as Pillow's `convert("L")`, 16 bits as value / 65535. Where 0 is white the picture is made
/// dark again: 255 - value, and of 16 bits the white of as many bits as the file's largest value needs (`SampleBits`).
/// A fourth or second sample, alpha, is dropped. Turned as its orientation says.
///
/// Refused by name are other depths, signed and floating-point samples, palettes, CMYK, YCbCr, planes of their own, other
/// compressions, files that are not whole, and more than 20,000 x 20,000 or 2^28 pixels.
enum TIFF: ImageFormat {
  static let name = "TIFF"
  static let suffixes = [".tif", ".tiff"]

  /// Both orders of bytes, then both of BigTIFF.
  private static let signatures: [[UInt8]] = [
    [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B],
  ]

  static func begins(_ bytes: [UInt8]) -> Bool { signatures.contains { bytes.starts(with: $0) } }

  static func size(of file: ImageFile) throws -> ImageFile.Size {
    let header = try header(of: file)
    let (width, height) = (Int(header.width), Int(header.height))
    let swapsSides = Orientation(header.orientation).swapsSides
    return ImageFile.Size(
      width: swapsSides ? height : width, height: swapsSides ? width : height,
      bytesPerPixel: header.bit_depth == 16 ? 4 : 1)
  }

  static func decode(_ file: ImageFile) throws -> Radiograph {
    let header = try header(of: file)
    let count = Int(header.width) * Int(header.height)
    let pixels: Radiograph.Pixels =
      header.bit_depth == 16
      ? .float(try floatPixels(of: file, header, count: count))
      : .eightBit(try eightBitPixels(of: file, header, count: count))
    var stored = Radiograph(width: Int(header.width), height: Int(header.height), pixels: pixels)
    if header.bit_depth == 16 { stored.samples = .sixteenBits(significant: nil) }
    if header.inverted != 0 { stored = inverted(stored) }
    return Orientation(header.orientation).applied(to: stored)
  }

  private static func inverted(_ picture: Radiograph) -> Radiograph {
    var picture = picture
    switch picture.pixels {
    case .eightBit(let values): picture.pixels = .eightBit(values.map { 255 - $0 })
    case .float(let values):
      let white = Float(SampleBits.of(picture)?.largestValue ?? 65535) / 65535
      picture.pixels = .float(values.map { white - $0 })
    }
    return picture
  }

  // MARK: - Through libtiff

  /// Size, depth and kind, all checked.
  private static func header(of file: ImageFile) throws -> CTIFFHeader {
    var header = CTIFFHeader()
    var message = emptyMessage
    try check(ctiff_read_header(file.bytes, file.bytes.count, &header, &message), message, header, file)
    return header
  }

  private static func eightBitPixels(of file: ImageFile, _ header: CTIFFHeader, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = emptyMessage
      let status = ctiff_read_gray8(file.bytes, file.bytes.count, pixels.baseAddress, count, &message)
      try check(status, message, header, file)
      initializedCount = count
    }
  }

  private static func floatPixels(of file: ImageFile, _ header: CTIFFHeader, count: Int) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = emptyMessage
      let status = ctiff_read_gray_float(file.bytes, file.bytes.count, pixels.baseAddress, count, &message)
      try check(status, message, header, file)
      initializedCount = count
    }
  }

  /// Each status becomes an error here.
  private static func check(
    _ status: CTIFFStatus, _ message: [CChar], _ header: CTIFFHeader, _ file: ImageFile
  ) throws {
    switch status {
    case CTIFF_OK: return
    case CTIFF_TRUNCATED:
      throw file.error("expected a whole TIFF image, found one cut short after \(file.bytes.count) bytes")
    case CTIFF_TOO_LARGE:
      throw file.error(
        "expected at most \(CTIFF_MAX_SIDE) x \(CTIFF_MAX_SIDE) and \(CTIFF_MAX_PIXELS) pixels, "
          + "found \(header.width) x \(header.height)")
    case CTIFF_UNSUPPORTED:
      throw file.error(
        "expected a gray or RGB TIFF image of 8 or 16 bits a sample, not compressed or by LZW, Deflate, PackBits or "
          + "JPEG, found \(CMessage.text(message))")
    case CTIFF_NO_MEMORY: throw file.error("no memory to decode the TIFF image", kind: .inputOutput)
    default: throw file.error("expected a sound TIFF image, found damage (libtiff: \(CMessage.text(message)))")
    }
  }

  private static var emptyMessage: [CChar] { CMessage.empty(Int(CTIFF_MESSAGE_SIZE)) }
}

// MARK: - Writing

extension Radiograph {
  /// Writes a gray TIFF, not compressed, in one strip: 8-bit pixels as 8 bits, `Float` ones as 16.
  ///
  /// The file is written whole beside its place and then renamed. Throws `RadiographError` when it cannot be written.
  public func writeTIFF(to path: String) throws {
    let (bits, samples): (Int, [UInt8]) =
      switch pixels {
      case .eightBit(let values): (8, values)
      case .float(let values):
        (16, values.flatMap { value in TIFF.littleEndian(Int((min(max(0, value), 1) * 65535).rounded()), 2) })
      }
    // Short (3) and long (4) numbers by tag: width, height, bits a sample, no compression, 0 is black, where the strip is,
    // samples a pixel, rows a strip, bytes of the strip.
    let header = 8
    let entries = [
      (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, header), (277, 3, 1),
      (278, 4, height), (279, 4, samples.count),
    ]
    // A directory begins at an even place.
    let padding = samples.count % 2
    var bytes: [UInt8] = [0x49, 0x49, 0x2A, 0] + TIFF.littleEndian(header + samples.count + padding, 4) + samples
    bytes += [UInt8](repeating: 0, count: padding) + TIFF.littleEndian(entries.count, 2)
    for (tag, kind, value) in entries {
      bytes += TIFF.littleEndian(tag, 2) + TIFF.littleEndian(kind, 2) + TIFF.littleEndian(1, 4)
      bytes += TIFF.littleEndian(value, 4)
    }
    try FileBytes.save(bytes + TIFF.littleEndian(0, 4), to: path)
  }
}

extension TIFF {
  fileprivate static func littleEndian(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
