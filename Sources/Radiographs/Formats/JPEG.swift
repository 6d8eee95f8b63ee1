import CJPEG

/// JPEG of 8 bits a sample, gray or of three colours, baseline or progressive, read as gray by libjpeg-turbo.
///
/// The pixels are those of Pillow's `ImageOps.exif_transpose(Image.open(path)).convert("L")`: decoded by the accurate
/// integer transform, colours upsampled smoothly, made RGB and then gray by PNG's weights, turned as EXIF's orientation
/// says. Always decoded at full size: libjpeg's own half size, resized to 256, was up to 5 gray levels off on 1024 x 1024
/// X-rays, its quarter size up to 17.
///
/// Refused are files that are not whole, anything that libjpeg warns of, 12 bits a sample, arithmetic coding, lossless
/// and hierarchical ones, CMYK and YCCK, more than 20,000 x 20,000 or 2^28 pixels, and more than 100 scans.
enum JPEG: ImageFormat {
  static let name = "JPEG"
  static let suffixes = [".jpg", ".jpeg", ".jpe"]

  private static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  static func begins(_ bytes: [UInt8]) -> Bool {
    // A file cut short within the signature is a JPEG cut short.
    !bytes.isEmpty && signature.starts(with: bytes.prefix(signature.count))
  }

  static func size(of file: ImageFile) throws -> ImageFile.Size {
    let header = try header(of: file)
    let (width, height) = (Int(header.width), Int(header.height))
    return Orientation(header.orientation).swapsSides
      ? ImageFile.Size(width: height, height: width, bytesPerPixel: 1)
      : ImageFile.Size(width: width, height: height, bytesPerPixel: 1)
  }

  static func decode(_ file: ImageFile) throws -> Radiograph {
    let header = try header(of: file)
    let count = Int(header.width) * Int(header.height)
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      var message = emptyMessage
      try check(
        cjpeg_read_gray8(file.bytes, file.bytes.count, pixels.baseAddress, count, &message), message, header, file)
      initializedCount = count
    }
    return Orientation(header.orientation)
      .applied(to: Radiograph(width: Int(header.width), height: Int(header.height), pixels: .eightBit(pixels)))
  }

  // MARK: - Through libjpeg

  /// Size, depth and colours, all checked.
  private static func header(of file: ImageFile) throws -> CJPEGHeader {
    var header = CJPEGHeader()
    var message = emptyMessage
    try check(cjpeg_read_header(file.bytes, file.bytes.count, &header, &message), message, header, file)
    return header
  }

  /// Each status becomes an error here.
  private static func check(
    _ status: CJPEGStatus, _ message: [CChar], _ header: CJPEGHeader, _ file: ImageFile
  ) throws {
    switch status {
    case CJPEG_OK: return
    case CJPEG_TRUNCATED:
      throw file.error("expected a whole JPEG image, found one cut short after \(file.bytes.count) bytes")
    case CJPEG_TOO_LARGE:
      throw file.error(
        "expected at most \(CJPEG_MAX_SIDE) x \(CJPEG_MAX_SIDE) and \(CJPEG_MAX_PIXELS) pixels, "
          + "found \(header.width) x \(header.height)")
    case CJPEG_TOO_MANY_SCANS:
      throw file.error("expected a JPEG image of at most \(CJPEG_MAX_SCANS) scans, found more")
    case CJPEG_BIT_DEPTH:
      throw file.error(
        "expected a JPEG image of 8 bits a sample, found \(header.bit_depth) bits: save it as 16-bit PNG or TIFF")
    case CJPEG_ARITHMETIC:
      throw file.error(
        "expected a JPEG image in Huffman's coding, found arithmetic coding: jpegtran recodes it without loss")
    case CJPEG_PROCESS:
      throw file.error("expected a baseline or progressive JPEG image, found a lossless or hierarchical one")
    case CJPEG_COLOURS:
      throw file.error(
        "expected a gray or RGB JPEG image, found \(header.components == 4 ? "CMYK or YCCK" : "\(header.components) colours")"
      )
    default:
      throw file.error("expected a sound JPEG image, found damage (libjpeg: \(CMessage.text(message)))")
    }
  }

  private static var emptyMessage: [CChar] { CMessage.empty(Int(CJPEG_MESSAGE_SIZE)) }
}

// MARK: - Writing

extension Radiograph {
  /// Writes an 8-bit gray JPEG; `Float` pixels are rounded to the nearest of the 256 grays.
  ///
  /// The file is written whole beside its place and then renamed.
  ///
  /// - Parameter quality: 1...100, as libjpeg counts it.
  /// - Throws: `RadiographError` when the file cannot be written.
  public func writeJPEG(to path: String, quality: Int = 90) throws {
    precondition((1...100).contains(quality), "a quality of \(quality): it must be in 1...100")
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = cjpeg_write_gray8(grays, UInt32(width), UInt32(height), Int32(quality), &bytes, &count)
    defer { cjpeg_free(bytes) }
    guard status == CJPEG_OK else {
      throw RadiographError(kind: .inputOutput, path: path, "\(path): cannot encode the image as JPEG.")
    }
    try FileBytes.save(Array(UnsafeBufferPointer(start: bytes, count: count)), to: path)
  }
}
