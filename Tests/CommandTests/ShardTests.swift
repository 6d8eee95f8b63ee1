import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// A run whose files are not those that its training wrote is refused by every verb that reads it.
  @Suite("Shards")
  struct ShardTests {
    @Test("Merge, score and resume refuse every damage by the file's name and the reason, and change nothing")
    func damages() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let others = try await Others(of: sample)
      let whole = sample.path("whole")
      try FileManager.default.moveItem(atPath: sample.run, toPath: whole)
      let resume = ["train", "--run", sample.run, "--resume", "--rounds", "2"]
      for (index, damage) in Damage.all(others).enumerated() {
        try FileManager.default.copyItem(atPath: whole, toPath: sample.run)
        defer { try? FileManager.default.removeItem(atPath: sample.run) }
        let checkpoint = try Checkpoint.newest(of: sample.run)
        try damage.apply(checkpoint)
        let before = try contents(of: sample.folder.path)
        for (ranks, arguments) in [
          (1, ["merge", sample.run, "--output", sample.path("deploy")]),
          (index % 5 == 0 ? 3 : 1, ["score", sample.run, sample.data + "/test", "--csv"]), (1, resume),
        ] {
          let result = try await Salad.run(ranks: ranks, arguments)
          Salad.expectRefusal(result, status: 65, naming: ["\(checkpoint)/\(damage.file): expected", damage.words])
          #expect(try contents(of: sample.folder.path) == before, "\(damage.name): \(arguments[0]) changed something")
        }
      }
    }

    @Test("A run without the foreign checkpoint goes on from the one before it, to its own bits")
    func cure() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let others = try await Others.seed(of: sample)
      let checkpoint = try Checkpoint.newest(of: sample.run)
      let model = try bytes(of: "\(checkpoint)/model.safetensors")
      try FileManager.default.removeItem(atPath: checkpoint)
      try FileManager.default.copyItem(atPath: Checkpoint.newest(of: others), toPath: checkpoint)
      let resume = ["train", "--run", sample.run, "--resume"]
      let refusal = try await Salad.run(ranks: 2, resume)
      Salad.expectRefusal(
        refusal, status: 65,
        naming: [
          "\(checkpoint)/manifest.json: expected a checkpoint begun with --seed 7", "found one with --seed 8",
          "remove \(checkpoint) and \(sample.run)/latest",
        ])
      for path in [checkpoint, sample.run + "/latest"] { try FileManager.default.removeItem(atPath: path) }
      try await Salad.succeed(resume)
      #expect(try Checkpoint.newest(of: sample.run) == checkpoint)
      #expect(try bytes(of: "\(checkpoint)/model.safetensors") == model)
    }

    @Test("A checkpoint whose manifest does not tell its run is still read")
    func oldManifest() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let path = try Checkpoint.newest(of: sample.run) + "/manifest.json"
      var manifest = try #require(JSONSerialization.jsonObject(with: bytes(of: path)) as? [String: Any])
      #expect(manifest.removeValue(forKey: "run") != nil)
      try JSONSerialization.data(withJSONObject: manifest).write(to: URL(fileURLWithPath: path))
      try await Salad.succeed(["score", sample.run, sample.data + "/test", "--csv"])
      try await Salad.succeed(["train", "--run", sample.run, "--resume", "--rounds", "2"])
    }

    @Test("A file that only looks like a whole deployment is refused by the file's name and the reason")
    func deployments() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let others = try await Others(of: sample)
      let whole = sample.path("whole")
      try await Salad.succeed(["merge", sample.run, "--output", whole])
      let deploy = sample.path("deploy")
      for (file, other, words) in [
        ("bank.safetensors", others.levels, "it is foreign: its bank is [26, 32]"),
        ("bank.safetensors", others.images, "it is foreign: its bank is [28, 48]"),
        ("bank.safetensors", others.seed, "it was altered or is foreign"),
        ("model.safetensors", others.seed, "it was altered or is foreign"),
      ] {
        let foreign = sample.path("foreign")
        try await Salad.succeed(["merge", other, "--output", foreign])
        try FileManager.default.copyItem(atPath: whole, toPath: deploy)
        defer { for path in [deploy, foreign] { try? FileManager.default.removeItem(atPath: path) } }
        try replace("\(deploy)/\(file)", by: "\(foreign)/\(file)")
        let result = try await Salad.run(ranks: 2, ["score", deploy, sample.data + "/test"])
        Salad.expectRefusal(result, status: 65, naming: ["\(deploy)/\(file): expected", words])
      }
    }

    /// Every file below a folder but locks, which name their last holder.
    private func contents(of folder: String) throws -> [String: Data?] {
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { !$0.hasSuffix("/.lock") }
      return Dictionary(uniqueKeysWithValues: names.map { ($0, try? bytes(of: "\(folder)/\($0)")) })
    }
  }
}

/// Runs that differ from the sample's in one thing each.
private struct Others {
  let seed: String
  let rate: String
  /// N
  let images: String
  /// D
  let dimension: String
  /// And so F.
  let levels: String

  init(of sample: Sample) async throws {
    // As many steps: a checkpoint of another step is refused as that.
    let more = sample.path("more")
    try FileManager.default.copyItem(atPath: sample.data, toPath: more)
    let good = more + "/train/good"
    for name in try FileManager.default.contentsOfDirectory(atPath: good).sorted().prefix(2) {
      try FileManager.default.copyItem(atPath: "\(good)/\(name)", toPath: "\(good)/again-\(name)")
    }
    func train(_ name: String, data: String, _ arguments: [String]) async throws -> String {
      try await Self.train(sample, name, data: data, arguments)
    }
    seed = try await Self.seed(of: sample)
    rate = try await train("rate", data: sample.data, ["--learning-rate", "0.01"])
    images = try await train("images", data: more, [])
    dimension = try await train("dimension", data: sample.data, ["--embedding-dimension", "12"])
    levels = try await train("levels", data: sample.data, ["--levels", "e4,e5"])
  }

