import ArgumentParser
import Foundation
import RanksSupport
import Testing

@testable import salad

/// What the command line says of itself. In this process.
@Suite("Help")
struct HelpTests {
  private static func text(_ words: String...) throws -> String {
    try #require(try HelpRequest(words)).text()
  }

  @Test("The nearest verb is the one that was meant")
  func nearest() {
    let verbs = ["train", "score", "evaluate", "merge", "status"]
    for (typed, meant) in [
      ("trian", "train"), ("trai", "train"), ("eval", "evaluate"), ("scores", "score"), ("staus", "status"),
    ] {
      #expect(Nearest.word(to: typed, in: verbs) == meant)
    }
    for typed in ["x", "nosuch", "predict"] { #expect(Nearest.word(to: typed, in: verbs) == nil) }
    #expect(Nearest.distance("", "abc") == 3 && Nearest.distance("kitten", "sitting") == 3)
    #expect(Nearest.distance("ab", "ba") == 1 && Nearest.distance("same", "same") == 0)
  }

  @Test("Verbs and flags that there are not are refused with the nearest")
  func refusals() throws {
    let help = #expect(throws: ValidationError.self) { _ = try HelpRequest(["help", "trian"]) }
    #expect(help?.message == "salad has no verb trian (did you mean train?): salad help lists them")
    #expect(throws: ValidationError.self) { _ = try HelpRequest(["help", "nosuch"]) }
    #expect(throws: ValidationError.self) { _ = try HelpRequest(["help", "train", "--al"]) }
    #expect(throws: ValidationError.self) { _ = try HelpRequest(["help", "train", "score"]) }
    #expect(try HelpRequest(["train", "--help"]) == nil)
    func advice(_ words: [String]) -> String {
      do {
        _ = try salad.Salad.parseAsRoot(words)
        return "taken"
      } catch {
        return Arguments.advice(on: salad.Salad.message(for: error), words: ["salad"] + words)
      }
    }
    #expect(advice(["trian"]) == "salad has no verb trian (did you mean train?): salad help lists them")
    #expect(advice(["trian", "--data", "d"]).contains("trian"))
    #expect(
      advice(["train", "--run", "r", "--data", "d", "--epoch-per-round", "3"])
        == "Unknown option '--epoch-per-round'. Did you mean '--epochs-per-round'?")
  }

  @Test("Help of train shows what is often needed, and with --all everything")
  func all() throws {
    let (short, long) = (try Self.text("help", "train"), try Self.text("help", "train", "--all"))
    #expect(short.contains("--size") && short.contains("--config") && !short.contains("--anchor-rate"))
    #expect(long.contains("--anchor-rate") && long.contains("--flip/--no-flip") && long.contains("--size"))
    #expect(short.contains("salad help train --all"))
    #expect(try Self.text("help").contains("salad help train"))
  }

  @Test("Every verb has a page for man, whose lines are requests or text")
  func man() throws {
    for verb in CommandTree().root.verbs.map(\.name) where verb != "help" {
      let page = try Self.text("help", verb, "--man")
      #expect(page.hasPrefix(".TH \"SALAD-\(verb.uppercased())\" 1"))
      for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"] {
        #expect(page.contains("\n.SH \(section)\n"), "\(verb) \(section)")
      }
      let requests = page.split(separator: "\n").filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } }
      #expect(
        Set(requests).isSubset(of: [".TH", ".SH", ".SS", ".TP", ".PP", ".nh", ".hy", ".nf", ".fi", ".RS", ".RE"]))
    }
    #expect(try Self.text("help", "--man").contains("salad\\-train"))
  }

  @Test("man(1) takes the pages without a warning")
  func manWarnings() async throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/man"),
      FileManager.default.isExecutableFile(atPath: "/usr/bin/groff")
    else {
      print("skipped: there is no man and groff here")
      return
    }
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    for verb in ["train", "status"] {
      let path = "\(folder.path)/salad-\(verb).1"
      try Data(try Self.text("help", verb, "--man").utf8).write(to: URL(filePath: path))
      let page = try await Program.run(
        ["man", "--warnings", "-l", path], environment: ["MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"])
      #expect(page.status == 0 && page.errors.isEmpty && page.output.contains("SALAD-\(verb.uppercased())"), "\(page)")
    }
  }

  @Test("docs/configuration.md has the table of options as they are")
  func table() throws {
    let path = "\(ConfigurationFileTests.package)/docs/configuration.md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    let table = try Self.text("help", "train", "--table")
    let head = "<!-- by `salad help train --table`; a test compares -->\n"
    let parts = page.components(separatedBy: head)
    try #require(parts.count == 2)
    #expect(
      parts[1].components(separatedBy: "<!-- end -->")[0] == table,
      "put the output of salad help train --table between the marks of docs/configuration.md")
  }
}
