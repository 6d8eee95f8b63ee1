import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// What standard output carries.
  @Suite("Results")
  struct ResultTests {
    @Test("Version and help are said once, whatever the number of ranks", arguments: [1, 2])
    func help(ranks: Int) async throws {
      let version = try await Salad.succeed(ranks: ranks, ["--version"]).output
      #expect(version.split(separator: "\n").count == 1)
      for verb in ["train", "score", "evaluate", "merge", "phantom"] {
        let help = try await Salad.succeed(ranks: ranks, [verb, "--help"]).output
        #expect(help.components(separatedBy: "USAGE:").count == 2)
        #expect(help.contains("salad \(verb) "), "an example: \(help)")
      }
    }

    @Test("Scores come in the order asked for, with odd names quoted", arguments: [1, 2])
    func order(ranks: Int) async throws {
      let sample = try #require(Sample.shared)
      let names = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/test/good").sorted()
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let odd = folder.path + "/a \"quoted\", name.png"
      try FileManager.default.copyItem(atPath: "\(sample.data)/test/good/\(names[0])", toPath: odd)
      let good = sample.data + "/test/good"

      let result = try await Salad.succeed(
        ranks: ranks, ["score", sample.run, odd, "\(good)/\(names[3])", good, "--csv", "--top-k", "5"])
      let lines = result.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 3 + names.count)
      #expect(lines[0] == "path,score,rule")
      #expect(lines[1].hasPrefix("\"" + odd.replacingOccurrences(of: "\"", with: "\"\"") + "\","))
      let scores = lines.dropFirst().map { Double($0.split(separator: ",").dropLast().last ?? "") }
      #expect(scores.allSatisfy { $0.map { (0...1).contains($0) } ?? false })
      #expect(lines.dropFirst().allSatisfy { $0.hasSuffix(",weighted") })
      #expect(scores[0] == scores[2], "equal images have equal scores")
      #expect(lines[2] == lines[3 + 3], "an image asked for twice is scored twice")
      #expect(lines.dropFirst(3).map { $0.split(separator: ",")[0] } == names.map { "\(good)/\($0)" })
    }

    @Test("An evaluation is one object, equal for any number of ranks, and agrees with the table")
    func evaluation() async throws {
      let sample = try #require(Sample.shared)
      let evaluate = ["evaluate", sample.run, "--data", sample.data]
      let json = try await Salad.succeed(evaluate + ["--json"]).output
      #expect(try await Salad.succeed(ranks: 3, evaluate + ["--json"]).output == json)
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      let evaluation = try #require(object)
      #expect(evaluation["count_normal"] as? Int == 9)
      #expect(evaluation["count_anomalous"] as? Int == 12)
      #expect(evaluation["rule"] as? String == "weighted")
      let auroc = try #require(evaluation["auroc"] as? Double)
      let precision = try #require(evaluation["average_precision"] as? Double)
      #expect((0...1).contains(auroc) && (0...1).contains(precision))

      let table = try await Salad.succeed(evaluate + ["--baseline"]).output.split(separator: "\n")
      #expect(table.count == 2)
      #expect(table[0].hasPrefix("nearest neighbour in raw 32 x 32 pixels: AUROC "))
      #expect(
        table[1] == String(format: "AUROC %.3f  AP %.3f  (9 normal, 12 anomalous)", auroc, precision)[...])
    }

    @Test("The momentum bank and another rule score otherwise, and the rule travels with the scores")
    func rules() async throws {
      let sample = try #require(Sample.shared)
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let refreshed = try await Salad.succeed(score).output
      let momentum = try await Salad.succeed(score + ["--bank", "momentum"]).output
      let meanAngle = try await Salad.succeed(score + ["--score-rule", "mean-angle"]).output
      #expect(refreshed != momentum)
      #expect(refreshed != meanAngle)
      #expect(meanAngle.split(separator: "\n").dropFirst().allSatisfy { $0.hasSuffix(",mean-angle") })
    }

    @Test("A copied run resumes beside a copy of its data, and raised rounds train on")
    func copied() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let copy = sample.path("elsewhere")
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: sample.run, toPath: copy + "/run")
      try FileManager.default.moveItem(atPath: sample.data, toPath: copy + "/data")
      let files = try FileManager.default.subpathsOfDirectory(atPath: copy + "/run")
      for file in files where file.hasSuffix(".json") || file.hasSuffix(".jsonl") || file == "latest" {
        let text = String(decoding: try bytes(of: "\(copy)/run/\(file)"), as: UTF8.self)
        #expect(!text.contains(sample.folder.path), "\(file) names an absolute path")
      }

      let resumed = try await Salad.succeed(["train", "--run", copy + "/run", "--resume", "--rounds", "2"])
      #expect(resumed.errors.contains("round 2 of 2"))
      try await Salad.succeed(["evaluate", copy + "/run", "--data", copy + "/data"])
    }
  }
}
