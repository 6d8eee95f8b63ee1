import ArgumentParser
import Foundation

/// The verbs and their options, as the parser describes them.
struct CommandTree: Decodable, Sendable {
  /// One verb, or the program.
  struct Verb: Decodable, Sendable {
    var name: String
    var abstract: String?
    var discussion: String?
    var options: [Option]
    var verbs: [Verb]

    enum CodingKeys: String, CodingKey {
      case abstract, discussion
      case name = "commandName"
      case options = "arguments"
      case verbs = "subcommands"
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      abstract = try container.decodeIfPresent(String.self, forKey: .abstract)
      discussion = try container.decodeIfPresent(String.self, forKey: .discussion)
      options = Self.joined(try container.decodeIfPresent([Option].self, forKey: .options) ?? [])
      verbs = try container.decodeIfPresent([Verb].self, forKey: .verbs) ?? []
    }

    /// The parser lists a flag and its inverse, `--flip` and `--no-flip`, as two.
    private static func joined(_ options: [Option]) -> [Option] {
      let flags = Set(options.filter { $0.kind == .flag }.map(\.name))
      func isInverse(_ option: Option) -> Bool {
        option.kind == .flag && option.name.hasPrefix("no-") && flags.contains(String(option.name.dropFirst(3)))
      }
      return options.filter { !isInverse($0) }.map { option in
        var option = option
        let inverse = options.first { isInverse($0) && $0.name == "no-\(option.name)" && option.kind == .flag }
        option.names = option.names.map { $0 + (inverse?.names ?? []) }
        return option
      }
    }

    /// The option of such a name without dashes; nil where there is none that a file or variable may give.
    func setting(_ name: String) -> Option? { options.first { $0.isSetting && $0.name == name } }
  }

  /// An argument, option or flag.
  struct Option: Decodable, Sendable {
    enum Kind: String, Decodable, Sendable { case positional, option, flag }

    struct Name: Decodable, Sendable {
      enum Kind: String, Decodable, Sendable { case long, short, longWithSingleDash }
      var kind: Kind
      var name: String

      /// `--size`
      var text: String { kind == .long ? "--\(name)" : "-\(name)" }
    }

    var kind: Kind
    var isOptional: Bool
    var isRepeating: Bool
    /// Whether help shows it without being asked for all.
    var shouldDisplay: Bool
    var sectionTitle: String?
    var names: [Name]?
    var valueName: String?
    var values: [String]?
    var defaultValue: String?
    var abstract: String?
    var discussion: String?

    enum CodingKeys: String, CodingKey {
      case kind, isOptional, isRepeating, shouldDisplay, sectionTitle, names, valueName, abstract, discussion,
        defaultValue
      case values = "allValues"
    }

    /// Without dashes.
    var name: String { names?.first { $0.kind == .long }?.name ?? valueName ?? "" }

    /// Those that mean something to the parser, or to what comes before it, alone.
    private static let own: Set = ["help", "version", "config", "experimental-dump-help", "generate-completion-script"]

    /// Whether a configuration file or a variable may give it.
    var isSetting: Bool { kind != .positional && !Self.own.contains(name) }

    /// `--no-flip` of `--flip`; nil where there is none.
    var inverse: String? {
      names?.first { $0.kind == .long && $0.name == "no-\(name)" }?.text
    }
  }

  var root: Verb

  enum CodingKeys: String, CodingKey { case root = "command" }

  /// Of this program.
  init() {
    do {
      self = try JSONDecoder().decode(CommandTree.self, from: Data(Salad._dumpHelp().utf8))
    } catch {
      preconditionFailure("the parser describes its options in another way: \(error)")
    }
  }

  /// - Returns: nil where there is no such verb.
  func verb(_ name: String) -> Verb? { root.verbs.first { $0.name == name } }
}
