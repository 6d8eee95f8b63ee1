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
      #expect(lines[0] == "path,score,rule,p_value,flagged")
      #expect(lines[1].hasPrefix("\"" + odd.replacingOccurrences(of: "\"", with: "\"\"") + "\","))
      let scores = lines.dropFirst().map { Double($0.split(separator: ",").dropLast(3).last ?? "") }
      #expect(scores.allSatisfy { $0.map { (0...1).contains($0) } ?? false })
      #expect(lines.dropFirst().allSatisfy { $0.contains(",weighted-distance,") })
      #expect(scores[0] == scores[2], "equal images have equal scores")
      #expect(lines[2] == lines[3 + 3], "an image asked for twice is scored twice")
      #expect(lines.dropFirst(3).map { $0.split(separator: ",")[0] } == names.map { "\(good)/\($0)" })
    }

    @Test("An evaluation is one object, equal for any number of ranks, and agrees with the table")
    func evaluation() async throws {
      let sample = try #require(Sample.shared)
      let evaluate = ["evaluate", sample.run, "--data", sample.data]
      let json = try await Salad.succeed(evaluate + ["--json"]).output
      for ranks in [2, 4] {
        #expect(try await Salad.succeed(ranks: ranks, evaluate + ["--json", "--workers", "1"]).output == json)
      }
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      let evaluation = try #require(object)
      #expect(evaluation["count_normal"] as? Int == 9)
      #expect(evaluation["count_anomalous"] as? Int == 12)
      #expect(evaluation["rule"] as? String == "weighted-distance")
      let auroc = try #require(evaluation["auroc"] as? Double)
      let precision = try #require(evaluation["average_precision"] as? Double)
      #expect((0...1).contains(auroc) && (0...1).contains(precision))

      #expect(evaluation["bank"] as? String == "refreshed")
      #expect(evaluation["top_k"] as? Int == SmallTraining.images, "the bank has no more rows")
      #expect((evaluation["by_kind"] as? [Any])?.count == 4)
      let confidence = try #require(evaluation["confidence"] as? [String: Any])
      #expect(confidence["units"] as? String == "images")
      #expect(confidence["unit_count"] as? Int == 21)
      let interval = try #require((confidence["intervals"] as? [String: [Double]])?["auroc"])
      #expect(interval[0] <= auroc && auroc <= interval[1])

      let table = try await Salad.succeed(evaluate + ["--baseline"]).output.split(separator: "\n").map(String.init)
      let range = String(format: "%.3f to %.3f", interval[0], interval[1])
      #expect(table.contains { $0.hasPrefix("AUROC ") && $0.hasSuffix(range) })
      #expect(table[table.count - 2].hasPrefix("nearest neighbour in raw 32 x 32 pixels: AUROC "))
      #expect(table.last == String(format: "AUROC %.3f  AP %.3f  (9 normal, 12 anomalous)", auroc, precision))
    }

    @Test("Other seeds draw other intervals of the same estimates, and without a bootstrap there are none")
    func bootstrap() async throws {
      let sample = try #require(Sample.shared)
      func evaluate(_ arguments: String...) async throws -> [String: Any] {
        let command = ["evaluate", sample.run, "--data", sample.data, "--json"]
        let json = try await Salad.succeed(command + arguments).output
        return try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
      }
      /// All but the intervals.
      func estimates(_ evaluation: [String: Any]) -> NSDictionary {
        let rest = evaluation.filter { !["confidence", "by_kind"].contains($0.key) }
        let kinds = (evaluation["by_kind"] as? [[String: Any]])?.map { $0.filter { $0.key != "auroc_interval" } }
        return NSDictionary(dictionary: rest.merging(["by_kind": kinds ?? []]) { $1 })
      }
      let (first, second) = (try await evaluate(), try await evaluate("--bootstrap-seed", "1"))
      let without = try await evaluate("--bootstrap", "0")
      #expect(NSDictionary(dictionary: first) != NSDictionary(dictionary: second))
      #expect(without["confidence"] == nil)
      #expect(estimates(first) == estimates(second))
      #expect(estimates(first) == NSDictionary(dictionary: without))
    }

    @Test("The momentum bank and another rule score otherwise, and the rule travels with the scores")
    func rules() async throws {
      let sample = try #require(Sample.shared)
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let refreshed = try await Salad.succeed(score).output
      let momentum = try await Salad.succeed(score + ["--bank", "momentum"]).output
      let weighted = try await Salad.succeed(score + ["--score-rule", "weighted"]).output
      #expect(refreshed != momentum)
      #expect(refreshed != weighted)
      #expect(weighted.split(separator: "\n").dropFirst().allSatisfy { $0.contains(",weighted,") })
      // Angles are those of the bottleneck, which the momentum bank holds.
      let angles = try await Salad.succeed(score + ["--score-rule", "mean-angle", "--bank", "momentum"]).output
      #expect(angles.split(separator: "\n").dropFirst().allSatisfy { $0.contains(",mean-angle,") })
      let refused = try await Salad.run(score + ["--score-rule", "mean-angle"])
      Salad.expectRefusal(refused, status: 64, naming: ["mean-angle", sample.run, "--levels z"])
    }

    @Test(
      "A faster reduction says that it promises no bits: in its log, settings and manifests",
      arguments: ["float32", "bfloat16"])
    func reductions(_ reduction: String) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path(reduction)
      let trained = try await Salad.succeed(
        ranks: 2,
        ["train", "--data", sample.data, "--run", run, "--reduction", reduction] + SmallTraining.arguments)
      #expect(trained.errors.contains("--reduction \(reduction): "))
      try await Salad.succeed(["merge", run, "--output", sample.path("deploy")])
      let checkpoint = try String(decoding: bytes(of: run + "/latest"), as: UTF8.self).split(separator: "\n")[0]
      for file in [
        "\(run)/config.json", "\(run)/checkpoints/\(checkpoint)/manifest.json", sample.path("deploy/manifest.json"),
      ] {
        let text = String(decoding: try bytes(of: file), as: UTF8.self)
        #expect(text.replacing(" ", with: "").contains("\"reduction\":\"\(reduction)\""), "\(file)")
      }
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
