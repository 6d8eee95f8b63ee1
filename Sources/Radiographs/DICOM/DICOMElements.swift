/// What keeps a DICOM data set from being read.
enum DICOMFault: Error, Equatable {
  /// The bytes end before what they announce: so many are needed at least.
  case endsEarly(needs: Int)
  /// The end of a sentence: what was found.
  case damaged(String)
  /// A sentence: what was expected, and what was found.
  case refused(String)
}

/// How the elements of a data set are written.
struct DICOMEncoding: Equatable {
  var isExplicit: Bool
  var isBigEndian: Bool

  static let implicitLittleEndian = DICOMEncoding(isExplicit: false, isBigEndian: false)
  static let explicitLittleEndian = DICOMEncoding(isExplicit: true, isBigEndian: false)
  static let explicitBigEndian = DICOMEncoding(isExplicit: true, isBigEndian: true)
}

/// One element of a data set: where its value lies.
struct DICOMElement {
  /// Group and number: 0x7FE0_0010.
  var tag: UInt32
  /// The two letters of its value representation, empty where it is not told.
  var representation: String
  /// Places of the value; nil where its length is undefined.
  var value: Range<Int>?
  /// Where the value begins.
  var start: Int
  var encoding: DICOMEncoding

  /// A sequence, or fragments of pixels.
  var hasUndefinedLength: Bool { value == nil }
}

/// Reads elements out of bytes that may be anything: every length is compared with what is there, and sequences are
/// entered only so deep. Nothing is copied.
struct DICOMElements {
  let bytes: [UInt8]

  private static let deepest = 32
  private static let undefinedLength = 0xFFFF_FFFF
  static let item: UInt32 = 0xFFFE_E000
  private static let itemEnd: UInt32 = 0xFFFE_E00D
  static let sequenceEnd: UInt32 = 0xFFFE_E0DD

  /// Representations whose length takes four bytes.
  private static let long: Set<String> = [
    "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV",
  ]

  // MARK: Numbers

  func word(_ place: Int, _ encoding: DICOMEncoding) throws(DICOMFault) -> Int {
    guard place + 2 <= bytes.count else { throw .endsEarly(needs: place + 2) }
    let (first, second) = (Int(bytes[place]), Int(bytes[place + 1]))
    return encoding.isBigEndian ? first << 8 | second : second << 8 | first
  }

  func longWord(_ place: Int, _ encoding: DICOMEncoding) throws(DICOMFault) -> Int {
    guard place + 4 <= bytes.count else { throw .endsEarly(needs: place + 4) }
    let first = try word(place, encoding)
    let second = try word(place + 2, encoding)
    return encoding.isBigEndian ? first << 16 | second : second << 16 | first
  }

  // MARK: Elements

