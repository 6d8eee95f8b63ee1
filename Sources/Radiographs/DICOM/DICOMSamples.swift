#if DICOM
  import CDICOM
#endif

/// The pixels of a picture as they are stored, decompressed where they were not: whole numbers that still have to be
/// masked.
struct DICOMSamples {
  /// `bytesPerSample` each, from `start` on.
  let bytes: [UInt8]
  let start: Int
  let bytesPerSample: Int
  let isBigEndian: Bool
  /// The bits that are a value, from `shift` on.
  let bits: Int
  let shift: Int
  let isSigned: Bool
  /// Values beyond the bits that are stored become the largest: a lossy decoder may give such.
  let isClamped: Bool
}

extension DICOMSamples {
  /// - Throws: `DICOMFault`.
  init(_ data: DICOMDataSet, _ picture: DICOMPicture) throws(DICOMFault) {
    guard let pixels = data.pixels else { throw .damaged("no pixels") }
    if data.syntax.compression == .none {
      try self.init(uncompressed: pixels, data, picture)
    } else {
      try self.init(compressed: pixels, data, picture)
    }
  }

  // MARK: Uncompressed

  private init(uncompressed pixels: DICOMElement, _ data: DICOMDataSet, _ picture: DICOMPicture) throws(DICOMFault) {
    guard let value = pixels.value else { throw .damaged("pixels of undefined length that are not compressed") }
    let all = data.reader.bytes
    guard value.upperBound <= all.count, !data.isCutShort else { throw .endsEarly(needs: value.upperBound) }
    let needed = picture.count * picture.bytesPerPixel
    guard value.count >= needed else {
      throw .refused(
        "expected \(needed) bytes of pixels for \(picture.columns) x \(picture.rows) of \(picture.bitsAllocated) bits, "
          + "found \(value.count)")
    }
    let isBigEndian = data.syntax.encoding.isBigEndian
    if isBigEndian, picture.bitsAllocated == 8, pixels.representation == "OW" {
      // Pairs of pixels in words.
      var swapped = Array(all[value])
      for place in stride(from: 0, to: swapped.count - 1, by: 2) { swapped.swapAt(place, place + 1) }
      bytes = swapped
      start = 0
    } else {
      bytes = all
      start = value.lowerBound
    }
    bytesPerSample = picture.bytesPerPixel
    self.isBigEndian = isBigEndian
    bits = picture.bitsStored
    shift = picture.highBit + 1 - picture.bitsStored
    isSigned = picture.isSigned
    isClamped = false
  }

  // MARK: Compressed

  private init(compressed pixels: DICOMElement, _ data: DICOMDataSet, _ picture: DICOMPicture) throws(DICOMFault) {
    guard pixels.hasUndefinedLength else { throw .damaged("compressed pixels that are not in fragments") }
    let (bytes, place) = try Self.frame(data.reader, pixels)
    let header = try Self.header(bytes, place, data.syntax.compression, picture)
    guard header.columns == picture.columns, header.rows == picture.rows, header.components == 1 else {
      throw .damaged(
        "compressed pixels of \(header.columns) x \(header.rows) and \(header.components) components where "
          + "\(picture.columns) x \(picture.rows) and one are announced")
    }
    guard (1...picture.bitsAllocated).contains(header.precision), header.precision <= 16 || header.precision == 32
    else {
      throw .damaged("compressed pixels of \(header.precision) bits where \(picture.bitsAllocated) are allocated")
    }
    guard picture.count <= Self.most(data.syntax.compression, bytes: place.count) else {
      throw .endsEarly(needs: bytes.count + 1)
    }
    bytesPerSample = header.precision <= 8 ? 1 : header.precision <= 16 ? 2 : 4
    self.bytes = try Self.decode(bytes, place, data.syntax.compression, header, bytesPerSample)
    start = 0
    isBigEndian = 1.bigEndian == 1
    // JPEG 2000 knows its bits better than the data set does.
    bits = data.syntax.compression == .jpeg2000 ? header.precision : min(picture.bitsStored, 8 * bytesPerSample)
    shift = data.syntax.compression == .rle ? picture.highBit + 1 - picture.bitsStored : 0
    isSigned = picture.isSigned
    isClamped = data.syntax.isLossy && !picture.isSigned
  }