  static func seed(of sample: Sample) async throws -> String {
    try await train(sample, "seed", data: sample.data, ["--seed", "8"])
  }

  private static func train(_ sample: Sample, _ name: String, data: String, _ arguments: [String]) async throws
    -> String
  {
    let run = sample.path("other-\(name)")
    try await Salad.succeed(ranks: 2, ["train", "--data", data, "--run", run] + SmallTraining.arguments + arguments)
    return run
  }
}

private enum Checkpoint {
  /// The folder that the run's `latest` names.
  static func newest(of run: String) throws -> String {
    let step = try String(decoding: bytes(of: run + "/latest"), as: UTF8.self)
    return "\(run)/checkpoints/\(step.dropLast())"
  }
}

private func replace(_ path: String, by other: String) throws {
  try bytes(of: other).write(to: URL(fileURLWithPath: path))
}

/// What can happen to a checkpoint of 26 images that two ranks wrote: 16 rows and 10.
private struct Damage {
  let name: String
  /// The file that the refusal must name, in the checkpoint's folder.
  let file: String
  /// Words of the sentence.
  let words: String
  /// Does it to the checkpoint's folder.
  let apply: (String) throws -> Void

  static func all(_ others: Others) -> [Damage] {
    let first = "bank-00001-of-00002.safetensors"
    let second = "bank-00002-of-00002.safetensors"
    let momentum = "momentum-00002-of-00002.safetensors"
    return [
      Damage(name: "missing", file: second, words: "which manifest.json lists, found none") {
        try FileManager.default.removeItem(atPath: "\($0)/\(second)")
      },
      Damage(name: "truncated", file: second, words: "it was truncated") { folder in
        try change("\(folder)/\(second)") { $0.removeLast(8) }
      },
      Damage(name: "one bit flipped", file: momentum, words: "it was altered or is foreign") { folder in
        try change("\(folder)/\(momentum)") { $0[$0.count - 5] ^= 1 }
      },
      Damage(name: "swapped", file: first, words: "found the content of \(second)") { folder in
        let (one, two) = (try bytes(of: "\(folder)/\(first)"), try bytes(of: "\(folder)/\(second)"))
        try two.write(to: URL(fileURLWithPath: "\(folder)/\(first)"))
        try one.write(to: URL(fileURLWithPath: "\(folder)/\(second)"))
      },
      Damage(name: "duplicated", file: second, words: "found the content of \(first)") {
        try replace("\($0)/\(second)", by: "\($0)/\(first)")
      },
      Damage(name: "of a foreign run", file: second, words: "it was altered or is foreign") {
        try replace("\($0)/\(second)", by: Checkpoint.newest(of: others.seed) + "/" + second)
      },
      Damage(name: "another encoder", file: "model.safetensors", words: "it was altered or is foreign") {
        try replace("\($0)/model.safetensors", by: Checkpoint.newest(of: others.seed) + "/model.safetensors")
      },
      Damage(name: "of another N", file: second, words: "it is foreign: its bank is [12, 48]") {
        try replace("\($0)/\(second)", by: Checkpoint.newest(of: others.images) + "/" + second)
      },
      Damage(name: "of another D", file: momentum, words: "it is foreign: its bank is [10, 12]") {
        try replace("\($0)/\(momentum)", by: Checkpoint.newest(of: others.dimension) + "/" + momentum)
      },
      Damage(name: "of other levels", file: second, words: "it is foreign: its bank is [10, 32]") {
        try replace("\($0)/\(second)", by: Checkpoint.newest(of: others.levels) + "/" + second)
      },
      Damage(name: "one too many", file: "bank-00003-of-00002.safetensors", words: "found this foreign one") {
        try replace("\($0)/bank-00003-of-00002.safetensors", by: "\($0)/\(second)")
      },
      Damage(name: "a whole checkpoint of other images", file: "manifest.json", words: "one of other images") {
        try replaceAll($0, by: others.images)
      },
      Damage(name: "a whole checkpoint of another D", file: "manifest.json", words: "--embedding-dimension 8") {
        try replaceAll($0, by: others.dimension)
      },
      Damage(name: "a whole checkpoint of other levels", file: "manifest.json", words: "--levels e3,e4,e5") {
        try replaceAll($0, by: others.levels)
      },
      // As large, of the same images, network and scoring: only the manifest knows.
      Damage(name: "a whole checkpoint of another seed", file: "manifest.json", words: "found one with --seed 8") {
        try replaceAll($0, by: others.seed)
      },
      Damage(name: "of another learning rate", file: "manifest.json", words: "found one with --learning-rate 0.01") {
        try replaceAll($0, by: others.rate)
      },
      Damage(name: "a whole checkpoint of another step", file: "manifest.json", words: "found one of step") { folder in
        let steps = (folder as NSString).deletingLastPathComponent
        guard let older = try FileManager.default.contentsOfDirectory(atPath: steps).min() else { return }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: "\(steps)/\(older)", toPath: folder)
      },
    ]
  }

  private static func replaceAll(_ folder: String, by run: String) throws {
    try FileManager.default.removeItem(atPath: folder)
    try FileManager.default.copyItem(atPath: Checkpoint.newest(of: run), toPath: folder)
  }

  private static func change(_ path: String, _ body: (inout Data) throws -> Void) throws {
    var data = try bytes(of: path)
    try body(&data)
    try data.write(to: URL(fileURLWithPath: path))
  }
}
