import Platform

/// DICOM: the gray images that X-ray machines and archives give, through dcmtk's decoders.
///
/// Pixels are decoded, masked to the bits stored, and pass the modality's table or rescale line, then the first of the
/// tables or windows of values of interest; without one the darkest and the brightest hundredth of the pixels, padding
/// left out, become black and white. MONOCHROME1 is inverted. The result is floats in 0...1. `docs/dicom.md` says it in
/// full.
///
/// Read are files with and without a preamble, in the transfer syntaxes of `DICOMSyntax`. Refused are several frames,
/// colour, raw detector images (FOR PROCESSING), objects without pixels, and more than 20,000 x 20,000 or 2^28 pixels.
enum DICOM: ImageFormat {
  static let name = "DICOM"
  static let suffixes = [".dcm", ".dicom", ".dic"]

  /// This format, where the build has it: the trait `DICOM` of the package.
  static var formats: [any ImageFormat.Type] {
    #if DICOM
      [DICOM.self]
    #else
      []
    #endif
  }

  /// Whether a picture of this name may be DICOM: by its suffix, or without one.
  static func mayBe(_ path: String) -> Bool {
    let suffix = UnreadFiles.suffix(of: Files.name(of: path))
    return !formats.isEmpty && (suffix.isEmpty || suffixes.contains(suffix))
  }

  static func begins(_ bytes: [UInt8]) -> Bool {
    DICOMSignature.hasPreamble(bytes) || DICOMSignature.hasDataSet(bytes)
  }

  static func size(of file: ImageFile) throws -> ImageFile.Size {
    try reading(file) { data throws(DICOMFault) in
      let picture = try DICOMPicture(data)
      return ImageFile.Size(width: picture.columns, height: picture.rows, bytesPerPixel: MemoryLayout<Float>.stride)
    }
  }

  static func decode(_ file: ImageFile) throws -> Radiograph {
    try reading(file) { data throws(DICOMFault) in
      let picture = try DICOMPicture(data)
      let scale = try DICOMGrayScale(data, picture)
      let samples = try DICOMSamples(data, picture)
      let gray = DICOMGray(samples: samples, scale: scale, padding: picture.padding, count: picture.count)
      var radiograph = Radiograph(width: picture.columns, height: picture.rows, pixels: .float(gray.pixels()))
      radiograph.hasBurnedInAnnotation = ImageTags(data).hasBurnedInAnnotation == true
      return radiograph
    }
  }

  static func tags(of file: ImageFile) throws -> ImageTags? {
    try reading(file) { data throws(DICOMFault) in ImageTags(data) }
  }

  /// Faults become errors here.
  private static func reading<R>(
    _ file: ImageFile, _ body: (DICOMDataSet) throws(DICOMFault) -> R
  ) throws -> R {
    do throws(DICOMFault) {
      return try body(try DICOMDataSet(file.bytes, isWhole: true))
    } catch .endsEarly {
      throw file.error("expected a whole DICOM image, found one cut short after \(file.bytes.count) bytes")
    } catch .damaged(let found) {
      throw file.error("expected a sound DICOM image, found \(found)")
    } catch .refused(let sentence) {
      throw file.error(sentence)
    }
  }
}
