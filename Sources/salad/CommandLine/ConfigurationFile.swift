import Foundation
import Platform
import SALAD
import TOMLKit

/// A file of settings, in TOML: the options' names as keys, and tables of a verb's name for what that verb alone is to have.
///
///     data = "/data/chest"
///     epochs-per-round = 4
///
///     [evaluate]
///     bootstrap = 10000
struct ConfigurationFile {
  /// What a key gives.
  struct Entry {
    /// As an option would have it; true and false of a flag.
    var text: String
    var isBool: Bool
    /// From 1; nil: unknown.
    var line: Int?
  }

  /// As it was named.
  let path: String
  /// Without folders: what a run remembers.
  var name: String { String(path.split(separator: "/").last ?? "") }
  /// Those of one verb, by the option's name: its own table's before the others.
  let entries: [String: Entry]

  static let mostBytes = 1 << 20

  /// Reads what a file says to a verb.
  ///
  /// - Throws: `SaladError` 65 naming file, line and key where something is not as it should be; 74 where it cannot be
  ///   read.
  init(_ path: String, verb: CommandTree.Verb, tree: CommandTree) throws {
    self.path = path
    let text = try Self.read(path)
    let root = try Self.parse(text, path)
    let lines = Lines(text)
    var (shared, own): ([String: Entry], [String: Entry]) = ([:], [:])
    for key in root.keys.sorted() {
      if let table = root[key]?.table {
        guard let owner = tree.verb(key) else {
          throw Self.error(
            path, lines.table(key),
            "expected a table of a verb's name, found [\(key)]"
              + Nearest.hint(key, in: tree.root.verbs.map(\.name)))
        }
        let found = try Self.entries(of: table, in: key, path, lines) {
          owner.setting($0)
        } unknown: { name in
          Self.hint(name, owner, tree)
        }
        if owner.name == verb.name { own = found }
      }
    }
    let known = tree.root.verbs
    shared = try Self.entries(of: root, in: nil, path, lines) { name in
      verb.setting(name) ?? known.lazy.compactMap { $0.setting(name) }.first
    } unknown: { name in
      Self.hint(name, verb, tree)
    }
    // What other verbs have is for them.
    shared = shared.filter { verb.setting($0.key) != nil }
    entries = shared.merging(own) { _, own in own }
  }

  // MARK: Reading