  /// All fragments behind the table of offsets, joined: the one frame.
  private static func frame(
    _ reader: DICOMElements, _ pixels: DICOMElement
  ) throws(DICOMFault) -> (bytes: [UInt8], place: Range<Int>) {
    var fragments: [Range<Int>] = []
    var place = pixels.start
    while true {
      let item = try reader.element(at: place, pixels.encoding)
      if item.tag == DICOMElements.sequenceEnd { break }
      guard item.tag == DICOMElements.item, let value = item.value else {
        throw .damaged("no fragment where compressed pixels have one, at byte \(place)")
      }
      fragments.append(value)
      place = value.upperBound
    }
    fragments.removeFirst(min(1, fragments.count))
    fragments.removeAll { $0.isEmpty }
    guard let first = fragments.first else { throw .damaged("compressed pixels without a fragment") }
    if fragments.count == 1 { return (reader.bytes, first) }
    let joined = fragments.flatMap { reader.bytes[$0] }
    return (joined, 0..<joined.count)
  }

  private static func header(
    _ bytes: [UInt8], _ place: Range<Int>, _ compression: DICOMSyntax.Compression, _ picture: DICOMPicture
  ) throws(DICOMFault) -> DICOMCodestream {
    switch compression {
    case .jpeg: try DICOMCodestream.jpeg(bytes, place, frames: [0xC0, 0xC1, 0xC3])
    case .jpegLS: try DICOMCodestream.jpeg(bytes, place, frames: [0xF7])
    case .jpeg2000: try DICOMCodestream.jpeg2000(bytes, place)
    case .rle, .none:
      DICOMCodestream(
        columns: picture.columns, rows: picture.rows, components: 1, precision: picture.bitsAllocated)
    }
  }

  /// As many pixels as so many bytes can hold: nothing is allocated for more.
  private static func most(_ compression: DICOMSyntax.Compression, bytes count: Int) -> Int {
    switch compression {
    // Two bits for the 64 pixels of a block; lossless JPEG takes one for each.
    case .jpeg: count * 256
    // Two bytes for a run of 128.
    case .rle: count * 64
    // A black picture takes next to nothing.
    case .jpegLS, .jpeg2000, .none: Int.max
    }
  }

  private static func decode(
    _ bytes: [UInt8], _ place: Range<Int>, _ compression: DICOMSyntax.Compression, _ header: DICOMCodestream,
    _ bytesPerSample: Int
  ) throws(DICOMFault) -> [UInt8] {
    #if DICOM
      var message = [CChar](repeating: 0, count: Int(CDICOM_MESSAGE_SIZE))
      var status = CDICOM_OK
      let count = header.columns * header.rows * bytesPerSample
      let samples = bytes.withUnsafeBufferPointer { bytes in
        [UInt8](unsafeUninitializedCapacity: count) { samples, initializedCount in
          var frame = CDICOMFrame(
            bytes: bytes.baseAddress.map { $0 + place.lowerBound }, count: place.count,
            columns: UInt32(header.columns), rows: UInt32(header.rows), precision: UInt32(header.precision),
            bytes_per_sample: UInt32(bytesPerSample))
          status =
            switch compression {
            case .rle, .none: cdicom_decode_rle(&frame, samples.baseAddress, &message)
            case .jpeg: cdicom_decode_jpeg(&frame, samples.baseAddress, &message)
            case .jpegLS: cdicom_decode_jpeg_ls(&frame, samples.baseAddress, &message)
            case .jpeg2000: cdicom_decode_jpeg_2000(&frame, samples.baseAddress, &message)
            }
          initializedCount = status == CDICOM_OK ? count : 0
        }
      }
      switch status {
      case CDICOM_OK: return samples
      case CDICOM_TRUNCATED: throw .endsEarly(needs: bytes.count + 1)
      case CDICOM_NO_MEMORY: throw .refused("no memory to decode the pixels")
      default:
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw .damaged("compressed pixels that are damaged (\(text))")
      }
    #else
      throw .refused("this build reads no DICOM")
    #endif
  }
}
