import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Several hospitals' rows in one bank.
  @Suite("Sites")
  struct SiteTests {
    @Test("Banks of two hospitals join to the same bytes in any order, at once or one after the other, by any ranks")
    func join() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      for (number, site) in ["north", "south", "east"].enumerated() {
        try await Salad.succeed([
          "phantom", sample.path(site), "--train", "\(21 + number)", "--test-normal", "2", "--test-anomalous", "2",
          "--size", "64", "--seed", "\(50 + number)",
        ])
        let embedding = ["embed", deploy, "--data", sample.path(site), "--site", site, "--hash-salt", "salt-\(site)"]
        for ranks in 1...(number == 0 ? 3 : 1) {
          try await Salad.succeed(ranks: ranks, embedding + ["--as-bank", sample.path("bank-\(site)-\(ranks)")])
        }
      }
      let banks = ["north", "south", "east"].map { sample.path("bank-\($0)-1") }
      #expect(try Self.files(banks[0]) == Self.files(sample.path("bank-north-3")))
      #expect(try Self.files(banks[0]) == Self.files(sample.path("bank-north-2")))
      #expect(try Set(Self.files(banks[0]).keys) == ["bank.safetensors", "manifest.json"])
      for word in [".png", "good", "salt-north"] {
        #expect(try !BankTests.holds(banks[0], Data(word.utf8)), "\(word)")
      }
      #expect(try await Salad.succeed(["bank", "info", banks[0]]).output.contains("a site's bank"))

      let encoder = ["--encoder", deploy, "--output"]
      let joined = sample.path("joined")
      let said = try await Salad.succeed(ranks: 2, ["merge"] + banks + encoder + [joined])
      #expect(said.errors.contains("holds 66 rows of 3 sites: east (23), north (21), south (22)"))
      try await Salad.succeed(["merge"] + banks.reversed() + encoder + [sample.path("reversed")])
      try await Salad.succeed(["merge"] + banks.prefix(2) + encoder + [sample.path("two")])
      try await Salad.succeed(ranks: 3, ["merge", sample.path("two"), banks[2], "--output", sample.path("three")])
      for other in ["reversed", "three"] {
        #expect(try Self.files(joined) == Self.files(sample.path(other)), "\(other)")
      }

      // One site's rows score as its bank alone does.
      let images = [sample.data + "/test", "--csv"]
      try await Salad.succeed(["merge", banks[0]] + encoder + [sample.path("alone")])
      let alone = try await Salad.succeed(["score", sample.path("alone")] + images).output
      for ranks in 1...2 {
        #expect(try await Salad.succeed(ranks: ranks, ["score", joined, "--site", "north"] + images).output == alone)
      }
      let all = try await Salad.succeed(["score", joined] + images).output
      let judged = try await Salad.succeed(["score", joined, "--site", "north", "--against-all"] + images).output
      #expect(all != alone && judged != all)
      func scores(_ text: String) -> [Substring] {
        text.split(separator: "\n").map { $0.split(separator: ",")[1] }
      }
      #expect(scores(all) == scores(judged))
      let evaluating = ["evaluate", joined, "--data", sample.data, "--json", "--bootstrap", "0"]
      #expect(
        try await Salad.succeed(evaluating + ["--site", "south"]).output
          != Salad.succeed(evaluating).output)

      // Rows of one site come and go, the others' numbers stay.
      let (more, fewer) = (sample.path("more"), sample.path("fewer"))
      let image =
        sample.data + "/test/good/"
        + (try #require(FileManager.default.contentsOfDirectory(atPath: sample.data + "/test/good").sorted().first))
      try await Salad.succeed(
        ranks: 2, ["bank", "add", joined, image, "--site", "north", "--hash-salt", "salt-north", "--output", more])
      let listed = try await Salad.succeed(["bank", "list", more, "--site", "north"]).output
      #expect(listed.split(separator: "\n").count == 23)
      try await Salad.succeed(["bank", "remove", more, "--site", "north", "--output", fewer])
      try await Salad.succeed(["merge", banks[1], banks[2]] + encoder + [sample.path("without")])
      #expect(try BankTests.manifest(fewer) == BankTests.manifest(sample.path("without")))
      #expect(try bytes(of: fewer + "/bank.safetensors") == bytes(of: sample.path("without/bank.safetensors")))
    }

    @Test("Banks that do not go together are refused by path and cure", arguments: [1, 2])
    func refusals(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, bank) = (sample.path("deploy"), sample.path("bank"))
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      try await Salad.succeed(["embed", sample.run, "--data", sample.data, "--as-bank", bank, "--site", "here"])
      try await Salad.succeed(
        [
          "train", "--data", sample.data, "--run", sample.path("run-2"),
        ] + SmallTraining.arguments.dropLast() + ["8"])
      try await Salad.succeed(["merge", sample.path("run-2"), "--output", sample.path("deploy-2")])
      let output = ["--output", sample.path("new")]
      for (arguments, status, words) in [
        (["merge", bank] + output, 64, ["--encoder is missing"]),
        (["merge", bank, "--encoder", sample.path("deploy-2")] + output, 64, [bank, "of another", "SHA-256"]),
        (["merge", bank, sample.run] + output, 64, [sample.run, "found a run"]),
        (["merge", bank, deploy, "--encoder", deploy] + output, 64, [deploy, "of no site", "--as-bank"]),
        (["merge", bank, "--encoder", deploy, "--hash-ids"] + output, 64, ["--hash-ids"]),
        (["score", bank, sample.data + "/test"], 65, [bank, "no network", "--encoder"]),
        (["score", deploy, sample.data + "/test", "--site", "here"], 64, ["of several sites"]),
        (["score", deploy, sample.data + "/test", "--against-all"], 64, ["--against-all goes with --site"]),
        (["embed", deploy, "--data", sample.data, "--as-bank", sample.path("new")], 64, ["--site is missing"]),
        (
          ["embed", deploy, "--data", sample.data, "--as-bank", sample.path("new"), "--site", "a/b"], 64, ["--site is"]
        ),
        (
          ["embed", deploy, sample.data + "/test/good", "--as-bank", sample.path("new"), "--site", "a"], 65,
          ["at least 20"]
        ),
      ] as [([String], Int32, [String])] {
        let result = try await Salad.run(ranks: ranks, arguments)
        Salad.expectRefusal(result, status: status, naming: words)
      }
      let copy = sample.path("copy")
      try FileManager.default.copyItem(atPath: bank, toPath: copy)
      let twice = try await Salad.run(ranks: ranks, ["merge", bank, copy, "--encoder", deploy] + output)
      Salad.expectRefusal(twice, status: 64, naming: ["site once", "here"])
      let joined = sample.path("joined")
      try await Salad.succeed(["merge", bank, "--encoder", deploy, "--output", joined])
      let unknown = try await Salad.run(ranks: ranks, ["score", joined, sample.data + "/test", "--site", "there"])
      Salad.expectRefusal(unknown, status: 64, naming: ["\"there\"", "here"])
      let left = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path)
      #expect(!left.contains { $0.hasPrefix("new") || $0.hasPrefix(".") }, "\(left)")
    }

    /// Every file of a folder.
    private static func files(_ folder: String) throws -> [String: Data] {
      Dictionary(
        uniqueKeysWithValues: try FileManager.default.contentsOfDirectory(atPath: folder).map {
          ($0, try bytes(of: "\(folder)/\($0)"))
        })
    }
  }
}
