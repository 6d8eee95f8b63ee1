/// The files below a data set's folders that no decoder takes, counted by suffix: what is left out is said.
public struct UnreadFiles: Sendable, Equatable {
  /// Files by their suffix in lower case, `.jpeg`; `` for none.
  private(set) var counts: [String: Int] = [:]

  mutating func add(_ name: String) {
    counts[Self.suffix(of: name), default: 0] += 1
  }

  /// `.jpeg` of `a.JPEG`; empty where what follows the last dot is no kind of file: in `1.2.840.10008` it is a number, and in
  /// other names it may be a sentence or a line break.
  static func suffix(of name: String) -> String {
    let bytes = name.utf8
    guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")) else { return "" }
    let suffix = String(decoding: bytes[bytes.index(after: dot)...], as: UTF8.self).lowercased()
    let isKind =
      (1...8).contains(suffix.utf8.count) && suffix.utf8.contains { (0x61...0x7A).contains($0) }
      && suffix.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    return isKind ? "." + suffix : ""
  }

  public var isEmpty: Bool { counts.isEmpty }

  /// "10 .jpeg files and 1 file without a suffix are not read: only .png files are"; most frequent first.
  public var sentence: String {
    let kinds = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let limit = 4
    var parts = kinds.prefix(limit).map { suffix, count in
      let files = count == 1 ? "file" : "files"
      return suffix.isEmpty ? "\(count) \(files) without a suffix" : "\(count) \(suffix) \(files)"
    }
    if kinds.count > limit { parts.append("\(kinds.dropFirst(limit).reduce(0) { $0 + $1.value }) others") }
    let list =
      parts.count < 2 ? parts.joined() : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    return "\(list) \(counts.values.reduce(0, +) == 1 ? "is" : "are") not read: only \(ImageFile.suffixes) files are"
  }
}
