/// What a data set says of its picture, checked: everything but the pixels.
struct DICOMPicture {
  let columns: Int
  let rows: Int
  /// Of a stored pixel: 8, 16 or 32, of which `bitsStored` up to `highBit` are its value.
  let bitsAllocated: Int
  let bitsStored: Int
  let highBit: Int
  /// Whether values are two's complement.
  let isSigned: Bool
  /// White is 0.
  let isInverted: Bool
  /// Stored values that are no part of the picture.
  let padding: ClosedRange<Int>?

  var count: Int { columns * rows }
  var bytesPerPixel: Int { bitsAllocated / 8 }

  /// As `PNG` has them.
  static let largestSide = 20_000
  static let mostPixels = 1 << 28

  /// - Throws: `DICOMFault`, `refused` where it is no gray picture of one frame.
  init(_ data: DICOMDataSet) throws(DICOMFault) {
    guard let pixels = data.pixels else {
      throw .refused("expected a DICOM image, found \(DICOMClass.description(of: data)) without pixels")
    }
    guard pixels.tag == DICOMDataSet.Tag.pixels.rawValue else {
      throw .refused("expected pixels that are whole numbers, found \(Self.floats(pixels.tag)): export them as 16 bits")
    }
    try Self.checkFrames(data)
    try Self.checkColour(data)
    try Self.checkIntent(data)
    (columns, rows) = try Self.size(data)
    let allocated = try Self.number(data, .bitsAllocated, "bits allocated")
    guard [8, 16, 32].contains(allocated) else {
      throw .refused("expected 8, 16 or 32 bits allocated a pixel, found \(allocated)")
    }
    let stored = try data.word(.bitsStored) ?? allocated
    let high = try data.word(.highBit) ?? stored - 1
    guard (1...allocated).contains(stored), (stored - 1..<allocated).contains(high) else {
      throw .damaged("\(stored) bits stored up to bit \(high) of \(allocated)")
    }
    bitsAllocated = allocated
    bitsStored = stored
    highBit = high
    let isSigned = try data.word(.pixelRepresentation) == 1
    self.isSigned = isSigned
    // Both say the same, and one inversion is meant.
    isInverted =
      data.text(.photometricInterpretation) == "MONOCHROME1" || data.text(.presentationShape) == "INVERSE"
    if let first = try data.word(.padding, isSigned: isSigned) {
      let second = try data.word(.paddingLimit, isSigned: isSigned) ?? first
      padding = min(first, second)...max(first, second)
    } else {
      padding = nil
    }
  }

  // MARK: Checks

  private static func floats(_ tag: UInt32) -> String {
    tag == DICOMDataSet.Tag.floatPixels.rawValue ? "float pixel data" : "double float pixel data"
  }

  private static func checkFrames(_ data: DICOMDataSet) throws(DICOMFault) {
    guard let text = data.text(.frames) else { return }
    guard let frames = Int(text), frames >= 0 else {
      throw .damaged("a number of frames of \(text.debugDescription)")
    }
    // Some writers say 0 of a single one.
    guard frames <= 1 else {
      throw .refused("expected a DICOM image of one frame, found \(frames) frames: save each as a file of its own")
    }
  }

  private static func checkColour(_ data: DICOMDataSet) throws(DICOMFault) {
    let samples = try data.word(.samplesPerPixel) ?? 1
    let interpretation = data.text(.photometricInterpretation) ?? "MONOCHROME2"
    guard samples == 1, ["MONOCHROME1", "MONOCHROME2"].contains(interpretation) else {
      throw .refused(
        "expected a gray DICOM image (MONOCHROME1 or MONOCHROME2), found \(plain(interpretation)) of "
          + "\(samples) \(samples == 1 ? "sample" : "samples") a pixel: export it as gray")
    }
  }

  private static func checkIntent(_ data: DICOMDataSet) throws(DICOMFault) {
    guard data.text(.presentationIntent) == "FOR PROCESSING" else { return }
    throw .refused(
      "expected a DICOM image FOR PRESENTATION, found one FOR PROCESSING, as the detector gave it: export the image "
        + "FOR PRESENTATION of the same exposure")
  }

  private static func size(_ data: DICOMDataSet) throws(DICOMFault) -> (columns: Int, rows: Int) {
    let columns = try number(data, .columns, "columns")
    let rows = try number(data, .rows, "rows")
    guard columns > 0, rows > 0 else { throw .damaged("an image of \(columns) x \(rows) pixels") }
    guard columns <= largestSide, rows <= largestSide, columns * rows <= mostPixels else {
      throw .refused(
        "expected at most \(largestSide) x \(largestSide) and \(mostPixels) pixels, found \(columns) x \(rows)")
    }
    return (columns, rows)
  }

  private static func number(_ data: DICOMDataSet, _ tag: DICOMDataSet.Tag, _ name: String) throws(DICOMFault) -> Int {
    guard let number = try data.word(tag) else { throw .damaged("pixels without the number of \(name)") }
    return number
  }

  /// A text that a sentence may hold.
  static func plain(_ text: String) -> String {
    text.utf8.count <= 32 && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
      ? text : text.prefix(32).debugDescription
  }
}

/// What an object is that has no pixels.
private enum DICOMClass {
  private static let names: [(prefix: String, name: String)] = [
    ("1.2.840.10008.1.3.10", "the directory of a medium (DICOMDIR)"),
    ("1.2.840.10008.5.1.4.1.1.88.59", "a selection of key objects"),
    ("1.2.840.10008.5.1.4.1.1.88.", "a structured report"),
    ("1.2.840.10008.5.1.4.1.1.104.1", "a PDF"),
    ("1.2.840.10008.5.1.4.1.1.104.", "an encapsulated document"),
    ("1.2.840.10008.5.1.4.1.1.11.", "a presentation state"),
    ("1.2.840.10008.5.1.4.1.1.9.", "a waveform"),
    ("1.2.840.10008.5.1.4.1.1.481.", "an object of radiotherapy"),
    ("1.2.840.10008.5.1.4.1.1.66", "raw data"),
  ]

  static func description(of data: DICOMDataSet) -> String {
    guard let identifier = data.text(.mediaStorageClass) ?? data.text(.objectClass) else { return "a DICOM object" }
    if let known = names.first(where: { identifier.hasPrefix($0.prefix) }) { return known.name }
    return "a DICOM object of class \(DICOMPicture.plain(identifier))"
  }
}
