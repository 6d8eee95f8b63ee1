import ArgumentParser
import SALAD

/// The command line as the system gave it, looked at where the parser cannot: before it, and in its errors' words.
enum Arguments {
  /// Refuses words that no option and no path can be.
  ///
  /// - Throws: `ValidationError` for an empty one, and for bytes that are no UTF-8: a repaired path would be another file's.
  static func check() throws {
    let count = Int(CommandLine.argc)
    try check(
      (0..<count).map { index in
        CommandLine.unsafeArgv[index].map { Array(UnsafeRawBufferPointer(start: $0, count: length($0))) } ?? []
      })
  }

  /// - Parameter words: the program's name and its arguments, bytes.
  static func check(_ words: [[UInt8]]) throws {
    var (last, optionsEnded) = ("", false)
    for (place, bytes) in words.enumerated().dropFirst() {
      guard let word = String(validating: bytes, as: UTF8.self) else {
        throw ValidationError(
          "argument \(place), \(printable(bytes)), is not UTF-8: files are found here by names in UTF-8, so rename what it "
            + "names, or give a folder above it")
      }
      if word.isEmpty || !optionsEnded && word.hasPrefix("--") && word.utf8.last == UInt8(ascii: "=") {
        let name = word.isEmpty ? last : String(word.dropLast())
        let what = name.hasPrefix("--") ? name : "argument \(place)"
        throw ValidationError(
          "\(what) is empty: give it a value, or leave it away (was a variable of the shell not set?)")
      }
      if word == "--" { optionsEnded = true }
      last = optionsEnded ? "" : word
    }
  }

  /// What the parser says of a wrong command line, with what would be right.
  static func advice(on message: String, words: [String] = CommandLine.arguments) -> String {
    let verb = words.dropFirst().first { !$0.hasPrefix("-") }
    // The first word is a verb, unless it is an option of the program's own.
    if let first = words.dropFirst().first, first == verb, first != "help",
      !Salad.configuration.subcommands.contains(where: { $0._commandName == first })
    {
      return HelpRequest.noSuchVerb(first)
    }
    // The parser knows a flag that is like it.
    if message.hasPrefix("Unknown option '--"), message.contains("Did you mean") { return message }
    // `Missing value for '--data <dir>'`
    if message.hasPrefix("Missing value for '") {
      let flag = message.split(separator: "'").dropFirst().first?.split(separator: " ").first ?? "--option"
      return message + "; a value that begins with a dash is given as \(flag)=-VALUE"
    }
    // What begins with one dash was taken for some letters of options.
    let hasDash = words.dropFirst().contains { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.utf8.count > 1 }
    if message.hasPrefix("Unknown option '") || message.hasPrefix("Missing expected argument '") && hasDash {
      return message + ": a path that begins with a dash comes behind -- or is given as ./-PATH"
    }
    // `The value 'x' is invalid for '--size <size>'`
    guard message.hasPrefix("The value '"), message.contains("' is invalid for '"), message.hasSuffix("'"),
      let flag = message.split(separator: "'").last?.split(separator: " ").first,
      let numbers = Salad.configuration.subcommands.first(where: { $0._commandName == verb ?? "" })
        as? any NumbersDescribed.Type,
      let number = numbers.numbers.first(where: { $0.flag == flag })
    else { return message }
    return message + ": give \(number.words)"
  }

  /// `caf\xE9.png`
  private static func printable(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(
      decoding: bytes.flatMap { byte in
        (0x20...0x7E).contains(byte)
          ? [byte] : Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }, as: UTF8.self)
  }

  private static func length(_ text: UnsafePointer<CChar>) -> Int {
    var count = 0
    while text[count] != 0 { count += 1 }
    return count
  }
}

/// A verb whose numbers have ranges.
protocol NumbersDescribed {
  /// Each flag and what its number may be.
  static var numbers: [NumberDescription] { get }
}

/// A flag and what its number may be: `--keep`, `a number of checkpoints of at least 1`.
struct NumberDescription: Sendable, Equatable {
  var flag: String
  var words: String

  init(_ flag: String, _ words: String) {
    self.flag = flag
    self.words = words
  }

  static let work = all(Execution.ranges).filter { ["--workers", "--timeout"].contains($0.flag) }
  static let falseAlarmRate = NumberDescription("--false-alarm-rate", "a number above 0 and below 1")

  static func all<Root>(_ ranges: [NumberRange<Root>]) -> [NumberDescription] {
    ranges.map { NumberDescription($0.flag, $0.words) }
  }
}
