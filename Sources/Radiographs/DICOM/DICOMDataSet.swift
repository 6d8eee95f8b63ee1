/// The elements of a DICOM file up to its pixels.
///
///     let file = try DICOMDataSet(bytes, isWhole: true)
///     file.text(.patientID)
struct DICOMDataSet {
  /// The elements that mean something here.
  enum Tag: UInt32 {
    case mediaStorageClass = 0x0002_0002
    case transferSyntax = 0x0002_0010
    case objectClass = 0x0008_0016
    case modality = 0x0008_0060
    case presentationIntent = 0x0008_0068
    case manufacturer = 0x0008_0070
    case model = 0x0008_1090
    case patientName = 0x0010_0010
    case patientID = 0x0010_0020
    case sex = 0x0010_0040
    case age = 0x0010_1010
    case viewPosition = 0x0018_5101
    case study = 0x0020_000D
    case laterality = 0x0020_0060
    case imageLaterality = 0x0020_0062
    case samplesPerPixel = 0x0028_0002
    case photometricInterpretation = 0x0028_0004
    case frames = 0x0028_0008
    case rows = 0x0028_0010
    case columns = 0x0028_0011
    case bitsAllocated = 0x0028_0100
    case bitsStored = 0x0028_0101
    case highBit = 0x0028_0102
    case pixelRepresentation = 0x0028_0103
    case padding = 0x0028_0120
    case paddingLimit = 0x0028_0121
    case burnedInAnnotation = 0x0028_0301
    case windowCentre = 0x0028_1050
    case windowWidth = 0x0028_1051
    case rescaleIntercept = 0x0028_1052
    case rescaleSlope = 0x0028_1053
    case windowFunction = 0x0028_1056
    case modalityTable = 0x0028_3000
    case tableDescriptor = 0x0028_3002
    case tableData = 0x0028_3006
    case grayTable = 0x0028_3010
    case presentationShape = 0x2050_0020
    case floatPixels = 0x7FE0_0008
    case doublePixels = 0x7FE0_0009
    case pixels = 0x7FE0_0010
  }

  /// The file's bytes, or those of its inflated data set.
  let reader: DICOMElements
  let syntax: DICOMSyntax
  /// Of the pixels, whichever kind; nil where there are none.
  let pixels: DICOMElement?
  /// Whether a deflated data set ends early, though its pixels may all be there.
  let isCutShort: Bool
  private let elements: [UInt32: DICOMElement]

  /// - Parameters:
  ///   - bytes: the file, or its beginning.
  ///   - isWhole: whether that is all of it.
  /// - Throws: `DICOMFault`; `endsEarly` where the pixels' element does not begin within the bytes, though it may. Of
  ///   its value nothing is asked.
  init(_ bytes: [UInt8], isWhole: Bool) throws(DICOMFault) {
    var reader = DICOMElements(bytes: bytes)
    var elements: [UInt32: DICOMElement] = [:]
    var place = DICOMSignature.start(of: bytes)
    // Group 2 is explicit little endian, whatever follows.
    while place < bytes.count, try reader.word(place, .explicitLittleEndian) == 2 {
      let element = try reader.element(at: place, .explicitLittleEndian)
      elements[element.tag] = element
      place = try reader.end(of: element)
    }
    let syntax: DICOMSyntax
    if let element = elements[Tag.transferSyntax.rawValue], let identifier = reader.text(element) {
      syntax = try DICOMSyntax(identifier: identifier)
    } else {
      syntax = try Self.guess(reader, at: place)
    }
    var (isWhole, isCutShort) = (isWhole, false)
    if syntax.isDeflated {
      // What stands before is wanted no more but for the class, which the data set has, too.
      let inflated = try DICOMInflation(bytes, from: place)
      isCutShort = !inflated.isWhole
      isWhole = isWhole && inflated.isWhole
      reader = DICOMElements(bytes: inflated.bytes)
      place = 0
      elements = [:]
    }

    let all = reader.bytes
    var pixels: DICOMElement?
    while place < all.count {
      if let element = try Self.pixelElement(reader, at: place, syntax.encoding) {
        pixels = element
        break
      }
      let element = try reader.element(at: place, syntax.encoding)
      // The first of two counts.
      if Tag(rawValue: element.tag) != nil, elements[element.tag] == nil { elements[element.tag] = element }
      place = try reader.end(of: element)
    }
    guard pixels != nil || isWhole else { throw .endsEarly(needs: all.count + 1) }
    self.reader = reader
    self.syntax = syntax
    self.isCutShort = isCutShort
    self.elements = elements
    self.pixels = pixels
  }

