import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Images kept back from training, and what they say of others.
  @Suite("Calibration")
  struct CalibrationTests {
    /// 10 of 26 images are kept back.
    static let options = SmallTraining.arguments + ["--validation-fraction", "0.4", "--false-alarm-rate", "0.3"]

    @Test("Ranks, merging and a resume change no bit of a calibration")
    func equalBits() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let train =
        ["train", "--data", sample.data] + Self.options + ["--epochs-per-round", "20", "--checkpoint-every", "3"]
      let whole = try await Salad.succeed(train + ["--run", sample.path("whole")])
      #expect(whole.errors.contains("calibrated on 10 images kept back: scores above "))

      let cut = sample.path("cut")
      let once = Once()
      let stopped = try await Salad.run(ranks: 3, train + ["--run", cut]) { mpirun in
        guard FileManager.default.fileExists(atPath: cut + "/latest") else { return }
        once { kill(mpirun, SIGUSR1) }
      }
      #expect(stopped.status == 75, "\(stopped)")
      #expect(try checkpoint(cut).calibration == nil)
      let unfinished = try await Salad.succeed(["score", cut, sample.data + "/test", "--csv"])
      #expect(unfinished.output.hasPrefix("path,score,rule\n"))
      try await Salad.succeed(ranks: 2, ["train", "--run", cut, "--resume"])

      var scores: Set<String> = []
      for name in ["whole", "cut"] {
        try await Salad.succeed(["merge", sample.path(name), "--output", sample.path("deploy-\(name)")])
        for (model, ranks) in [(name, 1), (name, 3), ("deploy-\(name)", 2)] {
          scores.insert(
            try await Salad.succeed(ranks: ranks, ["score", sample.path(model), sample.data, "--csv"]).output)
        }
      }
      #expect(scores.count == 1)
      for file in ["model.safetensors", "bank.safetensors", "manifest.json"] {
        #expect(try bytes(of: sample.path("deploy-whole/\(file)")) == bytes(of: sample.path("deploy-cut/\(file)")))
      }
    }

    @Test("p-values are those of the images kept back, scored as any other image, and travel with the deployment")
    func pValues() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (run, deploy) = (sample.path("calibrated"), sample.path("deploy"))
      try await Salad.succeed(ranks: 2, ["train", "--data", sample.data, "--run", run] + Self.options)
      try await Salad.succeed(["merge", run, "--output", deploy])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: deploy).sorted() == [
          "bank.safetensors", "manifest.json", "model.safetensors",
        ])
      let manifest = try decode(Manifest.self, bytes(of: deploy + "/manifest.json"))
      #expect(manifest.imageIds.count == 16)
      let kept = try #require(manifest.calibration?.scores)
      #expect(manifest.falseAlarmRate == 0.3)
      // floor(0.3 * 11) = 3
      #expect(manifest.threshold == kept["weighted"]?[10 - 3])

      for rule in ["weighted", "mean-angle"] {
        let csv = try await Salad.succeed(
          ["score", deploy, sample.data + "/train", sample.data + "/test", "--csv", "--score-rule", rule])
        let known = try #require(kept[rule])
        let rows = try self.rows(csv.output)
        for row in rows {
          let p = Double(1 + known.count { $0 >= row.score }) / 11
          #expect(row.pValue == p)
          #expect(row.isFlagged == (p <= 0.3))
        }
        let keptBack = rows.filter { row in
          row.path.contains("/train/") && !manifest.imageIds.contains { row.path.hasSuffix($0) }
        }
        #expect(keptBack.map(\.score).sorted() == known)
      }
    }

    @Test("An evaluation gives the rates that the threshold really had, at any wished rate")
    func evaluation() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("calibrated")
      try await Salad.succeed(["train", "--data", sample.data, "--run", run] + Self.options)
      for (arguments, rate) in [([], 0.3), (["--false-alarm-rate", "0.55"], 0.55)] {
        let evaluate = ["evaluate", run, "--data", sample.data] + arguments
        let json = try await Salad.succeed(ranks: 2, evaluate + ["--json"]).output
        #expect(json.split(separator: "\n").count == 1)
        let evaluation = try decode(Evaluation.self, Data(json.utf8))
        let rows = try self.rows(
          await Salad.succeed(["score", run, sample.data + "/test", "--csv"] + arguments).output)
        let normal = rows.filter { $0.path.contains("/good/") }
        let anomalous = rows.filter { !$0.path.contains("/good/") }
        let normalRate = Double(normal.count { $0.isFlagged }) / 9
        let anomalousRate = Double(anomalous.count { $0.isFlagged }) / 12
        #expect(evaluation.flaggedNormalRate == normalRate)
        #expect(evaluation.flaggedAnomalousRate == anomalousRate)
        #expect(evaluation.falseAlarmRate == rate)
        #expect(evaluation.calibrationCount == 10)
        #expect(rows.allSatisfy { $0.isFlagged == ($0.score > evaluation.threshold) })
        let table = try await Salad.succeed(evaluate).output
        #expect(table.contains(String(format: "flagged %.1f %% of normal", 100 * normalRate)))
      }
      let never = try await Salad.succeed(["score", run, sample.data + "/test", "--false-alarm-rate", "0.05"])
      #expect(never.errors.contains("no image can be flagged at a false-alarm rate of 0.05 with 10 images kept back"))
      #expect(never.output.hasPrefix("weighted  p-value  flagged  path\n"))
      #expect(!never.output.dropFirst(40).contains("flagged"))
    }

    @Test("Without a calibration for just these settings there are no p-values, and asking for a rate is refused")
    func uncalibrated() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("calibrated")
      try await Salad.succeed(["train", "--data", sample.data, "--run", run] + Self.options)
      let images = sample.data + "/test"
      for other in [["--top-k", "5"], ["--bank", "momentum"]] {
        let result = try await Salad.succeed(["score", run, images, "--csv"] + other)
        #expect(result.output.hasPrefix("path,score,rule\n"))
        #expect(result.errors.contains("--top-k 16 and the refreshed bank, not of this"))
        let refused = try await Salad.run(["score", run, images, "--false-alarm-rate", "0.5"] + other)
        Salad.expectRefusal(refused, status: 64, naming: [run, "--false-alarm-rate"])
      }
      try await Salad.succeed(["merge", run, "--bank", "momentum", "--output", sample.path("momentum")])
      #expect(try decode(Manifest.self, bytes(of: sample.path("momentum/manifest.json"))).calibration == nil)

      for ranks in [1, 2] {
        let never = try await Salad.run(
          ranks: ranks, ["evaluate", sample.run, "--data", sample.data, "--false-alarm-rate", "0.1"])
        Salad.expectRefusal(never, status: 64, naming: [sample.run, "--validation-fraction"])
        let wrong = try await Salad.run(
          ranks: ranks, ["score", sample.run, images, "--false-alarm-rate", "1"])
        Salad.expectRefusal(wrong, status: 64, naming: ["--false-alarm-rate is 1.0"])
        let empty = try await Salad.run(
          ranks: ranks,
          ["train", "--data", sample.data, "--run", sample.path("none"), "--validation-fraction", "0.99"]
            + SmallTraining.arguments)
        Salad.expectRefusal(empty, status: 64, naming: ["0 training images that --validation-fraction 0.99 leaves"])
        #expect(!FileManager.default.fileExists(atPath: sample.path("none")))
      }
    }

    // MARK: Reading results

    private struct Manifest: Decodable {
      struct Calibration: Decodable { var scores: [String: [Double]] }
      var imageIds: [String]
      var calibration: Calibration?
      var falseAlarmRate: Double?
      var threshold: Double?
    }

    private struct Evaluation: Decodable {
      var auroc: Double
      var falseAlarmRate: Double
      var threshold: Double
      var calibrationCount: Int
      var flaggedNormalRate: Double
      var flaggedAnomalousRate: Double
    }

    // JSONSerialization would round the last bits away.
    private func decode<T: Decodable>(_ type: T.Type, _ bytes: Data) throws -> T {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: bytes)
    }

    /// The manifest of a run's newest checkpoint.
    private func checkpoint(_ run: String) throws -> Manifest {
      let step = try String(decoding: bytes(of: run + "/latest"), as: UTF8.self).split(separator: "\n")[0]
      return try decode(Manifest.self, bytes(of: "\(run)/checkpoints/\(step)/manifest.json"))
    }

    private struct Row {
      var path: String
      var score: Double
      var pValue: Double
      var isFlagged: Bool
    }

    private func rows(_ csv: String) throws -> [Row] {
      let lines = csv.split(separator: "\n")
      #expect(lines[0] == "path,score,rule,p_value,flagged")
      return try lines.dropFirst().map { line in
        let fields = line.split(separator: ",")
        return Row(
          path: String(fields[0]), score: try #require(Double(fields[1])), pValue: try #require(Double(fields[3])),
          isFlagged: try #require(Bool(String(fields[4]))))
      }
    }
  }
}
