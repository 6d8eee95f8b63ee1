import SALAD

/// A page for man(1), in man(7)'s macros: a verb's help, or the program's.
struct ManPage {
  private let verb: CommandTree.Verb
  private let root: CommandTree.Verb
  private var isRoot: Bool { verb.name == root.name }

  init(_ verb: CommandTree.Verb, of root: CommandTree.Verb) { (self.verb, self.root) = (verb, root) }

  var text: String {
    let title = isRoot ? root.name : "\(root.name)-\(verb.name)"
    var lines = [
      ".TH \"\(title.uppercased())\" 1 \"\" \"\(root.name) \(saladVersion)\" \"User Commands\"",
      ".SH NAME", "\(Self.escaped(title)) \\- \(Self.escaped(verb.abstract ?? ""))",
      ".SH SYNOPSIS", ".nh", "\\fB\(Self.escaped(title.replacing("-", with: " ")))\\fR \(synopsis)", ".hy",
      ".SH DESCRIPTION",
    ]
    lines += Self.paragraphs(verb.discussion ?? "")
    let verbs = verb.verbs.filter { isRoot ? HelpRequest.shownVerbs.contains($0.name) : $0.name != "help" }
    if !verbs.isEmpty {
      lines.append(".SH VERBS")
      for verb in verbs {
        // Each of the program's has a page of its own.
        let name = isRoot ? "\(root.name)-\(verb.name)" : "\(title.replacing("-", with: " ")) \(verb.name)"
        lines += [".TP", "\\fB\(Self.escaped(name))\\fR\(isRoot ? "(1)" : "")", Self.line(verb.abstract ?? "")]
      }
    }
    lines += options
    lines += [
      ".SH ENVIRONMENT", ".TP", "\\fBSALAD_NAME\\fR",
      "gives the option \\fB\\-\\-name\\fR where the command line does not.",
      ".SH EXIT STATUS",
    ]
    for (status, meaning) in Self.statuses { lines += [".TP", "\\fB\(status)\\fR", meaning] }
    lines += [".SH SEE ALSO"]
    let others = isRoot ? verbs.map { "\(root.name)-\($0.name)" } : [root.name]
    lines.append(others.map { "\\fB\(Self.escaped($0))\\fR(1)" }.joined(separator: ", "))
    return lines.joined(separator: "\n") + "\n"
  }

  private static let statuses = [
    ("0", "success"), ("64", "usage: flags, or what does not suit them"),
    ("65", "bad data: missing, empty, unreadable or damaged"), ("70", "an internal error"),
    ("74", "input or output failed"), ("75", "stopped; the same command with \\-\\-resume goes on"),
  ]

  private var synopsis: String {
    guard !isRoot else { return "\\fIverb\\fR [\\fIoptions\\fR]" }
    let needed = verb.options.filter { !$0.isOptional && $0.kind != .positional }
    let positional = verb.options.filter { $0.kind == .positional }
    return
      (["[\\fIoptions\\fR]"]
      + needed.map { "\\fB\(Self.escaped("--" + $0.name))\\fR \\fI\(Self.escaped($0.valueName ?? ""))\\fR" }
      + positional.map { "\\fI\(Self.escaped($0.valueName ?? ""))\\fR\($0.isRepeating ? " ..." : "")" })
      .joined(separator: " ")
  }

  private var options: [String] {
    var lines: [String] = []
    // Those without a section first: what the verb is about.
    var sections = [String?.none]
    for option in verb.options where !sections.contains(option.sectionTitle) { sections.append(option.sectionTitle) }
    for section in sections {
      let options = verb.options.filter { $0.sectionTitle == section }
      if options.isEmpty { continue }
      lines.append(section == nil ? ".SH OPTIONS" : ".SS \"\(Self.escaped(section ?? ""))\"")
      for option in options {
        let value = option.valueName.map { " \\fI\(Self.escaped($0))\\fR" } ?? ""
        let names = (option.names ?? []).map { "\\fB\(Self.escaped($0.text))\\fR" }.joined(separator: ", ")
        let head =
          option.kind == .positional
          ? "\\fI\(Self.escaped(option.valueName ?? ""))\\fR" : names + (option.kind == .option ? value : "")
        lines += [".TP", head, Self.line(OptionTable.help(of: option))]
      }
    }
    return lines
  }

  /// Indented lines stay as they are, the others flow.
  private static func paragraphs(_ text: String) -> [String] {
    var (lines, isExample): ([String], Bool) = ([], false)
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let indented = line.hasPrefix("  ")
      if indented != isExample, !line.isEmpty || isExample {
        lines.append(indented ? ".RS\n.nf" : ".fi\n.RE")
        isExample = indented
      }
      if line.isEmpty {
        if lines.last != ".PP" { lines.append(".PP") }
      } else {
        lines.append(Self.line(String(indented ? line.dropFirst(2) : line)))
      }
    }
    return isExample ? lines + [".fi\n.RE"] : lines
  }

  /// A line that begins with no request.
  private static func line(_ text: String) -> String {
    let text = escaped(text)
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
  }
}
