import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Scores in files: written as JSON, and evaluated without their model.
  @Suite("Scores in files")
  struct MadeScoresTests {
    private struct Line: Decodable, Equatable {
      var path: String
      var score: Double?
      var rule: String
      var pValue: Double?
      var flagged: Bool?
      var error: String?

      enum CodingKeys: String, CodingKey {
        case path, score, rule, flagged, error
        case pValue = "p_value"
      }
    }

    @Test("An object a line says what a row of the table does, on any ranks, also resumed and of a bad image")
    func json() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let images = "\(sample.data)/test"
      try Data("no picture".utf8).write(to: URL(filePath: "\(images)/good/000-bad.png"))
      let options = ["--bad-images", "skip"]
      let table = try await Salad.succeed(["score", sample.run, images, "--csv"] + options).output
      let lines = try await Salad.succeed(ranks: 2, ["score", sample.run, images, "--json"] + options).output
      let file = sample.path("scores.jsonl")
      try await Salad.succeed(["score", sample.run, images, "--json", "--output", file] + options)
      #expect(try bytes(of: file) == Data(lines.utf8))
      let rows = table.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      let objects = try lines.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      try #require(rows.count == objects.count)
      for (row, object) in zip(rows, objects) {
        #expect(String(row[0]) == object.path && Double(row[1]) == object.score && String(row[2]) == object.rule)
        #expect(Double(row[3]) == object.pValue && Bool(String(row[4])) == object.flagged)
        #expect((object.score == nil) == (object.error != nil))
      }
      Salad.expectRefusal(
        try await Salad.run(["score", sample.run, images, "--json", "--csv"]), status: 64, naming: ["--csv", "--json"])
    }

    @Test("Made scores give the numbers that scoring anew gives", arguments: [1, 2])
    func evaluate(ranks: Int) async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let file = folder.path + "/scores.csv"
      try await Salad.succeed(["score", sample.run, "\(sample.data)/test", "--csv", "--output", file])
      func numbers(_ arguments: [String]) async throws -> [String: Any] {
        let output = try await Salad.succeed(
          ranks: ranks, ["evaluate"] + arguments + ["--data", sample.data, "--json"])
        return try #require(JSONSerialization.jsonObject(with: Data(output.output.utf8)) as? [String: Any])
      }
      var (made, anew) = (try await numbers(["--scores", file]), try await numbers([sample.run]))
      for key in ["bank", "top_k", "false_alarm_rate", "calibration_count", "threshold"] {
        #expect(made.removeValue(forKey: key) == nil)
        anew[key] = nil
      }
      #expect(NSDictionary(dictionary: made) == NSDictionary(dictionary: anew))
      let text = try await Salad.succeed(["evaluate", "--scores", file, "--data", sample.data, "--bootstrap", "0"])
        .output
      #expect(text.contains("AUROC") && text.contains("flagged") && !text.contains("nearest prototypes"))
    }

    @Test("A table that is none, or has not all images, is refused in a sentence")
    func refusals() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let file = folder.path + "/scores.csv"
      for (text, words) in [
        ("", ["path,score,rule", "found nothing"]), ("a,b\n1,2\n", ["path,score,rule", "a,b"]),
        ("path,score,rule\n", ["expected scores, found none"]),
        ("path,score,rule\nx.png,2,weighted-distance\n", ["line 2", "0...1"]),
        ("path,score,rule\nx.png,0.5,best\n", ["line 2", "rule", "best"]),
        ("path,score,rule\nx.png,0.5\n", ["line 2", "3 values", "found 2"]),
        ("path,score,rule\nx.png,0.5,weighted-distance\n", ["expected a score of every test image"]),
      ] {
        try Data(text.utf8).write(to: URL(filePath: file))
        Salad.expectRefusal(
          try await Salad.run(["evaluate", "--scores", file, "--data", sample.data]), status: 65, naming: [file] + words
        )
      }
      Salad.expectRefusal(
        try await Salad.run(["evaluate", sample.run, "--scores", file, "--data", sample.data]), status: 64,
        naming: ["--scores"])
      Salad.expectRefusal(
        try await Salad.run(["evaluate", "--scores", file, "--data", sample.data, "--top-k", "3"]), status: 64,
        naming: ["--scores", "--top-k"])
    }
  }
}