  /// The pixels' element where it begins at a place, its value not asked for.
  private static func pixelElement(
    _ reader: DICOMElements, at place: Int, _ encoding: DICOMEncoding
  ) throws(DICOMFault) -> DICOMElement? {
    let tag = UInt32(try reader.word(place, encoding) << 16 | (try reader.word(place + 2, encoding)))
    guard tag >= Tag.floatPixels.rawValue, tag <= Tag.pixels.rawValue else { return nil }
    do {
      return try reader.element(at: place, encoding)
    } catch {
      guard case .endsEarly(let needs) = error, needs > place + 12 else { throw error }
      // Its header is there: the value is cut short, or not read yet.
      return DICOMElement(tag: tag, representation: "", value: place..<needs, start: place, encoding: encoding)
    }
  }

  /// What a data set without a transfer syntax is written in.
  private static func guess(_ reader: DICOMElements, at place: Int) throws(DICOMFault) -> DICOMSyntax {
    if try reader.word(place, .explicitLittleEndian) >= 0x0100 { return .explicitBigEndian }
    let element = try reader.element(at: place, .explicitLittleEndian)
    return element.representation.isEmpty ? .implicitLittleEndian : .explicitLittleEndian
  }

  // MARK: Values

  func element(_ tag: Tag) -> DICOMElement? { elements[tag.rawValue] }

  func text(_ tag: Tag) -> String? { element(tag).flatMap(reader.text) }

  func decimals(_ tag: Tag) -> [Double] { element(tag).map(reader.decimals) ?? [] }

  /// The first number of two bytes.
  func word(_ tag: Tag, isSigned: Bool = false) throws(DICOMFault) -> Int? {
    guard let element = element(tag) else { return nil }
    return try reader.words(element, isSigned: isSigned).first
  }
}

/// What a file of DICOM begins with.
enum DICOMSignature {
  private static let preamble = 128
  private static let magic = Array("DICM".utf8)

  /// Where the first element is: behind the preamble, where there is one.
  static func start(of bytes: [UInt8]) -> Int { hasPreamble(bytes) ? preamble + magic.count : 0 }

  static func hasPreamble(_ bytes: [UInt8]) -> Bool {
    bytes.count >= preamble + magic.count && bytes[preamble..<preamble + magic.count].elementsEqual(magic)
  }

  /// Whether a data set begins here without a preamble: two elements of group 2 or 8 in their order, the first of them
  /// as DICOM has them. No text is taken for one: it has no zero bytes.
  static func hasDataSet(_ bytes: [UInt8]) -> Bool {
    let reader = DICOMElements(bytes: bytes)
    return [DICOMEncoding.explicitLittleEndian, .implicitLittleEndian, .explicitBigEndian].contains { encoding in
      guard let first = try? reader.element(at: 0, encoding), let length = first.value?.count, length <= 256,
        [2, 8].contains(first.tag >> 16), first.tag & 0xFFFF <= 0x18,
        first.representation.isEmpty == !encoding.isExplicit,
        !encoding.isExplicit || ["UL", "OB", "UI", "CS", "DA", "TM"].contains(first.representation),
        let place = try? reader.end(of: first), place + 8 <= bytes.count,
        let group = try? reader.word(place, encoding), let number = try? reader.word(place + 2, encoding)
      else { return false }
      return [2, 8].contains(group) && UInt32(group << 16 | number) > first.tag
    }
  }
}
