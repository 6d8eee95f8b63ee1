/// Paths that another program lists, one after the other.
///
///     find /archive -name '*.png' -print0 | salad score deploy -
enum PathList {
  /// Bytes of a list: a million long paths.
  static let mostBytes = 1 << 28
  /// Bytes of a path that a file system takes.
  private static let longestPath = 4096

  /// The paths of a list: between zero bytes where there is one, else one a line, whose end may be CR LF.
  ///
  /// - Throws: `SaladError` 65 where there is none, or one that no file here can have.
  static func paths(_ bytes: [UInt8], origin: String) throws -> [String] {
    let hasZeros = bytes.contains(0)
    var paths: [String] = []
    for (place, part) in bytes.split(separator: hasZeros ? 0 : 10, omittingEmptySubsequences: false).enumerated() {
      var part = part
      if !hasZeros, part.last == 13 { part.removeLast() }
      guard !part.isEmpty else { continue }
      func error(_ found: String) -> SaladError {
        SaladError(
          .badData,
          "\(origin): \(hasZeros ? "path" : "line") \(place + 1): expected the path of an image, found \(found)")
      }
      guard part.count < longestPath else { throw error("one of \(part.count) bytes") }
      guard let path = String(validating: part, as: UTF8.self) else { throw error("one that is not UTF-8") }
      paths.append(path)
    }
    guard !paths.isEmpty else {
      throw SaladError(
        .badData, "\(origin): expected paths of images, one a line or between zero bytes, found none")
    }
    return paths
  }
}
