/// The JSON header of a `.safetensors` file: https://huggingface.co/docs/safetensors (section Format).
///
///     {"__metadata__":{"format":"pt"},"bank":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
struct Header {
  /// Bytes that a header may have, as in the reference implementation.
  static let maximumByteCount = 100_000_000

  struct Tensor {
    var description: TensorDescription
    /// Its bytes, counted from the end of the header.
    var range: Range<Int>
  }

  /// By position in the file.
  var tensors: [Tensor]
  var metadata: [String: String]

  /// The tensors one after the other in this order.
  init(_ descriptions: [TensorDescription], metadata: [String: String]) {
    tensors = []
    self.metadata = metadata
    var end = 0
    for description in descriptions {
      guard let count = description.byteCount, !end.addingReportingOverflow(count).overflow else {
        preconditionFailure("tensor \(description.name) of shape \(description.shape) is too large")
      }
      tensors.append(Tensor(description: description, range: end..<end + count))
      end += count
    }
    let names = Set(descriptions.map(\.name) + ["__metadata__"])
    precondition(
      names.count == descriptions.count + 1, "tensors' names must differ from each other and from __metadata__")
  }

  /// Bytes of all tensors.
  var dataByteCount: Int { tensors.last?.range.upperBound ?? 0 }
}

// MARK: Writing

extension Header {
  /// The first bytes of the file: the length, then the JSON, padded with spaces so that the tensors start at a
  /// multiple of 8. Metadata come first, sorted; tensors in their order: equal contents mean equal bytes.
  var bytes: [UInt8] {
    var members = tensors.map { tensor in
      let shape = tensor.description.shape.map(String.init).joined(separator: ",")
      return
        "\(quoted(tensor.description.name)):{\"dtype\":\"\(tensor.description.type.rawValue)\",\"shape\":[\(shape)],"
        + "\"data_offsets\":[\(tensor.range.lowerBound),\(tensor.range.upperBound)]}"
    }
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.insert("\"__metadata__\":{\(pairs.joined(separator: ","))}", at: 0)
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{8}": result += "\\b"
    case "\u{C}": result += "\\f"
    case "\0"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

// MARK: Reading

/// What is wrong with a header: the sentence without the path.
struct HeaderFault: Error {
  let sentence: String
}

extension Header {
  /// Parses and checks everything that a header can get wrong.
  ///
  /// - Parameters:
  ///   - json: the header without its length.
  ///   - dataByteCount: bytes of the file behind the header; the tensors must fill them without gap or overlap.
  init(json: UnsafeRawBufferPointer, dataByteCount: Int) throws(HeaderFault) {
    guard String(validating: json, as: UTF8.self) != nil else {
      throw HeaderFault(sentence: "expected a header in UTF-8, found other bytes")
    }
    var scanner = HeaderScanner(json)
    (tensors, metadata) = try scanner.header()

    // Position in the file, not in the header; stable, since empty tensors share a position.
    let order = tensors.indices.sorted {
      let (a, b) = (tensors[$0].range, tensors[$1].range)
      return (a.lowerBound, a.upperBound, $0) < (b.lowerBound, b.upperBound, $1)
    }
    tensors = order.map { tensors[$0] }

    var end = 0
    for tensor in tensors {
      let name = tensor.description.name
      guard tensor.range.lowerBound == end else {
        throw HeaderFault(
          sentence: "expected tensor \(name) to start at byte \(end) of the data, without gap or overlap, "
            + "found \(tensor.range.lowerBound)")
      }
      guard let count = tensor.description.byteCount else {
        throw HeaderFault(
          sentence: "expected a size that memory can hold for tensor \(name), found shape \(tensor.description.shape)")
      }
      guard tensor.range.count == count else {
        throw HeaderFault(
          sentence: "expected \(count) bytes for tensor \(name) (\(tensor.description.type.rawValue), "
            + "shape \(tensor.description.shape)), found \(tensor.range.count)")
      }
      end = tensor.range.upperBound
    }
    guard end == dataByteCount else {
      throw HeaderFault(
        sentence: "expected \(end) bytes of tensors behind the header, found \(dataByteCount): "
          + (dataByteCount < end ? "the file is truncated" : "something was appended"))
    }
  }
}