  private static func read(_ path: String) throws -> String {
    for ending in [".yaml", ".yml", ".json"] where path.lowercased().hasSuffix(ending) {
      throw SaladError(
        .usage, "\(path): expected a configuration file in TOML, found \(ending): write it as key = value")
    }
    let bytes: [UInt8]
    do {
      let status = try FileStatus(path)
      guard status.kind == .file else {
        throw SaladError(.badData, "\(path): expected a configuration file, found \(status.kindInWords)")
      }
      guard status.size <= mostBytes else {
        throw SaladError(
          .badData, "\(path): expected a configuration file of at most \(mostBytes) bytes, found \(status.size)")
      }
      bytes = try Files.read(path)
    } catch let error as SystemError {
      let found = error.isMissing ? "no such file" : error.reason
      throw SaladError(
        error.isMissing ? .badData : .inputOutput, "\(path): expected a configuration file in TOML, found \(found)")
    }
    // A zero byte would end the text for the parser.
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw SaladError(.badData, "\(path): expected a configuration file in UTF-8, found other bytes")
    }
    return text
  }

  private static func parse(_ text: String, _ path: String) throws -> TOMLTable {
    do {
      return try TOMLTable(string: text)
    } catch let failure as TOMLParseError {
      let sentence = failure.description.split(separator: "\n").joined(separator: " ")
      throw error(path, failure.source.begin.line, "expected TOML, found otherwise: \(sentence)")
    }
  }

  private static func entries(
    of table: TOMLTable, in verb: String?, _ path: String, _ lines: Lines,
    option: (String) -> CommandTree.Option?, unknown: (String) -> String
  ) throws -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for key in table.keys.sorted() {
      guard let value = table[key], verb != nil || value.table == nil else { continue }
      // As config.json has its keys.
      let name = key.replacingOccurrences(of: "_", with: "-")
      let line = lines.key(key, in: verb)
      guard let option = option(name) else {
        throw error(path, line, "expected the name of an option as key, found \(key)\(unknown(name))")
      }
      guard entries[name] == nil else { throw error(path, line, "expected \(name) once, found it twice") }
      entries[name] = try entry(value, of: option, path, line)
    }
    return entries
  }

  private static func hint(_ name: String, _ verb: CommandTree.Verb, _ tree: CommandTree) -> String {
    let own = verb.options.filter(\.isSetting).map(\.name)
    if let nearest = Nearest.word(to: name, in: own) { return " (did you mean \(nearest)?)" }
    return Nearest.hint(name, in: Set(tree.root.verbs.flatMap(\.options).filter(\.isSetting).map(\.name)))
  }

  // MARK: Values

  private static func entry(
    _ value: any TOMLValueConvertible, of option: CommandTree.Option, _ path: String, _ line: Int?
  ) throws -> Entry {
    let takesBool = option.kind == .flag || option.inverse != nil
    guard takesBool == (value.bool != nil), let text = text(value) else {
      let wanted = takesBool ? "true or false" : option.values.map { $0.joined(separator: ", ") } ?? "a number or text"
      throw error(path, line, "expected \(wanted) as \(option.name), found \(described(value))")
    }
    guard !text.isEmpty else { throw error(path, line, "expected a value of \(option.name), found an empty text") }
    if let values = option.values, !values.isEmpty, !values.contains(text) {
      throw error(
        path, line,
        "expected one of \(values.joined(separator: ", ")) as \(option.name), found \(String(reflecting: text))"
          + Nearest.hint(text, in: values))
    }
    return Entry(text: text, isBool: takesBool, line: line)
  }

  /// As an option has it; a list is joined by commas. nil where no option has such a value.
  private static func text(_ value: any TOMLValueConvertible) -> String? {
    switch value.type {
    case .bool: return value.bool.map { "\($0)" }
    case .int: return value.int.map { "\($0)" }
    case .double: return value.double.map { "\($0)" }
    case .string: return value.string
    case .array:
      guard let array = value.array else { return nil }
      let parts = array.compactMap { $0.table == nil && $0.array == nil && $0.bool == nil ? text($0) : nil }
      return parts.count == array.count ? parts.joined(separator: ",") : nil
    default: return nil
    }
  }

  // Not `debugDescription`: TOMLKit has another one.
  private static func described(_ value: any TOMLValueConvertible) -> String {
    switch value.type {
    case .bool: value.bool == true ? "true" : "false"
    case .string: "the text \(String(reflecting: value.string ?? ""))"
    case .int, .double: "the number \(text(value) ?? "")"
    case .array: "a list"
    case .table: "a table"
    case .date, .time, .dateTime: "a date or time"
    }
  }

  static func error(_ path: String, _ line: Int?, _ sentence: String) -> SaladError {
    SaladError(.badData, "\(path)\(line.map { ": line \($0)" } ?? ""): \(sentence)")
  }
}

/// Where keys stand in a file's text, as far as looking for them tells: the parser does not say.
private struct Lines {
  private var keys: [String: Int] = [:]
  private var tables: [String: Int] = [:]

  init(_ text: String) {
    var table = ""
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.drop { $0 == " " || $0 == "\t" }
      if words.hasPrefix("["), let end = words.firstIndex(of: "]") {
        table = Self.bare(words[words.index(after: words.startIndex)..<end])
        if tables[table] == nil { tables[table] = index + 1 }
      } else if let equals = words.firstIndex(of: "=") {
        let key = "\(table)\n\(Self.bare(words[..<equals]))"
        if keys[key] == nil { keys[key] = index + 1 }
      }
    }
  }

  func table(_ name: String) -> Int? { tables[name] }
  func key(_ name: String, in table: String?) -> Int? { keys["\(table ?? "")\n\(name)"] }

  private static func bare(_ text: Substring) -> String {
    text.filter { !" \t\"'".contains($0) }
  }
}
