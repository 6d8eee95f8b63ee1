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
      #expect(try !isCalibrated(cut))
      let unfinished = try await Salad.succeed(["score", cut, sample.data + "/test", "--csv"])
      // The momentum bank's rows are measured when they score.
      #expect(unfinished.output.hasPrefix("path,score,rule,p_value,flagged\n"))
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
      #expect(manifest.calibration.origin == "kept-back")
      #expect(manifest.calibration.leftOut.values.allSatisfy { $0.count == 16 })
      #expect(manifest.falseAlarmRate == 0.3)
      func known(_ rule: String) throws -> [Double] {
        let median = try #require(manifest.calibration.medians[rule])
        #expect(median == self.median(manifest.calibration.leftOut[rule] ?? []))
        let kept = try #require(manifest.calibration.reference?[rule])
        return kept.map { $0 / median / (1 + $0 / median) }.sorted()
      }
      // floor(0.3 * 11) = 3
      #expect(try manifest.threshold == known("weighted-distance")[10 - 3])

      for rule in ["weighted", "weighted-distance"] {
        let csv = try await Salad.succeed(
          ["score", deploy, sample.data + "/train", sample.data + "/test", "--csv", "--score-rule", rule])
        let known = try known(rule)
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

      // Under another K nobody scored those images: the bank's own rows judge, and the wished rate stays.
      for model in [run, deploy] {
        let other = try await Salad.succeed(["score", model, sample.data + "/test", "--csv", "--top-k", "5"])
        #expect(other.errors.contains("its kept-back p-values are of K 16 and the refreshed bank: with these flags"))
        for row in try self.rows(other.output) {
          #expect((row.pValue * 17).rounded() / 17 == row.pValue)
          #expect(row.isFlagged == (row.pValue <= 0.3))
        }
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
      #expect(never.output.hasPrefix("weighted-distance  p-value  flagged  path\n"))
      #expect(!never.output.dropFirst(40).contains("flagged"))
    }

    @Test("Without images kept back p-values come from the training images, each left out")
    func leftOut() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let images = sample.data + "/test"
      let deploy = sample.path("deploy")
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      let manifest = try decode(Manifest.self, bytes(of: deploy + "/manifest.json"))
      #expect(manifest.calibration.origin == "left-out" && manifest.calibration.reference == nil)
      let rows = try self.rows(await Salad.succeed(["score", deploy, images, "--csv"]).output)
      let distances = try #require(manifest.calibration.leftOut["weighted-distance"])
      let median = self.median(distances)
      let known = distances.map { $0 / median / (1 + $0 / median) }
      for row in rows { #expect(row.pValue == Double(1 + known.count { $0 >= row.score }) / 27) }

      // Another K or bank is measured when it scores: its p-values are of as many images.
      for other in [["--top-k", "5"], ["--bank", "momentum"]] {
        let result = try await Salad.succeed(ranks: 2, ["score", sample.run, images, "--csv"] + other)
        for row in try self.rows(result.output) {
          #expect((row.pValue * 27).rounded() / 27 == row.pValue, "\(other)")
        }
      }
      try await Salad.succeed(["merge", sample.run, "--bank", "momentum", "--output", sample.path("momentum")])
      let momentum = try await Salad.succeed(["score", sample.path("momentum"), images, "--csv"]).output
      #expect(
        try await Salad.succeed(["score", sample.run, images, "--csv", "--bank", "momentum"]).output == momentum)
    }

    @Test("Runs of other seeds score together, the same for any number of ranks; what does not fit is refused")
    func ensemble() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let train = ["train", "--data", sample.data] + SmallTraining.arguments.dropLast(2)
      let runs = [7, 8, 9].map { sample.path("seed-\($0)") }
      for (seed, run) in zip([7, 8, 9], runs) {
        try await Salad.succeed(train + ["--seed", "\(seed)", "--run", run])
      }
      let deploy = sample.path("ensemble")
      try await Salad.succeed(ranks: 2, ["merge"] + runs + ["--output", deploy])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: deploy).sorted() == [
          "bank-2.safetensors", "bank-3.safetensors", "bank.safetensors", "manifest.json", "model-2.safetensors",
          "model-3.safetensors", "model.safetensors",
        ])
      let score = ["score", deploy, sample.data + "/test", "--csv"]
      let csv = try await Salad.succeed(score).output
      for ranks in [2, 3] { #expect(try await Salad.succeed(ranks: ranks, score).output == csv) }
      // u / (1 + u) with u the mean of the models' u.
      var relative: [[Double]] = []
      for run in runs {
        let alone = try rows(await Salad.succeed(["score", run, sample.data + "/test", "--csv"]).output)
        relative.append(alone.map { $0.score / (1 - $0.score) })
      }
      for (index, row) in try rows(csv).enumerated() {
        let mean = relative.reduce(0) { $0 + $1[index] } / 3
        #expect(abs(row.score - mean / (1 + mean)) < 1e-12)
      }

      let other = sample.path("other")
      try await Salad.succeed(train + ["--seed", "7", "--levels", "e2,e3", "--run", other])
      let linear = sample.path("linear")
      try await Salad.succeed(train + ["--seed", "7", "--feature-scale", "linear", "--run", linear])
      // Whatever their seeds, the same images are kept back.
      let kept = [7, 8].map { sample.path("kept-\($0)") }
      for (seed, run) in zip([7, 8], kept) {
        try await Salad.succeed(train + ["--seed", "\(seed)", "--validation-fraction", "0.2", "--run", run])
      }
      try await Salad.succeed(["merge"] + kept + ["--output", sample.path("kept")])
      for (run, words) in [
        (other, "--levels e3,e4,e5"), (linear, "--feature-scale root"), (kept[0], "expected a run of the images"),
      ] {
        let refused = try await Salad.run(ranks: 2, ["merge", runs[0], run, "--output", sample.path("none")])
        Salad.expectRefusal(refused, status: 64, naming: [run, words])
      }
      let twice = try await Salad.run(["merge", runs[0], runs[0], "--output", sample.path("none")])
      Salad.expectRefusal(twice, status: 64, naming: ["twice"])
      #expect(!FileManager.default.fileExists(atPath: sample.path("none")))
    }

    @Test("Another place's normal images give a deployment their own scale and p-values", arguments: [1, 2])
    func localCalibration(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, here) = (sample.path("deploy"), sample.path("here"))
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      let place = sample.path("place")
      try await Salad.succeed([
        "phantom", place, "--train", "25", "--test-normal", "3", "--test-anomalous", "4", "--size", "64", "--seed",
        "99",
      ])
      let normal = place + "/train"
      let calibrated = try await Salad.succeed(
        ranks: ranks, ["calibrate", deploy, "--data", normal, "--output", here, "--false-alarm-rate", "0.1"])
      #expect(calibrated.errors.contains("calibrated on 25 normal images of this place"))
      #expect(calibrated.errors.contains("a false-alarm rate of 0.1 give or take 0.06"))
      let rows = try self.rows(await Salad.succeed(ranks: ranks, ["score", here, normal, "--csv"]).output)
      #expect(abs(median(rows.map(\.score)) - 0.5) < 1e-9)
      #expect(rows.count { $0.isFlagged } <= 2)
      for file in ["model.safetensors", "bank.safetensors"] {
        #expect(try bytes(of: "\(here)/\(file)") == bytes(of: "\(deploy)/\(file)"))
      }
      let none = sample.path("none")
      for (model, data, words) in [
        (deploy, place + "/test/good", "at least 20 normal images"),
        (deploy, place, "normal images alone"), (deploy, sample.data + "/train", "training image"),
        (sample.run, normal, "found a run"),
      ] {
        let refused = try await Salad.run(ranks: ranks, ["calibrate", model, "--data", data, "--output", none])
        Salad.expectRefusal(refused, status: model == deploy ? 65 : 64, naming: [words])
      }
      let taken = try await Salad.run(ranks: ranks, ["calibrate", deploy, "--data", normal, "--output", here])
      Salad.expectRefusal(taken, status: 64, naming: [here])
      #expect(!FileManager.default.fileExists(atPath: none))
    }

    @Test("Rates and fractions that cannot be are refused")
    func refusals() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let images = sample.data + "/test"
      for ranks in [1, 2] {
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
      struct Calibration: Decodable {
        var origin: String
        var medians: [String: Double]
        var leftOut: [String: [Double]]
        var reference: [String: [Double]]?
      }
      var imageIds: [String]
      var calibration: Calibration
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

    /// Whether a run's newest checkpoint has a calibration.
    private func isCalibrated(_ run: String) throws -> Bool {
      struct Checkpoint: Decodable { var calibration: Manifest.Calibration? }
      let step = try String(decoding: bytes(of: run + "/latest"), as: UTF8.self).split(separator: "\n")[0]
      return try decode(Checkpoint.self, bytes(of: "\(run)/checkpoints/\(step)/manifest.json")).calibration != nil
    }

    private func median(_ values: [Double]) -> Double {
      let sorted = values.sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
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
