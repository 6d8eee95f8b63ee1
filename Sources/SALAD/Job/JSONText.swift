#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON as our artefacts have it: keys sorted, so that equal values mean equal bytes.
package enum JSONText {
  /// Many lines, for people and files.
  package static func pages<T: Encodable>(_ value: T) throws -> [UInt8] {
    try encode(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + [UInt8(ascii: "\n")]
  }

  /// One line with its end, for logs.
  package static func line<T: Encodable>(_ value: T) throws -> [UInt8] {
    try encode(value, [.sortedKeys, .withoutEscapingSlashes]) + [UInt8(ascii: "\n")]
  }

  /// - Parameter path: for the sentence.
  /// - Throws: `SaladError` 65 naming the path and the key that is missing or wrong.
  package static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8], path: String) throws -> T {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw SaladError(.badData, "\(path): \(sentence(error))")
    }
  }

  private static func encode<T: Encodable>(_ value: T, _ format: JSONEncoder.OutputFormatting) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    return Array(try encoder.encode(value))
  }

  private static func sentence(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey], _ last: (any CodingKey)? = nil) -> String {
      let keys = path + (last.map { [$0] } ?? [])
      return keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "expected the key \(place(context.codingPath, key)), found none"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      return "expected \(type) as \(place(context.codingPath)), found something else"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "found a value of \(place(context.codingPath)) that is not known here"
    case .dataCorrupted: return "expected JSON, found something else or only part of it"
    @unknown default: return "expected other JSON: \(error)"
    }
  }
}
