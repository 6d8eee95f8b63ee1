#if Server
  /// The parts of a `multipart/form-data` body, as RFC 7578 and RFC 2046 have it.
  ///
  ///     try Multipart.parts(of: body, boundary: "abc", most: 64)
  ///
  /// Every byte of the body is looked at a bounded number of times, whatever it holds.
  struct Multipart: Equatable {
    /// One of them.
    struct Part: Equatable, Sendable {
      /// Of the form's field.
      var name: String?
      var fileName: String?
      /// In lower case, without parameters.
      var contentType: String?
      var content: ArraySlice<UInt8>

      /// Whether it is a file, as far as its head tells, and no plain field.
      var isFile: Bool { fileName != nil || contentType.map { $0 != "text/plain" } ?? false }
    }

    /// What is wrong with a body: one sentence.
    struct Fault: Error, Equatable {
      var sentence: String
      /// Whether it only has more than it may have.
      var isTooMuch = false
    }

    private static let mostHead = 8192
    private static let mostBoundary = 70

    /// - Parameters:
    ///   - body: all of it.
    ///   - boundary: as the content type names it.
    ///   - most: parts that it may have.
    static func parts(of body: [UInt8], boundary: String, most: Int) throws(Fault) -> [Part] {
      guard !boundary.isEmpty, boundary.utf8.count <= mostBoundary else {
        throw Fault(sentence: "expected a boundary of 1 to \(mostBoundary) characters, found \(boundary.utf8.count)")
      }
      let delimiter = Array("--\(boundary)".utf8)
      // The first one may stand at the very beginning; what comes before it is a preamble.
      guard var place = find(delimiter, in: body, from: 0, atLineStart: true) else {
        throw Fault(sentence: "expected the boundary that the content type names, found none in the body")
      }
      var parts: [Part] = []
      while true {
        place += delimiter.count
        if body[place...].starts(with: [45, 45]) { return parts }  // --
        // Spaces may follow a boundary.
        while place < body.count, body[place] == 0x20 || body[place] == 0x09 { place += 1 }
        guard body[place...].starts(with: [13, 10]) else {
          throw Fault(sentence: "expected a line break behind a boundary, found something else or the end")
        }
        place += 2
        guard parts.count < most else {
          throw Fault(sentence: "expected at most \(most) parts, found more", isTooMuch: true)
        }
        guard let end = find([13, 10] + delimiter, in: body, from: place - 2) else {
          throw Fault(sentence: "expected a boundary behind the last part, found the end: is the body whole?")
        }
        parts.append(try part(body[place..<max(place, end)]))
        place = end + 2
      }
    }

    private static func part(_ bytes: ArraySlice<UInt8>) throws(Fault) -> Part {
      let blank: [UInt8] = [13, 10, 13, 10]
      let head: ArraySlice<UInt8>
      let content: ArraySlice<UInt8>
      if bytes.starts(with: [13, 10]) {
        (head, content) = (bytes.prefix(0), bytes.dropFirst(2))
      } else {
        let beginning = Array(bytes.prefix(mostHead + blank.count))
        guard let end = find(blank, in: beginning, from: 0) else {
          throw Fault(sentence: "expected a blank line within \(mostHead) bytes of a part's beginning, found none")
        }
        (head, content) = (bytes.prefix(end), bytes.dropFirst(end + blank.count))
      }
      var part = Part(content: content)
      for line in head.split(whereSeparator: { $0 == 13 || $0 == 10 }) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        let field = HeaderValue(String(decoding: line[line.index(after: colon)...], as: UTF8.self))
        if name == "content-disposition" {
          part.name = field.parameters["name"]
          part.fileName = field.parameters["filename"]
        } else if name == "content-type" {
          part.contentType = field.value
        }
      }
      return part
    }

    /// Where `pattern` begins, at or behind `start`. By its first byte and then by comparison: a boundary begins with CR or
    /// a dash, and where bytes repeat them the comparison ends at once or at the end of the boundary, at most 74 bytes.
    private static func find(
      _ pattern: [UInt8], in bytes: [UInt8], from start: Int, atLineStart: Bool = false
    ) -> Int? {
      guard bytes.count - start >= pattern.count else { return nil }
      return bytes.withUnsafeBufferPointer { bytes in
        for index in start...bytes.count - pattern.count where bytes[index] == pattern[0] {
          if atLineStart, index > 0, bytes[index - 1] != 10 { continue }
          if bytes[index..<index + pattern.count].elementsEqual(pattern) { return index }
        }
        return nil
      }
    }
  }

  /// A header's value and its parameters: `form-data; name="file"; filename="a.png"`.
  struct HeaderValue: Equatable {
    /// In lower case: `form-data`.
    let value: String
    /// By their names in lower case.
    let parameters: [String: String]

    init(_ text: String) {
      var pieces: [[UInt8]] = [[]]
      var (isQuoted, isEscaped) = (false, false)
      for byte in text.utf8 {
        if isEscaped {
          pieces[pieces.count - 1].append(byte)
          isEscaped = false
        } else if isQuoted, byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isQuoted.toggle()
        } else if byte == UInt8(ascii: ";"), !isQuoted {
          pieces.append([])
        } else {
          pieces[pieces.count - 1].append(byte)
        }
      }
      let texts = pieces.map { Self.trimmed(String(decoding: $0, as: UTF8.self)) }
      value = texts[0].lowercased()
      var parameters: [String: String] = [:]
      for text in texts.dropFirst() {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
        let name = Self.trimmed(String(text[..<equals])).lowercased()
        // Of one that is given twice the first counts.
        if parameters[name] == nil {
          parameters[name] = Self.trimmed(String(text[text.utf8.index(after: equals)...]))
        }
      }
      self.parameters = parameters
    }

    private static func trimmed(_ text: String) -> String {
      var bytes = text.utf8[...]
      while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
      while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
      return String(Substring(bytes))
    }
  }
#endif
