import Platform

/// A picture in a file, of whichever format its content shows: the one way in for an image.
///
///     let file = try ImageFile(path)
///     try file.size()           // what the header says
///     try file.radiograph()     // the pixels
///
/// A suffix only chooses which files of a folder are pictures (`isPicture`); what a file is, its first bytes say.
public struct ImageFile: Sendable {
  /// The formats that are read. A new one is a file in `Formats` and a word here.
  ///
  /// DICOM before TIFF: what stands in front of a DICOM file's data may begin as a TIFF does.
  static let formats: [any ImageFormat.Type] = [PNG.self, JPEG.self] + DICOM.formats + [TIFF.self]

  /// Named by errors.
  public let path: String
  /// The whole file.
  public let bytes: [UInt8]
  private let format: any ImageFormat.Type

  /// Reads a file.
  ///
  /// Throws `RadiographError`: `inputOutput` when it cannot be read, `badData` when it is no file or of no known format.
  public init(_ path: String) throws {
    try self.init(bytes: FileBytes.load(path), path: path)
  }

  /// Takes the bytes of a file, as `init(_:)` does.
  public init(bytes: [UInt8], path: String) throws {
    guard let format = Self.formats.first(where: { $0.begins(bytes) }) else {
      throw RadiographError(
        path: path, "\(path): expected a \(Self.names) image, found \(Self.description(of: bytes)).")
    }
    self.path = path
    self.bytes = bytes
    self.format = format
  }

  /// For sentences: "PNG".
  public var formatName: String { format.name }

  /// How large a picture is, in pixels.
  public struct Size: Sendable, Equatable {
    public var width: Int
    public var height: Int
    /// Bytes that each pixel takes when decoded.
    public var bytesPerPixel: Int
  }

  /// What the header says.
  ///
  /// Throws `RadiographError` as `radiograph()` does, as far as the header goes.
  public func size() throws -> Size { try format.size(of: self) }

  /// The pixels as gray.
  ///
  /// Throws `RadiographError` of kind `badData` when the file is not a whole and sound picture.
  public func radiograph() throws -> Radiograph { try format.decode(self) }

  /// What the file says of itself beside its pixels; nil where its format has no such.
  ///
  /// Throws `RadiographError` as `radiograph()` does, as far as the header goes.
  public func tags() throws -> ImageTags? { try format.tags(of: self) }

  /// An error of this file: `PATH: SENTENCE.`
  func error(_ sentence: String, kind: RadiographError.Kind = .badData) -> RadiographError {
    RadiographError(kind: kind, path: path, "\(path): \(sentence).")
  }
}

/// What `ImageFile` asks of a format.
protocol ImageFormat: Sendable {
  /// For sentences: "PNG".
  static var name: String { get }

  /// Of the files of this format, in lower case: ".png".
  static var suffixes: [String] { get }

  /// Whether a file with these bytes is of this format, though it may be damaged or cut short.
  static func begins(_ bytes: [UInt8]) -> Bool

  static func size(of file: ImageFile) throws -> ImageFile.Size

  static func decode(_ file: ImageFile) throws -> Radiograph

  /// nil where the format has none.
  static func tags(of file: ImageFile) throws -> ImageTags?
}

extension ImageFormat {
  static func tags(of file: ImageFile) throws -> ImageTags? { nil }
}

extension Radiograph {
  /// Reads a picture: `ImageFile(path).radiograph()`.
  public init(contentsOf path: String) throws { self = try ImageFile(path).radiograph() }

  /// Reads a picture from the bytes of its file.
  ///
  /// - Parameter path: named by errors.
  public init(bytes: [UInt8], path: String) throws { self = try ImageFile(bytes: bytes, path: path).radiograph() }
}

// MARK: - Names

extension ImageFile {
  /// Whether a file of this name is taken for a picture where a folder is searched.
  static func isPicture(_ name: String) -> Bool {
    // As bytes: a `Character` may join a letter and a combining mark behind it.
    formats.contains { format in
      format.suffixes.contains { String(decoding: name.utf8.suffix($0.utf8.count), as: UTF8.self).lowercased() == $0 }
    }
  }

  /// Whether a file without a suffix, which archives' exports are full of, is taken for a picture: what begins as DICOM and
  /// is no directory of such files. Its first bytes are read.
  static func isPictureWithoutSuffix(_ path: String) -> Bool {
    guard !DICOM.formats.isEmpty, Files.name(of: path).uppercased() != "DICOMDIR",
      let beginning = try? FileBytes.beginning(of: path, count: 512).bytes
    else { return false }
    return DICOM.begins(beginning)
  }

  /// The suffixes that `isPicture` knows, for sentences: ".png, .jpg".
  public static var suffixes: String { formats.flatMap { $0.suffixes }.joined(separator: ", ") }

  /// The formats' names, for sentences: "PNG, JPEG or TIFF".
  public static var names: String {
    let names = formats.map { $0.name }
    return names.count < 2
      ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }

  /// What a file is that is no picture, as far as its first bytes tell.
  private static func description(of bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "an empty file" }
    if DICOM.begins(bytes) { return "a DICOM file: this build reads no DICOM" }
    let isText = bytes.prefix(64).allSatisfy { (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }
    return isText ? "a text file" : "a file without the signature of one"
  }
}
