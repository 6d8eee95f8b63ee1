import CPNG

extension Radiograph {
  /// Reads a PNG of any colour type and bit depth as gray.
  ///
  /// Up to 8 bits a sample the pixels are those of Pillow's `Image.open(path).convert("L")`, bit for bit: colours are
  /// weighted as (R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16, gray of 1, 2 and 4 bits is stretched to 0...255, a
  /// palette index beyond the palette is black. Alpha is dropped, not composited; gamma and profiles are ignored.
  ///
  /// 16 bits a sample keep their precision: value / 65535, colours weighted alike in double. Here Pillow differs: it
  /// reads 16-bit colour as 8-bit and clips 16-bit gray at 255.
  ///
  /// Throws `RadiographError`: `inputOutput` when the file cannot be read, `badData` when it is not a whole PNG of at
  /// most 20,000 x 20,000 and 2^28 pixels.
  public init(png path: String) throws {
    try self.init(pngBytes: FileBytes.load(path), path: path)
  }

  /// Reads a PNG from the bytes of its file, as `init(png:)` does.
  ///
  /// - Parameter path: named by errors.
  public init(pngBytes: [UInt8], path: String) throws {
    let file = PNGFile(path: path, bytes: pngBytes)
    let header = try file.header()
    let width = Int(header.width)
    let height = Int(header.height)
    let pixels: Pixels =
      header.bit_depth == 16
      ? .float(try file.floatPixels(count: width * height))
      : .eightBit(try file.eightBitPixels(count: width * height))
    self.init(width: width, height: height, pixels: pixels)
  }

  /// How large a PNG is: pixels, bytes that each takes when decoded, and bytes of the file.
  ///
  /// Throws `RadiographError` as `init(png:)` does, as far as the header goes.
  public static func size(
    ofPNG path: String
  ) throws -> (width: Int, height: Int, bytesPerPixel: Int, fileBytes: Int) {
    let bytes = try FileBytes.load(path)
    let header = try PNGFile(path: path, bytes: bytes).header()
    return (Int(header.width), Int(header.height), header.bit_depth == 16 ? 4 : 1, bytes.count)
  }

  /// Writes an 8-bit gray PNG; `Float` pixels are rounded to the nearest of the 256 grays.
  ///
  /// The file is written whole beside its place and then renamed. Equal pixels give equal bytes under one version of
  /// zlib. Throws `RadiographError` when the file cannot be written.
  public func writePNG(to path: String) throws {
    try FileBytes.save(encoded(path: path), to: path)
  }

  private func encoded(path: String) throws -> [UInt8] {
    // Reading refuses such an image, too.
    precondition(width <= CPNG_MAX_SIDE && height <= CPNG_MAX_SIDE, "an image of \(width) x \(height) is too large")
    let gray: [UInt8] =
      switch pixels {
      case .eightBit(let values): values
      case .float(let values): values.map { UInt8((min(max(0, $0), 1) * 255).rounded()) }
      }
    var message = PNGFile.emptyMessage
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = cpng_write_gray8(gray, UInt32(width), UInt32(height), &bytes, &count, &message)
    defer { cpng_free(bytes) }
    guard status == CPNG_OK else {
      throw RadiographError(
        kind: .inputOutput, path: path, "\(path): cannot encode the image as PNG (libpng: \(PNGFile.text(message))).")
    }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}

/// A file's bytes on their way through libpng: each status becomes an error here.
private struct PNGFile {
  let path: String
  let bytes: [UInt8]

  /// Size and bit depth, both checked.
  func header() throws -> CPNGHeader {
    var header = CPNGHeader()
    var message = Self.emptyMessage
    let status = cpng_read_header(bytes, bytes.count, &header, &message)
    if status == CPNG_TOO_LARGE {
      throw error(
        "expected at most \(CPNG_MAX_SIDE) x \(CPNG_MAX_SIDE) and \(CPNG_MAX_PIXELS) pixels, "
          + "found \(header.width) x \(header.height)")
    }
    try check(status, message)
    return header
  }

  func eightBitPixels(count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = Self.emptyMessage
      try check(cpng_read_gray8(bytes, bytes.count, pixels.baseAddress, count, &message), message)
      initializedCount = count
    }
  }

  func floatPixels(count: Int) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = Self.emptyMessage
      try check(cpng_read_gray_float(bytes, bytes.count, pixels.baseAddress, count, &message), message)
      initializedCount = count
    }
  }

  private func check(_ status: CPNGStatus, _ message: [CChar]) throws {
    switch status {
    case CPNG_OK: return
    case CPNG_NOT_PNG: throw error("expected a PNG image, found \(content)")
    case CPNG_TRUNCATED: throw error("expected a whole PNG image, found one cut short after \(bytes.count) bytes")
    case CPNG_NO_MEMORY: throw error("no memory to decode the PNG image", kind: .inputOutput)
    default: throw error("expected a sound PNG image, found damage (libpng: \(Self.text(message)))")
    }
  }

  private func error(_ sentence: String, kind: RadiographError.Kind = .badData) -> RadiographError {
    RadiographError(kind: kind, path: path, "\(path): \(sentence).")
  }

  /// What a file is that is not a PNG, as far as its first bytes tell.
  private var content: String {
    if bytes.isEmpty { return "an empty file" }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "a JPEG image" }
    if bytes.dropFirst(128).starts(with: "DICM".utf8) { return "a DICOM file" }
    let isText = bytes.prefix(64).allSatisfy { (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }
    return isText ? "a text file" : "a file without the PNG signature"
  }

  static var emptyMessage: [CChar] { [CChar](repeating: 0, count: Int(CPNG_MESSAGE_SIZE)) }

  static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
