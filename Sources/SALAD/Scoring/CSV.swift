/// Text for tables that programs read.
public enum CSV {
  /// A field as RFC 4180 has it: quoted where a comma, a quote or a line break would be misread.
  ///
  /// - Parameter text: any, its bytes are kept.
  public static func field(_ text: String) -> String {
    let quote = UInt8(ascii: "\"")
    guard text.utf8.contains(where: { [UInt8(ascii: ","), quote, 10, 13].contains($0) }) else { return text }
    // As bytes: a quote and a combining mark behind it are one `Character`, and no quote.
    let doubled = text.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
    return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
  }
}
