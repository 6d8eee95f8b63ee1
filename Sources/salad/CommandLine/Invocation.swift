import ArgumentParser
import Foundation
import Platform
import SALAD

/// What is asked for, wherever it was said: on the command line, else in the environment, else in a configuration file.
///
///     SALAD_SEED=3 salad train --config chest.toml --run run    # train --seed=3 --rounds=3 ... --run run
struct Invocation: Sendable {
  /// What the parser is given: the command line without the program and `--config`, the others' options behind the verb.
  let words: [String]
  /// Where options come from that the command line does not have, by their names with dashes.
  let origins: [String: Origin]
  /// About variables that look like an option's and are none.
  let warnings: [String]

  /// Of one option.
  enum Origin: Sendable, Equatable {
    /// The variable's name.
    case environment(String)
    case file(path: String, line: Int?)

    /// As a run remembers it: no folder that tells of this machine.
    var text: String {
      switch self {
      case .environment(let name): "environment \(name)"
      case .file(let path, _): "file \(path.split(separator: "/").last ?? "")"
      }
    }

    /// Before a sentence.
    var place: String {
      switch self {
      case .environment(let name): name
      case .file(let path, let line): line.map { "\(path): line \($0)" } ?? path
      }
    }
  }

  /// The one that this process carries out.
  @TaskLocal static var current = Invocation(words: Array(CommandLine.arguments.dropFirst()), origins: [:])

  init(words: [String], origins: [String: Origin], warnings: [String] = []) {
    (self.words, self.origins, self.warnings) = (words, origins, warnings)
  }

  /// Adds what the environment and a file say to a command line.
  ///
  /// - Parameters:
  ///   - words: of the command line, without the program.
  ///   - environment: of this process.
  /// - Throws: `SaladError` 64, 65 or 74 naming the variable, or the file, line and key, that is wrong;
  ///   `ValidationError` for a wrong `--config`.
  init(_ words: [String], environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    let variables = environment.filter { $0.key.hasPrefix(Self.prefix) && !$0.value.isEmpty }
    let (rest, files) = try Self.takeOut("--config", of: words)
    guard files.count < 2 else { throw ValidationError("--config is given twice: give one file") }
    let path = files.first ?? variables["\(Self.prefix)CONFIG"]
    guard path != nil || !variables.isEmpty, let name = words.first, !name.hasPrefix("-") else {
      self.init(words: words, origins: [:])
      return
    }
    let tree = CommandTree()
    // What is no verb, the parser refuses; one without --config as well, when it is given.
    guard let verb = tree.verb(name), name != "help", verb.options.contains(where: { $0.name == "config" }) else {
      self.init(words: words, origins: [:])
      return
    }
    let file = try path.map { try ConfigurationFile($0, verb: verb, tree: tree) }
    let given = Set(rest.prefix { $0 != "--" }.map { String($0.split(separator: "=").first ?? "") })
    var (added, origins): ([String], [String: Origin]) = ([], [:])
    for option in verb.options where option.isSetting {
      let names = option.names?.map(\.text) ?? []
      guard given.isDisjoint(with: names) else { continue }
      let variable = Self.variable(option.name)
      if let text = variables[variable] {
        added += try Self.words(option, text, variable)
        origins["--\(option.name)"] = .environment(variable)
      } else if let file, let entry = file.entries[option.name] {
        added += try Self.words(option, entry.text, file.path)
        origins["--\(option.name)"] = .file(path: file.path, line: entry.line)
      }
    }
    let known = Set(tree.root.verbs.flatMap(\.options).map { Self.variable($0.name) })
    let warnings = variables.keys.filter { !known.contains($0) }.sorted().compactMap { variable in
      Nearest.word(to: variable, in: known).map { "\(variable) is no option's variable: did you mean \($0)?" }
    }
    self.init(words: [name] + added + rest.dropFirst(), origins: origins, warnings: warnings)
  }

  private static let prefix = "SALAD_"

  /// `SALAD_BATCH_SIZE` of `batch-size`.
  static func variable(_ option: String) -> String {
    prefix + option.uppercased().replacingOccurrences(of: "-", with: "_")
  }

  /// An option's values, and the words without it; what stands behind `--` are no options.
  private static func takeOut(_ option: String, of words: [String]) throws -> (rest: [String], values: [String]) {
    var (rest, values): ([String], [String]) = ([], [])
    var index = 0
    while index < words.count, words[index] != "--" {
      let word = words[index]
      if word == option, index + 1 < words.count, !words[index + 1].hasPrefix("-") {
        values.append(words[index + 1])
        index += 1
      } else if word.hasPrefix("\(option)=") {
        values.append(String(word.dropFirst(option.count + 1)))
      } else {
        // Without a value it is the parser's to refuse.
        rest.append(word)
      }
      index += 1
    }
    return (rest + words[index...], values)
  }

  /// What would be typed for it.
  private static func words(_ option: CommandTree.Option, _ text: String, _ place: String) throws -> [String] {
    guard option.kind == .flag else { return ["--\(option.name)=\(text)"] }
    switch text.lowercased() {
    case "true", "1": return ["--\(option.name)"]
    case "false", "0": return option.inverse.map { [$0] } ?? []
    default:
      throw SaladError(
        .usage, "\(place): expected true or false as \(option.name), found \(String(reflecting: text))")
    }
  }

  // MARK: Asking

  var verbosity: Log.Verbosity { has("--quiet") ? .quiet : has("--verbose") ? .verbose : .usual }

  /// Whether a flag is among the words.
  func has(_ flag: String) -> Bool { words.prefix { $0 != "--" }.contains(flag) }

  /// What an option that the parser has accepted was given, the last time it was.
  func value(of flag: String) -> String? { (try? Self.takeOut(flag, of: words))?.values.last }

  /// A sentence of the parser's with the place of the first option that it names and the command line does not have.
  func placing(_ sentence: String) -> String {
    let flags = sentence.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
    guard let origin = flags.lazy.compactMap({ origins[$0] }).first else { return sentence }
    return "\(origin.place): \(sentence)"
  }
}
