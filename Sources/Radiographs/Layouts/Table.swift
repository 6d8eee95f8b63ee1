/// A table of comma-separated values, as RFC 4180 has it.
///
/// Read as bytes, so that a file's name comes out with the bytes it has: taken as `Character`s, a comma with a combining mark
/// behind it would be no comma, and two ways to write é would be one name. Lines end by LF, CRLF or CR; blank ones are
/// passed over, and so is a byte order mark. Spaces are part of a value.
package struct Table: Sendable {
  /// One record.
  package struct Row: Sendable {
    /// On which line of the file it begins, from 1.
    package let line: Int
    package let fields: [String]
  }

  let path: String
  package let rows: [Row]

  /// Reads a file.
  ///
  /// - Parameter path: of the file.
  /// - Throws: `RadiographError` naming the file and the line where it is no such table.
  public init(contentsOf path: String) throws {
    try self.init(bytes: FileBytes.load(path), path: path)
  }

  /// - Parameter path: named by errors.
  package init(bytes: [UInt8], path: String) throws(RadiographError) {
    var parser = TableParser(bytes: bytes, path: path)
    self.path = path
    rows = try parser.rows()
  }

  /// `PATH: line N: SENTENCE.`
  func error(_ row: Row, _ sentence: String) -> RadiographError { Self.error(path, row.line, sentence) }

  fileprivate static func error(_ path: String, _ line: Int, _ sentence: String) -> RadiographError {
    RadiographError(path: path, "\(path): line \(line): \(sentence).")
  }
}

private struct TableParser {
  let bytes: [UInt8]
  let path: String
  private var index = 0
  private var line = 1

  private static let (comma, quote, lineFeed, carriageReturn) = (
    UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(10), UInt8(13)
  )

  init(bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  mutating func rows() throws(RadiographError) -> [Table.Row] {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw RadiographError(path: path, "\(path): expected a table in UTF-8, found UTF-16: save it as UTF-8.")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    var rows: [Table.Row] = []
    while index < bytes.count {
      let first = line
      var fields = [try field()]
      while index < bytes.count, bytes[index] == Self.comma {
        index += 1
        fields.append(try field())
      }
      endLine()
      if fields != [""] { rows.append(Table.Row(line: first, fields: fields)) }
    }
    return rows
  }

  private mutating func field() throws(RadiographError) -> String {
    guard index < bytes.count, bytes[index] == Self.quote else { return try plainField() }
    let opened = line
    index += 1
    var value: [UInt8] = []
    while true {
      guard index < bytes.count else {
        throw Table.error(path, opened, "expected a quote at the end of the value that begins with one, found none")
      }
      let byte = bytes[index]
      index += 1
      if byte == Self.quote {
        guard index < bytes.count, bytes[index] == Self.quote else { break }
        index += 1
      } else if byte == Self.lineFeed || byte == Self.carriageReturn && !isAt(Self.lineFeed) {
        line += 1
      }
      value.append(byte)
    }
    guard index == bytes.count || isAt(Self.comma) || isAt(Self.lineFeed) || isAt(Self.carriageReturn) else {
      throw Table.error(
        path, line, "expected a comma or the line's end behind a value in quotes (a quote in it is written twice)")
    }
    return try text(value[...], line: opened)
  }

  private mutating func plainField() throws(RadiographError) -> String {
    let start = index
    while index < bytes.count, !isAt(Self.comma), !isAt(Self.lineFeed), !isAt(Self.carriageReturn) {
      if isAt(Self.quote) {
        throw Table.error(
          path, line, "expected quotes around a value that has one in it (and that one written twice), found none")
      }
      index += 1
    }
    return try text(bytes[start..<index], line: line)
  }

  private mutating func endLine() {
    if isAt(Self.carriageReturn) { index += 1 }
    if isAt(Self.lineFeed) { index += 1 }
    line += 1
  }

  private func isAt(_ byte: UInt8) -> Bool { index < bytes.count && bytes[index] == byte }

  private func text(_ bytes: ArraySlice<UInt8>, line: Int) throws(RadiographError) -> String {
    // Tabs and line breaks may stand in a note.
    if let byte = bytes.first(where: { $0 < 0x20 && ![9, 10, 13].contains($0) }) {
      throw Table.error(path, line, "expected text, found the byte \(byte): this is no table")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Table.error(path, line, "expected text in UTF-8, found other bytes: save the table as UTF-8")
    }
    return text
  }
}

// MARK: - Lists

extension Table {
  /// The lines of a text file that names one thing a line; blank ones are passed over.
  ///
  /// - Returns: each name with its line, from 1.
  static func lines(of path: String) throws -> [(line: Int, name: String)] {
    var bytes = try FileBytes.load(path)[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    var lines: [(Int, String)] = []
    for (index, part) in bytes.split(separator: UInt8(10), omittingEmptySubsequences: false).enumerated() {
      var part = part
      while let last = part.last, [UInt8(ascii: " "), 9, 13].contains(last) { part.removeLast() }
      guard !part.isEmpty else { continue }
      guard let name = String(validating: part, as: UTF8.self), !part.contains(0) else {
        throw error(path, index + 1, "expected a name in UTF-8, found other bytes")
      }
      lines.append((index + 1, name))
    }
    return lines
  }
}
