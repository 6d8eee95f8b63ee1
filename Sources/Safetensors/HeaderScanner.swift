/// Reads the JSON of a header, and nothing but what a header may hold.
///
/// By hand because Foundation's JSON keeps one of two members of the same name and forgets the order: a duplicated
/// tensor would go unseen. The format needs no nesting, no fractions and no other literals, so neither has this.
struct HeaderScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// - Parameter bytes: valid UTF-8.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The whole header. Tensors in header order; their ranges are not yet checked against each other.
  mutating func header() throws(HeaderFault) -> ([Header.Tensor], [String: String]) {
    var tensors: [Header.Tensor] = []
    var metadata: [String: String] = [:]
    var names: Set<String> = []
    // The format has no white space before the object.
    guard bytes.first == UInt8(ascii: "{") else { throw unexpected("{") }
    try object { (scanner, name) throws(HeaderFault) in
      guard names.insert(name).inserted else { throw HeaderFault(sentence: "the header names \(name) twice") }
      if name == "__metadata__" {
        metadata = try scanner.stringMap()
      } else {
        tensors.append(try scanner.tensor(name))
      }
    }
    skipSpace()
    guard position == bytes.count else { throw unexpected("the header's end") }
    return (tensors, metadata)
  }

  private mutating func stringMap() throws(HeaderFault) -> [String: String] {
    var map: [String: String] = [:]
    try object { (scanner, key) throws(HeaderFault) in
      let value = try scanner.string()
      guard map.updateValue(value, forKey: key) == nil else {
        throw HeaderFault(sentence: "the header's metadata name \(key) twice")
      }
    }
    return map
  }

  private mutating func tensor(_ name: String) throws(HeaderFault) -> Header.Tensor {
    var type: TensorType?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (scanner, key) throws(HeaderFault) in
      switch key {
      case "dtype" where type == nil:
        let word = try scanner.string()
        guard let known = TensorType(rawValue: word) else {
          let all = TensorType.allCases.map(\.rawValue).joined(separator: ", ")
          throw HeaderFault(sentence: "expected one of the types \(all) for tensor \(name), found \(word)")
        }
        type = known
      case "shape" where shape == nil: shape = try scanner.integers()
      case "data_offsets" where offsets == nil: offsets = try scanner.integers()
      default:
        throw HeaderFault(
          sentence: "expected dtype, shape and data_offsets once each for tensor \(name), found \(key) as well")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw HeaderFault(
        sentence: "expected dtype, shape and two data_offsets for tensor \(name), found not all of them")
    }
    guard offsets[0] <= offsets[1] else {
      throw HeaderFault(sentence: "expected ascending data_offsets for tensor \(name), found \(offsets)")
    }
    return Header.Tensor(
      description: TensorDescription(name: name, type: type, shape: shape), range: offsets[0]..<offsets[1])
  }

  // MARK: JSON

  /// Calls `member` behind each name's colon.
  private mutating func object(
    _ member: (inout HeaderScanner, String) throws(HeaderFault) -> Void
  ) throws(HeaderFault) {
    try take("{")
    if takeIfNext("}") { return }
    repeat {
      let name = try string()
      try take(":")
      try member(&self, name)
    } while takeIfNext(",")
    try take("}")
  }

  private mutating func integers() throws(HeaderFault) -> [Int] {
    var values: [Int] = []
    try take("[")
    if takeIfNext("]") { return values }
    repeat { values.append(try integer()) } while takeIfNext(",")
    try take("]")
    return values
  }

  /// A number of 0 or more, without sign, leading zeros, fraction or exponent.
  private mutating func integer() throws(HeaderFault) -> Int {
    skipSpace()
    let start = position
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    guard position > start, bytes[start] != UInt8(ascii: "0") || position == start + 1 else {
      throw unexpected("a whole number of 0 or more")
    }
    let digits = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Int(digits) else {
      throw HeaderFault(sentence: "expected a number below 2^63 in the header, found \(digits.prefix(40))")
    }
    return value
  }

  private mutating func string() throws(HeaderFault) -> String {
    try take("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text.append(contentsOf: String(try escaped()).utf8)
      case 0..<0x20: throw unexpected("a string without control characters")
      default: text.append(byte)
      }
    }
    throw unexpected("the string's closing quotation mark")
  }

  private mutating func escaped() throws(HeaderFault) -> Unicode.Scalar {
    guard position < bytes.count else { throw unexpected("an escaped character") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try fourHexadecimalDigits()
      if let scalar = Unicode.Scalar(first) { return scalar }
      // The first half of a surrogate pair: \uD83E\uDD57 is one character.
      guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw unexpected("a whole surrogate pair") }
      position += 2
      let second = try fourHexadecimalDigits()
      guard (0xDC00..<0xE000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw unexpected("a whole surrogate pair") }
      return scalar
    default: throw unexpected("an escape that JSON knows")
    }
  }

  private mutating func fourHexadecimalDigits() throws(HeaderFault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func take(_ character: Unicode.Scalar) throws(HeaderFault) {
    guard takeIfNext(character) else { throw unexpected(String(character)) }
  }

  private mutating func takeIfNext(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private func unexpected(_ expected: String) -> HeaderFault {
    let found = String(decoding: bytes[min(position, bytes.count)...].prefix(20), as: UTF8.self)
    return HeaderFault(
      sentence: "expected \(expected) at byte \(position) of the header, found "
        + (found.isEmpty ? "its end" : found.debugDescription))
  }
}
