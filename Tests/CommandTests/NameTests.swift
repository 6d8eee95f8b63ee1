import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Names of files that a terminal would obey.
  @Suite("Names")
  struct NameTests {
    private static let name = "a\nb\u{1B}[2J\u{202E}.png"
    private static let shown = "a\\nb\\u{1B}[2J\\u{202E}.png"

    @Test("Sentences and tables spell them out, CSV has their bytes")
    func controls() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let test = sample.path("test")
      try FileManager.default.createDirectory(atPath: test, withIntermediateDirectories: false)
      try FileManager.default.copyItem(
        atPath: sample.data + "/test/good/0001.png", toPath: "\(test)/\(Self.name)")
      let table = try await Salad.succeed(["score", sample.run, test])
      #expect(table.output.split(separator: "\n").count == 2, "\(table)")
      #expect(table.output.contains("\(test)/\(Self.shown)\n"), "\(table)")
      let csv = try await Salad.succeed(["score", sample.run, test, "--csv"])
      #expect(csv.output.contains("\"\(test)/\(Self.name)\","), "\(csv)")

      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(test)/\(Self.name)"))
      for ranks in [1, 2] {
        let refused = try await Salad.run(ranks: ranks, ["score", sample.run, test])
        Salad.expectRefusal(refused, status: 65, naming: ["\(test)/\(Self.shown)"])
      }
      let skipped = try await Salad.succeed(["score", sample.run, test, "--csv", "--bad-images", "skip"])
      #expect(skipped.errors.contains("salad: skipped: \(test)/\(Self.shown)"), "\(skipped)")
      #expect(!skipped.errors.contains("\u{1B}"), "\(skipped)")

      // As an argument: the parser's own words, and the names of runs and folders.
      let run = "\(test)/\(Self.name)-run"
      for arguments in [
        ["score", run, test], ["merge", run, "--output", sample.path("deploy")], ["train", "--run", run, "--resume"],
      ] {
        let result = try await Salad.run(arguments)
        #expect(result.status == 64 || result.status == 65, "\(result)")
        #expect(result.errors.contains("\(Self.shown)-run"), "\(result)")
        #expect(!result.errors.contains("\u{1B}"), "\(result)")
      }
      let parser = try await Salad.run(["train", "--size", "6\u{1B}[2J4", "--run", "x", "--data", "y"])
      #expect(parser.status == 64 && parser.errors.contains("6\\u{1B}[2J4"), "\(parser)")
    }
  }
}
