/// Room for a sentence that a C library writes, and its text.
enum CMessage {
  static func empty(_ size: Int) -> [CChar] { [CChar](repeating: 0, count: size) }

  static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