  /// The element at a place. A value of defined length lies within the bytes.
  func element(at place: Int, _ encoding: DICOMEncoding) throws(DICOMFault) -> DICOMElement {
    let tag = UInt32(try word(place, encoding) << 16 | (try word(place + 2, encoding)))
    var representation = ""
    if encoding.isExplicit, tag >> 16 != 0xFFFE {
      guard place + 6 <= bytes.count else { throw .endsEarly(needs: place + 6) }
      let letters = bytes[place + 4..<place + 6]
      // Some writers put elements without a representation among others.
      if letters.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) {
        representation = String(decoding: letters, as: UTF8.self)
      }
    }
    let length: Int
    let start: Int
    if representation.isEmpty {
      length = try longWord(place + 4, encoding)
      start = place + 8
    } else if Self.long.contains(representation) {
      length = try longWord(place + 8, encoding)
      start = place + 12
    } else {
      length = try word(place + 6, encoding)
      start = place + 8
    }
    var element = DICOMElement(tag: tag, representation: representation, value: nil, start: start, encoding: encoding)
    if length != Self.undefinedLength || (!representation.isEmpty && !Self.long.contains(representation)) {
      guard start + length <= bytes.count else { throw .endsEarly(needs: start + length) }
      element.value = start..<start + length
    }
    return element
  }

  /// Where the element behind this one begins.
  func end(of element: DICOMElement) throws(DICOMFault) -> Int {
    if let value = element.value { return value.upperBound }
    return try endOfSequence(at: element.start, inner(of: element), depth: 1)
  }

  /// The elements of a sequence's first item; none where it has none.
  func firstItem(of sequence: DICOMElement) throws(DICOMFault) -> [DICOMElement] {
    let encoding = inner(of: sequence)
    if let value = sequence.value, value.count < 8 { return [] }
    let item = try element(at: sequence.start, encoding)
    guard item.tag == Self.item else { return [] }
    var elements: [DICOMElement] = []
    var place = item.start
    // Of an item whose length is undefined, as many as there are.
    let end = item.value?.upperBound ?? bytes.count
    while place < end {
      let element = try element(at: place, encoding)
      guard element.tag != Self.itemEnd else { break }
      elements.append(element)
      place = try self.end(of: element)
    }
    return elements
  }

  /// A sequence that is called unknown is written without representations.
  private func inner(of sequence: DICOMElement) -> DICOMEncoding {
    sequence.representation == "UN" ? .implicitLittleEndian : sequence.encoding
  }

  private func endOfSequence(at start: Int, _ encoding: DICOMEncoding, depth: Int) throws(DICOMFault) -> Int {
    guard depth <= Self.deepest else { throw .damaged("sequences nested more than \(Self.deepest) deep") }
    var place = start
    while true {
      let item = try element(at: place, encoding)
      switch item.tag {
      case Self.sequenceEnd: return item.start
      case Self.item:
        if let value = item.value {
          place = value.upperBound
        } else {
          place = try endOfItem(at: item.start, encoding, depth: depth)
        }
      default: throw .damaged("no item where a sequence has one, at byte \(place)")
      }
    }
  }

  private func endOfItem(at start: Int, _ encoding: DICOMEncoding, depth: Int) throws(DICOMFault) -> Int {
    var place = start
    while true {
      let element = try element(at: place, encoding)
      if element.tag == Self.itemEnd { return element.start }
      if let value = element.value {
        place = value.upperBound
      } else {
        place = try endOfSequence(at: element.start, inner(of: element), depth: depth + 1)
      }
    }
  }
}

// MARK: - Values

extension DICOMElements {
  /// The first of an element's texts without the blanks and zeros around it; nil where it is empty.
  func text(_ element: DICOMElement) -> String? { texts(element).first.flatMap { $0.isEmpty ? nil : $0 } }

  /// An element's texts, which backslashes part.
  func texts(_ element: DICOMElement) -> [String] {
    guard let value = element.value, value.count <= 1 << 12 else { return [] }
    return bytes[value].split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false).map { part in
      let blanks: Set<UInt8> = [0, 0x09, 0x0A, 0x0D, 0x20]
      let trimmed = part.drop(while: blanks.contains).reversed().drop(while: blanks.contains).reversed()
      // Where it is not UTF-8 it is told apart all the same, by Latin-1.
      return String(validating: Array(trimmed), as: UTF8.self)
        ?? String(String.UnicodeScalarView(trimmed.map { Unicode.Scalar($0) }))
    }
  }

  /// An element's decimal numbers; empty where one is none.
  func decimals(_ element: DICOMElement) -> [Double] {
    let numbers = texts(element).map { Double($0) }
    return numbers.allSatisfy { $0?.isFinite ?? false } ? numbers.compactMap { $0 } : []
  }

  /// An element's words of two bytes.
  ///
  /// - Parameter isSigned: where the element does not tell.
  func words(_ element: DICOMElement, isSigned: Bool = false) throws(DICOMFault) -> [Int] {
    guard let value = element.value else { throw .damaged("numbers without a length") }
    let isSigned = element.representation == "SS" || (isSigned && element.representation.isEmpty)
    var words: [Int] = []
    words.reserveCapacity(value.count / 2)
    for place in stride(from: value.lowerBound, to: value.upperBound - 1, by: 2) {
      let word = try word(place, element.encoding)
      words.append(isSigned ? Int(Int16(truncatingIfNeeded: word)) : word)
    }
    return words
  }
}
