import ArgumentParser
import Foundation
import Testing

@testable import salad

/// The command itself: the tests have a `Salad` of their own.
private typealias Root = salad.Salad

/// Every option of every verb takes any text: it means something, or is refused in words. In this process, so that a trap
/// would be seen.
@Suite("Numbers on the command line")
struct NumberTests {
  /// Each verb with what it cannot do without.
  private static var verbs: [(verb: any ParsableCommand.Type, arguments: [String])] {
    [
      (Train.self, ["train", "--data", "d", "--run", "r", "--dry-run"]),
      (Score.self, ["score", "r", "i", "--output", "o"]),
      (Evaluate.self, ["evaluate", "r", "--data", "d"]),
      (Merge.self, ["merge", "r", "--output", "o"]),
      (Calibrate.self, ["calibrate", "r", "--data", "d", "--output", "o"]),
      (Import.self, ["import", "m", "--data", "d", "--output", "o"]),
      (PhantomCommand.self, ["phantom", "o"]),
      (Bench.self, ["bench"]),
      (Explain.self, ["explain", "r", "i"]),
      (ReportCommand.self, ["report", "r"]),
      (Embed.self, ["embed", "d", "i", "--output", "o.csv"]),
      (BankCommand.self, ["bank", "add", "d", "i", "--output", "o"]),
      (BankCommand.self, ["bank", "remove", "d", "--id", "i", "--output", "o"]),
    ] + served
  }

  #if Server
    private static var served: [(verb: any ParsableCommand.Type, arguments: [String])] {
      [(Serve.self, ["serve", "d"])]
    }
  #else
    private static var served: [(verb: any ParsableCommand.Type, arguments: [String])] { [] }
  #endif

  private static let extremes = [
    "0", "-1", "1e-300", "1e300", "1e400", "-inf", "nan", "1000000", "9223372036854775807", "-9223372036854775808",
    "99999999999999999999", "99999999T", "é", "never",
  ]

  /// What the parser or a table says; nil when the words are taken.
  private static func refusal(_ arguments: [String]) -> String? {
    do {
      _ = try Root.parseAsRoot(arguments)
      return nil
    } catch {
      return Arguments.advice(on: Root.message(for: error), words: ["salad"] + arguments)
    }
  }

  /// The options of a verb that take a value, from its help.
  private static func options(of arguments: [String]) throws -> [(flag: String, value: String)] {
    let words = Array(arguments.prefix(arguments[0] == "bank" ? 2 : 1))
    let help = Root.fullMessage(
      for: try #require(failure { _ = try Root.parseAsRoot(words + ["--experimental-dump-help"]) }))
    let root = try #require(JSONSerialization.jsonObject(with: Data(help.utf8)) as? [String: Any])
    var found = try #require(root["command"] as? [String: Any])
    for word in words {
      let commands = found["subcommands"] as? [[String: Any]] ?? []
      found = commands.first { $0["commandName"] as? String == word } ?? found
    }
    return (found["arguments"] as? [[String: Any]] ?? []).compactMap { argument in
      guard argument["kind"] as? String == "option",
        let name = (argument["preferredName"] as? [String: Any])?["name"] as? String
      else { return nil }
      return ("--" + name, argument["valueName"] as? String ?? "")
    }
  }

  private static func failure(_ body: () throws -> Void) -> (any Error)? {
    do {
      try body()
      return nil
    } catch {
      return error
    }
  }

  @Test("Whatever text an option is given, it is taken or refused in a sentence that names it")
  func extremes() throws {
    var seen = 0
    for (_, arguments) in Self.verbs {
      for (flag, _) in try Self.options(of: arguments) {
        for value in Self.extremes {
          seen += 1
          guard let refusal = Self.refusal(arguments + ["\(flag)=\(value)"]) else { continue }
          // `--micro-batch 0` is named by `--batch-size`, which it does not divide, and so on.
          #expect(refusal.contains("--"), "\(arguments[0]) \(flag)=\(value): \(refusal)")
          #expect(refusal.count > 20 && !refusal.contains("Error"), "\(arguments[0]) \(flag)=\(value): \(refusal)")
        }
      }
    }
    #expect(seen > 900, "\(seen)")
  }

  @Test("Text that is no number of an option's kind is refused with what it may be")
  func words() throws {
    let paths: Set = [
      "--data", "--run", "--output", "--bank", "--folder", "--initial-weights", "--levels", "--precision",
      "--body-part", "--view", "--labels", "--hash-salt", "--sheet", "--config", "--scores", "--site", "--encoder",
      "--local", "--save-local", "--evaluate", "--as-bank", "--patient", "--id", "--image", "--by", "--host",
      "--token-file", "--watch", "--images",
    ]
    for (verb, arguments) in Self.verbs {
      let described = try #require(verb as? any NumbersDescribed.Type).numbers
      #expect(Set(described.map(\.flag)).count == described.count, "\(verb)")
      for (flag, _) in try Self.options(of: arguments) where !paths.contains(flag) {
        let refusal = try #require(Self.refusal(arguments + ["\(flag)=x"]), "\(arguments[0]) \(flag)=x is taken")
        if let number = described.first(where: { $0.flag == flag }) {
          #expect(refusal.hasSuffix(": give \(number.words)"), "\(refusal)")
        } else {
          // A choice of words: the parser lists them, or the verb does.
          #expect(
            refusal.contains("Please provide one of") || refusal.contains(": give "), "\(arguments[0]): \(refusal)")
        }
      }
    }
  }

