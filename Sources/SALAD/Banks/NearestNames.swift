/// Names that somebody may have meant.
enum NearestNames {
  /// At most three of `names`: those whose last part is what was typed, then those that differ in few bytes.
  ///
  ///     nearest(to: "a.png", in: ["train/good/a.png", "train/good/b.png"])   // train/good/a.png
  ///
  /// - Parameters:
  ///   - name: as it was typed.
  ///   - names: those that are known; each is named once.
  static func nearest(to name: String, in names: some Sequence<String>) -> [String] {
    let wanted = Array(name.utf8)
    // From here on, two names have nothing to do with each other.
    let most = max(2, wanted.count / 4)
    var found: [(distance: Int, name: String)] = []
    for other in Set(names) {
      let bytes = Array(other.utf8)
      let isWithin =
        wanted.count >= 3 && (bytes.count > wanted.count ? endsWith(bytes, wanted) : endsWith(wanted, bytes))
      let distance = isWithin ? 0 : self.distance(wanted, bytes, most: most)
      if distance <= most { found.append((distance, other)) }
    }
    return found.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }

  /// ` (nearest: a.png, b.png)`, or nothing.
  static func words(for name: String, in names: some Sequence<String>) -> String {
    let found = nearest(to: name, in: names)
    return found.isEmpty ? "" : " (nearest: \(found.joined(separator: ", ")))"
  }

  private static func endsWith(_ bytes: [UInt8], _ end: [UInt8]) -> Bool {
    bytes.suffix(end.count).elementsEqual(end)
      && (bytes.count == end.count || bytes[bytes.count - end.count - 1] == UInt8(ascii: "/"))
  }

  /// Bytes to put in, take out or change (Levenshtein); anything above `most` where it is more.
  static func distance(_ one: [UInt8], _ other: [UInt8], most: Int) -> Int {
    guard abs(one.count - other.count) <= most else { return most + 1 }
    var row = Array(0...other.count)
    for (place, byte) in one.enumerated() {
      var diagonal = row[0]
      row[0] = place + 1
      var least = row[0]
      for (column, candidate) in other.enumerated() {
        let changed = diagonal + (byte == candidate ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
        least = min(least, row[column + 1])
      }
      if least > most { return most + 1 }
    }
    return row[other.count]
  }
}
