import SALAD

/// The options of a verb as tables in Markdown, for documentation.
enum OptionTable {
  /// A table for each section of the verb's help; a training's settings with what the recipes have.
  static func text(of verb: CommandTree.Verb) -> String {
    let options = verb.options.filter(\.isSetting)
    var sections: [String] = []
    for option in options where !sections.contains(option.sectionTitle ?? "") {
      sections.append(option.sectionTitle ?? "")
    }
    return sections.map { section in
      let rows = options.filter { $0.sectionTitle ?? "" == section }
      let title = section.isEmpty ? "" : "### \(section)\n\n"
      guard let group = Setting.Group(rawValue: section) else { return title + table(rows) }
      return title + table(Setting.all(of: group))
    }.joined(separator: "\n")
  }

  private static func table(_ options: [CommandTree.Option]) -> String {
    "| key | what it does |\n|---|---|\n"
      + options.map { "| `\($0.name)` | \(cell(help(of: $0))) |\n" }.joined()
  }

  private static func table(_ settings: [Setting]) -> String {
    func published(_ setting: Setting) -> String {
      let text = setting.text(of: Recipe.published.configuration)
      return text == setting.text(of: Configuration()) ? setting.defaultText : text
    }
    return "| key | value | default | published | what it does |\n|---|---|---|---|---|\n"
      + settings.map { setting in
        let values = [setting.words, setting.defaultText, published(setting), setting.help].map(cell)
        return "| `\(setting.name)` | \(values.joined(separator: " | ")) |\n"
      }.joined()
  }

  private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

  /// With its values and its default.
  static func help(of option: CommandTree.Option) -> String {
    var facts: [String] = []
    if let values = option.values, !values.isEmpty, option.abstract?.contains("values: ") != true {
      facts.append("values: \(values.joined(separator: ", "))")
    }
    if let value = option.defaultValue, option.abstract?.contains("default: ") != true {
      facts.append("default: \(value)")
    }
    return (option.abstract ?? "") + (facts.isEmpty ? "" : " (\(facts.joined(separator: "; ")))")
  }
}
