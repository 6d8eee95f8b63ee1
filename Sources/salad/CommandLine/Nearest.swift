/// The word that somebody meant.
enum Nearest {
  /// The one of `words` that is most like `word`; nil where none is like it.
  ///
  ///     Nearest.word(to: "trian", in: ["train", "score"])   // train
  static func word(to word: String, in words: some Sequence<String>) -> String? {
    let most = max(1, min(3, word.utf8.count / 3))
    return
      words
      .map { (distance: distance(word, $0), word: $0) }
      .filter { $0.distance <= most || $0.word.hasPrefix(word) && word.utf8.count > 2 }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
  }

  /// ` (did you mean train?)`, or nothing.
  static func hint(_ word: String, in words: some Sequence<String>, as text: (String) -> String = { $0 }) -> String {
    Self.word(to: word, in: words).map { " (did you mean \(text($0))?)" } ?? ""
  }

  /// Bytes to insert, remove, replace, or swap with their neighbour (Damerau 1964, each pair once) to make one of the
  /// other. O(|a| |b|).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    for i in a.indices {
      for j in b.indices {
        var least = min(rows[i][j + 1] + 1, rows[i + 1][j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        rows[i + 1][j + 1] = least
      }
    }
    return rows[a.count][b.count]
  }
}
