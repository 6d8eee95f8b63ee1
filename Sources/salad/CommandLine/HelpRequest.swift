import ArgumentParser
import SALAD

/// `salad help`, `salad help VERB`, and `salad help VERB --all`, which shows what is rarely needed as well.
///
/// `--man` gives the same as a page for man(1), `--table` the options of a verb as tables in Markdown, `--verbs` the names
/// of all verbs.
struct HelpRequest {
  private let verb: (any ParsableCommand.Type)?
  private let showsAll: Bool
  private let form: Form

  private enum Form { case screen, man, table, verbs }

  /// - Parameter words: of the command line, without the program.
  /// - Returns: nil where no help is asked for, or in the parser's own way.
  /// - Throws: `ValidationError` naming a verb that there is not.
  init?(_ words: [String]) throws {
    guard words.first == "help" else { return nil }
    var verbs: [String] = []
    var (showsAll, form) = (false, Form.screen)
    for word in words.dropFirst() {
      switch word {
      case "--all", "--help-hidden": showsAll = true
      case "--man": form = .man
      case "--table": form = .table
      case "--verbs": form = .verbs
      // As the parser has it.
      case "-h", "-help", "--help", "--version", "help": return nil
      default:
        guard !word.hasPrefix("-") else {
          throw ValidationError(
            "Unknown option '\(word)'\(Nearest.hint(word, in: ["--all", "--man"])): give a verb, and --all for everything"
          )
        }
        verbs.append(word)
      }
    }
    guard verbs.count < 2 else {
      throw ValidationError("give one verb to help, found \(verbs.joined(separator: ", "))")
    }
    verb = try verbs.first.map { name in
      guard let verb = Salad.configuration.subcommands.first(where: { $0._commandName == name }) else {
        throw ValidationError(Self.noSuchVerb(name))
      }
      return verb
    }
    (self.showsAll, self.form) = (showsAll, form)
  }

  /// Whatever was asked for, with its line end.
  func text() -> String {
    let tree = form == .screen ? nil : CommandTree()
    let found = tree.map { tree in verb.flatMap { tree.verb($0._commandName) } ?? tree.root }
    switch form {
    case .screen: break
    case .verbs: return Self.shownVerbs.map { $0 + "\n" }.joined()
    case .man: return found.map { ManPage($0, of: tree!.root).text } ?? ""
    case .table: return found.map(OptionTable.text) ?? ""
    }
    guard let verb else { return Salad.helpMessage(includeHidden: showsAll) + "\n" }
    return Salad.helpMessage(for: verb, includeHidden: showsAll) + "\n"
  }

  /// Those that are for people.
  static var shownVerbs: [String] {
    Salad.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
  }

  static func noSuchVerb(_ name: String) -> String {
    "salad has no verb \(name)\(Nearest.hint(name, in: shownVerbs)): salad help lists them"
  }
}
