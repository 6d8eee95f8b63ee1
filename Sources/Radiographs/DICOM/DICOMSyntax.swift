/// How a file's data set and its pixels are encoded.
struct DICOMSyntax: Equatable {
  /// How pixels are compressed.
  enum Compression { case none, rle, jpeg, jpegLS, jpeg2000 }

  var encoding: DICOMEncoding
  var compression: Compression
  /// Decoded values may lie a little beyond those that were stored.
  var isLossy = false
  /// The data set as a whole.
  var isDeflated = false

  static let implicitLittleEndian = DICOMSyntax(encoding: .implicitLittleEndian, compression: .none)
  static let explicitLittleEndian = DICOMSyntax(encoding: .explicitLittleEndian, compression: .none)
  static let explicitBigEndian = DICOMSyntax(encoding: .explicitBigEndian, compression: .none)

  /// - Throws: `refused` for one that is not read, by its name.
  init(identifier: String) throws(DICOMFault) {
    guard let syntax = Self.syntaxes[identifier] else {
      let name = Self.otherNames[identifier].map { "\(identifier) (\($0))" } ?? identifier.debugDescription
      throw .refused(
        "expected a transfer syntax that is read here, found \(name): save the image in another one, such as "
          + "Explicit VR Little Endian")
    }
    self = syntax
  }

  init(encoding: DICOMEncoding, compression: Compression, isLossy: Bool = false, isDeflated: Bool = false) {
    self.encoding = encoding
    self.compression = compression
    self.isLossy = isLossy
    self.isDeflated = isDeflated
  }

  private static func compressed(_ compression: Compression, isLossy: Bool = false) -> DICOMSyntax {
    DICOMSyntax(encoding: .explicitLittleEndian, compression: compression, isLossy: isLossy)
  }

  private static let root = "1.2.840.10008.1.2"

  private static let syntaxes: [String: DICOMSyntax] = [
    root: .implicitLittleEndian,
    root + ".1": .explicitLittleEndian,
    root + ".1.99": DICOMSyntax(encoding: .explicitLittleEndian, compression: .none, isDeflated: true),
    root + ".2": .explicitBigEndian,
    root + ".5": compressed(.rle),
    root + ".4.50": compressed(.jpeg, isLossy: true),
    root + ".4.51": compressed(.jpeg, isLossy: true),
    root + ".4.57": compressed(.jpeg),
    root + ".4.70": compressed(.jpeg),
    root + ".4.80": compressed(.jpegLS),
    root + ".4.81": compressed(.jpegLS, isLossy: true),
    root + ".4.90": compressed(.jpeg2000),
    root + ".4.91": compressed(.jpeg2000, isLossy: true),
  ]

  /// Of those that are not read.
  private static let otherNames: [String: String] = [
    root + ".1.98": "Encapsulated Uncompressed Explicit VR Little Endian",
    root + ".4.55": "JPEG Full Progression",
    root + ".4.92": "JPEG 2000 Part 2 Lossless",
    root + ".4.93": "JPEG 2000 Part 2",
    root + ".4.94": "JPIP Referenced",
    root + ".4.95": "JPIP Referenced Deflate",
    root + ".4.100": "MPEG-2 Main Profile",
    root + ".4.101": "MPEG-2 High Level",
    root + ".4.102": "MPEG-4 High Profile",
    root + ".4.103": "MPEG-4 BD-compatible",
    root + ".4.107": "HEVC Main Profile",
    root + ".4.108": "HEVC Main 10 Profile",
    root + ".4.110": "JPEG XL Lossless",
    root + ".4.111": "JPEG XL JPEG Recompression",
    root + ".4.112": "JPEG XL",
    root + ".4.201": "High-Throughput JPEG 2000 Lossless",
    root + ".4.202": "High-Throughput JPEG 2000 RPCL",
    root + ".4.203": "High-Throughput JPEG 2000",
    "1.2.840.113619.5.2": "Implicit VR Big Endian of GE",
  ]
}
