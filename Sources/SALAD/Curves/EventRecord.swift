/// One entry of a TensorBoard event file: numbers by name at a step, or the file's first line.
///
///     length, 8 bytes | its checksum, 4 | a message `Event` of protocol buffers | its checksum, 4      little-endian
///
/// Of `Event` there are the fields 1 `wall_time` (double), 2 `step` (int64), 3 `file_version` (string) and 5 `summary`,
/// whose values (field 1) have a `tag` (1, string) and a `simple_value` (2, float).
struct EventRecord: Equatable {
  /// Seconds since 1970.
  var time: Double
  var step = 0
  /// Of the first entry alone.
  var version: String?
  var scalars: [Scalar] = []

  /// A number and what it is of.
  struct Scalar: Equatable {
    var tag: String
    var value: Float
  }

  static let brainVersion = "brain.Event:2"
  /// Of a message: more is no entry of ours.
  static let mostBytes = 1 << 16

  // MARK: Writing

  var bytes: [UInt8] {
    let message = message
    let length = Self.littleEndian(UInt64(message.count))
    return length + Self.littleEndian(CRC32C.masked(length)) + message + Self.littleEndian(CRC32C.masked(message))
  }

  private var message: [UInt8] {
    var bytes = [0x09] + Self.littleEndian(time.bitPattern)
    if step != 0 { bytes += [0x10] + Self.variable(UInt64(bitPattern: Int64(step))) }
    if let version { bytes += Self.field(0x1A, Array(version.utf8)) }
    if !scalars.isEmpty {
      let values = scalars.flatMap { scalar in
        Self.field(
          0x0A, Self.field(0x0A, Array(scalar.tag.utf8)) + [0x15] + Self.littleEndian(scalar.value.bitPattern))
      }
      bytes += Self.field(0x2A, values)
    }
    return bytes
  }

  private static func field(_ key: UInt8, _ content: [UInt8]) -> [UInt8] {
    [key] + variable(UInt64(content.count)) + content
  }

  /// Seven bits a byte, the lowest first.
  private static func variable(_ value: UInt64) -> [UInt8] {
    var (bytes, rest) = ([UInt8](), value)
    while rest > 0x7F {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  // MARK: Reading

  /// Where the entry at the beginning of `bytes` ends, and its step; nil where no whole one is.
  static func step(at bytes: ArraySlice<UInt8>) -> (end: Int, step: Int)? {
    guard bytes.count >= 16 else { return nil }
    let head = bytes.prefix(12)
    let length = number(head.prefix(8))
    guard number(head.suffix(4)) == UInt64(CRC32C.masked(head.prefix(8))), length <= UInt64(mostBytes),
      bytes.count >= 16 + Int(length)
    else { return nil }
    let message = bytes.dropFirst(12).prefix(Int(length))
    let end = message.endIndex + 4
    guard number(bytes[message.endIndex..<end]) == UInt64(CRC32C.masked(message)) else { return nil }
    // The step follows the time, where it is not 0.
    var rest = message.dropFirst(9)
    guard message.first == 0x09, rest.popFirst() == 0x10 else { return (end, 0) }
    var (step, shift) = (UInt64(0), UInt64(0))
    while let byte = rest.popFirst(), shift < 64 {
      step |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    return (end, Int(clamping: step))
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