  @Test("Numbers beside their range are refused with the range, those on its edge are taken")
  func edges() {
    for (arguments, edge, beside) in [
      (0, "--workers=4096", "--workers=4097"), (0, "--keep=9223372036854775807", "--keep=0"),
      (0, "--checkpoint-every=9223372036854775807", "--checkpoint-every=-1"), (0, "--timeout=inf", "--timeout=nan"),
      (0, "--timeout=1e300", "--timeout=0.5"), (0, "--learning-rate=1e30", "--learning-rate=1e31"),
      (0, "--images-per-second=1e30", "--images-per-second=0"), (1, "--top-k=9223372036854775807", "--top-k=0"),
      (2, "--bootstrap=100000", "--bootstrap=100001"), (6, "--size=2048", "--size=2049"),
      (7, "--steps=1000000", "--steps=1000001"), (7, "--rows=4194304", "--rows=4194305"),
      (7, "--dimension=65536", "--dimension=0"),
    ] {
      let arguments = Self.verbs[arguments].arguments
      #expect(Self.refusal(arguments + [edge]) == nil)
      let refusal = Self.refusal(arguments + [beside]) ?? ""
      let flag = beside.split(separator: "=")[0]
      #expect(refusal.hasPrefix("\(flag) is ") && refusal.contains(": give a"), "\(beside): \(refusal)")
    }
  }

  @Test("Bytes come with suffixes, and more than can be counted are as many as can be")
  func bytes() {
    for (text, bytes) in [
      ("512M", 512 << 20), ("2g", 2 << 30), ("7", 7), ("3KiB", 3072), ("1TB", 1 << 40), ("0", 0),
      ("99999999T", Int.max), ("99999999999999999999", .max), ("9223372036854775807", .max),
    ] {
      #expect(ByteCount(argument: text)?.bytes == bytes, "\(text)")
    }
    for text in ["", "M", "-1", "1.5G", "1P", "٣", "1 G", "unlimited"] {
      #expect(ByteCount(argument: text) == nil, "\(text)")
    }
  }

  @Test("Empty words and bytes that are no UTF-8 are refused, whatever they are for")
  func rawWords() {
    func refusal(_ words: [[UInt8]]) -> String? {
      Self.failure { try Arguments.check([Array("salad".utf8)] + words) }.map { Root.message(for: $0) }
    }
    func bytes(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }

    #expect(refusal(bytes("score", "r", "é.png", "e\u{301}.png", "a\r\nb.png", "--csv")) == nil)
    #expect(refusal(bytes("score", "r", "--", "--odd=")) == nil)
    #expect(refusal(bytes("train", "--run", ""))?.hasPrefix("--run is empty") == true)
    #expect(refusal(bytes("train", "--run=", "--data", "d"))?.hasPrefix("--run is empty") == true)
    #expect(refusal(bytes("score", "r", ""))?.hasPrefix("argument 3 is empty") == true)
    #expect(refusal(bytes("score", "r", "--", ""))?.hasPrefix("argument 4 is empty") == true)
    let latin = refusal(bytes("score", "r") + [Array("caf".utf8) + [0xE9] + Array(".png".utf8)])
    #expect(latin?.hasPrefix(#"argument 3, caf\xE9.png, is not UTF-8"#) == true, "\(latin ?? "taken")")
  }

  @Test("What begins with a dash is told how to be given")
  func dashes() {
    let missing = Self.refusal(["train", "--data", "-d", "--run", "r"]) ?? ""
    #expect(missing.contains("--data=-VALUE"), "\(missing)")
    let unknown = Self.refusal(["score", "r", "-image.png"]) ?? ""
    #expect(unknown.contains("./-PATH"), "\(unknown)")
    #expect(Self.refusal(["score", "r", "--", "-image.png"]) == nil)
    #expect(Self.refusal(["train", "--data=-d", "--run=--r"]) == nil)
  }
}
