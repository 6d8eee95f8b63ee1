/// Capital letters, digits and some signs of 3 x 5 dots.
enum SmallLetters {
  static let (width, height, advance) = (3, 5, 4)

  /// Calls `dot` for each pixel of a text's letters, the first one's upper left corner at 0, 0.
  ///
  /// - Parameters:
  ///   - text: drawn in capitals.
  ///   - scale: pixels along a dot's side.
  ///   - most: letters that are drawn.
  static func draw(_ text: String, scale: Int, most: Int, dot: (_ x: Int, _ y: Int) -> Void) {
    for (place, letter) in text.uppercased().prefix(most).enumerated() {
      for (row, bits) in rows(of: letter).enumerated() {
        for column in 0..<width where bits >> (width - 1 - column) & 1 == 1 {
          for dy in 0..<scale {
            for dx in 0..<scale { dot((place * advance + column) * scale + dx, row * scale + dy) }
          }
        }
      }
    }
  }

  /// From the top, three bits each; of an unknown letter a frame.
  private static func rows(of letter: Character) -> [Int] {
    (shapes[letter] ?? "75557").map { $0.wholeNumberValue ?? 0 }
  }

  /// A digit a row: 4 the left dot, 2 the middle, 1 the right.
  private static let shapes: [Character: String] = [
    "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644", "G": "34553", "H": "55755",
    "I": "72227", "J": "11152", "K": "55655", "L": "44447", "M": "57755", "N": "57775", "O": "25552", "P": "65644",
    "Q": "25563", "R": "65655", "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255",
    "Y": "55222", "Z": "71247", "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717",
    "6": "74757", "7": "71122", "8": "75757", "9": "75717", "-": "00700", ".": "00002", "_": "00007", "/": "11244",
    ":": "02020", ",": "00024", "+": "02720", "=": "07070", "(": "24442", ")": "21112", "%": "51245", "#": "57575",
    " ": "00000", ">": "42124", "<": "12421",
  ]
}
