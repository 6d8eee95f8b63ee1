import CPNG

/// PNG of any colour type and bit depth, read as gray by libpng.
///
/// Up to 8 bits a sample the pixels are those of Pillow's `Image.open(path).convert("L")`, bit for bit: colours are
/// weighted as (R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16, gray of 1, 2 and 4 bits is stretched to 0...255, a
/// palette index beyond the palette is black. Alpha is dropped, not composited; gamma and profiles are ignored.
///
/// 16 bits a sample keep their precision: value / 65535, colours weighted alike in double. Here Pillow differs: it
/// reads 16-bit colour as 8-bit and clips 16-bit gray at 255. How many of the 16 bits a scanner used, `sBIT` may say.
///
/// Refused are files that are not whole, and more than 20,000 x 20,000 or 2^28 pixels.
enum PNG: ImageFormat {
  static let name = "PNG"
  static let suffix = ".png"
  static let suffixes = [suffix]

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func begins(_ bytes: [UInt8]) -> Bool {
    // A file cut short within the signature is a PNG cut short.
    !bytes.isEmpty && signature.starts(with: bytes.prefix(signature.count))
  }

  static func size(of file: ImageFile) throws -> ImageFile.Size {
    let header = try header(of: file)
    return ImageFile.Size(
      width: Int(header.width), height: Int(header.height), bytesPerPixel: header.bit_depth == 16 ? 4 : 1)
  }

  static func decode(_ file: ImageFile) throws -> Radiograph {
    let header = try header(of: file)
    let (width, height) = (Int(header.width), Int(header.height))
    var picture = Radiograph(
      width: width, height: height,
      pixels: header.bit_depth == 16
        ? .float(try floatPixels(of: file, count: width * height))
        : .eightBit(try eightBitPixels(of: file, count: width * height)))
    if header.bit_depth == 16 {
      picture.samples = .sixteenBits(significant: header.significant_bits == 0 ? nil : Int(header.significant_bits))
    }
    return picture
  }

  // MARK: - Through libpng

  /// Size and bit depth, both checked.
  private static func header(of file: ImageFile) throws -> CPNGHeader {
    var header = CPNGHeader()
    var message = emptyMessage
    let status = cpng_read_header(file.bytes, file.bytes.count, &header, &message)
    if status == CPNG_TOO_LARGE {
      throw file.error(
        "expected at most \(CPNG_MAX_SIDE) x \(CPNG_MAX_SIDE) and \(CPNG_MAX_PIXELS) pixels, "
          + "found \(header.width) x \(header.height)")
    }
    try check(status, message, file)
    return header
  }

  private static func eightBitPixels(of file: ImageFile, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = emptyMessage
      try check(cpng_read_gray8(file.bytes, file.bytes.count, pixels.baseAddress, count, &message), message, file)
      initializedCount = count
    }
  }

  private static func floatPixels(of file: ImageFile, count: Int) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = emptyMessage
      try check(cpng_read_gray_float(file.bytes, file.bytes.count, pixels.baseAddress, count, &message), message, file)
      initializedCount = count
    }
  }

  /// Each status becomes an error here.
  private static func check(_ status: CPNGStatus, _ message: [CChar], _ file: ImageFile) throws {
    switch status {
    case CPNG_OK: return
    case CPNG_TRUNCATED:
      throw file.error("expected a whole PNG image, found one cut short after \(file.bytes.count) bytes")
    case CPNG_NO_MEMORY: throw file.error("no memory to decode the PNG image", kind: .inputOutput)
    default: throw file.error("expected a sound PNG image, found damage (libpng: \(CMessage.text(message)))")
    }
  }

  fileprivate static var emptyMessage: [CChar] { CMessage.empty(Int(CPNG_MESSAGE_SIZE)) }
}

// MARK: - Writing

extension Radiograph {
  /// Writes an 8-bit gray PNG; `Float` pixels are rounded to the nearest of the 256 grays.
  ///
  /// The file is written whole beside its place and then renamed. Equal pixels give equal bytes under one version of
  /// zlib. Throws `RadiographError` when the file cannot be written.
  public func writePNG(to path: String) throws {
    try FileBytes.save(png(path: path), to: path)
  }

  /// The bytes that `writePNG` writes.
  ///
  /// - Parameter path: named by errors.
  public func png(path: String) throws -> [UInt8] {
    try PNG.encoded(grays, width: width, height: height, channels: 1, name: path)
  }
}

extension PNG {
  /// An 8-bit PNG of (height, width, channels) samples: gray, or red, green and blue.
  static func encoded(_ samples: [UInt8], width: Int, height: Int, channels: Int, name: String) throws -> [UInt8] {
    // Reading refuses such an image, too.
    precondition(width <= CPNG_MAX_SIDE && height <= CPNG_MAX_SIDE, "an image of \(width) x \(height) is too large")
    precondition(samples.count == width * height * channels, "\(samples.count) samples of \(width) x \(height)")
    var message = emptyMessage
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = cpng_write(samples, UInt32(width), UInt32(height), UInt32(channels), &bytes, &count, &message)
    defer { cpng_free(bytes) }
    guard status == CPNG_OK else {
      throw RadiographError(
        kind: .inputOutput, path: name, "\(name): cannot encode the image as PNG (libpng: \(CMessage.text(message))).")
    }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
