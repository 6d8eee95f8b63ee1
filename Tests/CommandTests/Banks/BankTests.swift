import Foundation
import RanksSupport
import Safetensors
import Testing

extension CommandTests {
  /// Rows taken out of a deployment's bank and put in.
  @Suite("Banks")
  struct BankTests {
    @Test("A changed bank is the one that importing the same images makes, to the last bit")
    func exactness() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("merged")])
      let some = sample.path("some")
      try FileManager.default.copyItem(atPath: sample.data, toPath: some)
      let names = try FileManager.default.contentsOfDirectory(atPath: some + "/train/good").sorted()
      // The first, the last, and two that follow each other.
      let gone = [0, 9, 10, names.count - 1].map { "train/good/\(names[$0])" }
      for id in gone { try FileManager.default.removeItem(atPath: "\(some)/\(id)") }
      // A direction of exposures is of the images that it was measured on: two imports would have two.
      for (name, data) in [("all", sample.data), ("few", some)] {
        try await Salad.succeed([
          "import", sample.path("merged/model.safetensors"), "--data", data, "--micro-batch", "2",
          "--exposure-damping", "0", "--output", sample.path(name),
        ])
      }
      for ranks in 1...3 {
        let (grown, shrunk) = (sample.path("grown-\(ranks)"), sample.path("shrunk-\(ranks)"))
        let added = try await Salad.succeed(
          ranks: ranks,
          ["bank", "add", sample.path("few"), "--data", sample.data, "--known", "skip", "--output", grown])
        #expect(added.errors.contains("\(grown) holds 26 rows, of 22 before"))
        try await Salad.succeed(
          ranks: ranks,
          ["bank", "remove", sample.path("all"), "--output", shrunk] + gone.flatMap { ["--id", $0] })
        for (changed, imported) in [(grown, "all"), (shrunk, "few")] {
          for file in ["model.safetensors", "bank.safetensors"] {
            #expect(try bytes(of: "\(changed)/\(file)") == bytes(of: sample.path("\(imported)/\(file)")), "\(file)")
          }
          #expect(try Self.manifest(changed) == Self.manifest(sample.path(imported)), "\(changed) by \(ranks) ranks")
        }
      }
      let scores = ["--csv", sample.data + "/test"]
      #expect(
        try await Salad.succeed(["score", sample.path("grown-2")] + scores).output
          == Salad.succeed(["score", sample.path("all")] + scores).output)
    }

    @Test("With exposures damped, what was removed and added again is the bank from before, and its axis stays")
    func damped() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (merged, fewer, again) = (sample.path("merged"), sample.path("fewer"), sample.path("again"))
      try await Salad.succeed(["merge", sample.run, "--output", merged])
      let image = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted()[5]
      let file = "\(sample.data)/train/good/\(image)"
      try await Salad.succeed(ranks: 2, ["bank", "remove", merged, "--image", file, "--output", fewer])
      let text = try await Salad.succeed(["bank", "list", fewer]).output
      #expect(!text.contains(image) && text.split(separator: "\n").count == 26)
      // By a folder's path, so that the id is the one from before.
      let alone = sample.path("alone")
      try FileManager.default.createDirectory(atPath: alone + "/train/good", withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: file, toPath: "\(alone)/train/good/\(image)")
      try await Salad.succeed(ranks: 3, ["bank", "add", fewer, alone, "--output", again])
      #expect(try bytes(of: again + "/bank.safetensors") == bytes(of: merged + "/bank.safetensors"))
      #expect(try Self.manifest(again) == Self.manifest(merged))
      let changes = try String(contentsOfFile: again + "/audit.jsonl", encoding: .utf8).split(separator: "\n")
      #expect(changes.count == 2 && changes[0].contains("\"remove\"") && changes[1].contains("\"previous\":"))
    }

    @Test("A removed patient is in no byte of the deployment, by name, by hash or by row, and the rest of it works")
    func gone() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (data, run, deploy) = (sample.path("set"), sample.path("other"), sample.path("deploy"))
      try DataSetTree(sample).writeNIH(to: data)
      try await Salad.succeed(["train", "--data", data, "--run", run] + SmallTraining.arguments)
      for hashes in [[], ["--hash-ids", "--hash-salt", "pepper"]] {
        try? FileManager.default.removeItem(atPath: deploy)
        try await Salad.succeed(["merge", run, "--output", deploy] + hashes)
        let salt = hashes.isEmpty ? [] : ["--hash-salt", "pepper"]
        let before = try #require(
          JSONSerialization.jsonObject(with: bytes(of: deploy + "/manifest.json")) as? [String: Any])
        let ids = try #require(before["image_ids"] as? [String])
        let listed = try await Salad.succeed(["bank", "list", deploy]).output.split(separator: "\n").dropFirst()
          .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let patient = listed[3][2]
        let rows = listed.indices.filter { listed[$0][2] == patient }
        #expect(rows.count == 2)
        let floats = try SafetensorsFile(path: deploy + "/bank.safetensors").floats("bank")
        let features = floats.count / ids.count
        var words = rows.map { Data(ids[$0].utf8) } + [Data(patient.utf8)]
        for row in rows {
          floats[row * features..<(row + 1) * features].withUnsafeBytes { words.append(Data($0)) }
          if let pictures = before["image_hashes"] as? [String] { words.append(Data(pictures[row].utf8)) }
        }
        #expect(try words.allSatisfy { try Self.holds(deploy, $0) })
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: deploy)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: deploy + "/bank.safetensors")
        let done = try await Salad.succeed(
          ranks: 3, ["bank", "remove", deploy, "--patient", patient, "--in-place", "--by", "A. Keeper"] + salt)
        #expect(done.errors.contains("\(deploy) holds 24 rows, of 26 before"))
        for word in words { #expect(try !Self.holds(deploy, word), "\(word.count) bytes") }
        for (name, permissions) in [("", 0o700), ("/bank.safetensors", 0o640)] {
          let found = try FileManager.default.attributesOfItem(atPath: deploy + name)[.posixPermissions] as? Int
          #expect(found == permissions, "\(name)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path)
        #expect(!left.contains { $0.hasPrefix(".") }, "\(left)")
        let audit = try String(contentsOfFile: deploy + "/audit.jsonl", encoding: .utf8)
        for word in ["A. Keeper", "\"rows\":2", "\"rows_after\":24", "\"chosen\":{\"patients\":1}"] {
          #expect(audit.contains(word), "\(audit)")
        }
        let info = try await Salad.succeed(ranks: 2, ["bank", "info", deploy]).output
        #expect(info.contains("24 rows of") && info.contains("A. Keeper removed 2 rows"))
        try await Salad.succeed(["score", deploy, sample.data + "/test/good", "--csv"])
      }
      // Hashes without their salt: found by what the file makes of it.
      let picture = try #require(
        FileManager.default.subpathsOfDirectory(atPath: data).sorted().first {
          $0.hasSuffix(".png") && $0.contains("00000005")
        })
      try await Salad.succeed([
        "bank", "remove", deploy, "--image", "\(data)/\(picture)", "--output", sample.path("by-image"),
      ])
      #expect(
        try await Salad.succeed(["bank", "list", sample.path("by-image")]).output.split(separator: "\n").count == 24)
      // Names of new images become hashes, too.
      try await Salad.succeed([
        "bank", "add", sample.path("by-image"), "\(data)/\(picture)", "--hash-salt", "pepper", "--output",
        sample.path("back"),
      ])
      #expect(try !Self.holds(sample.path("back"), Data(".png".utf8)))
      let twice = try await Salad.run([
        "bank", "add", sample.path("back"), "\(data)/\(picture)", "--output", sample.path("twice"),
      ])
      Salad.expectRefusal(twice, status: 65, naming: ["bit for bit"])
    }

    @Test("What cannot be changed is refused in one sentence, and nothing is left behind", arguments: [1, 2])
    func refusals(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      let names = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted()
      let known = "\(sample.data)/train/good/\(names[0])"
      let test = sample.data + "/test/good"
      let other = try #require(FileManager.default.contentsOfDirectory(atPath: test).sorted().first)
      try FileManager.default.copyItem(atPath: deploy, toPath: sample.path("noted"))
      try Data("a".utf8).write(to: URL(filePath: sample.path("noted/notes.txt")))
      let output = ["--output", sample.path("new")]
      for (arguments, status, words) in [
        (["remove", deploy, "--id", names[0]] + output, 64, [names[0], "nearest: train/good/\(names[0])"]),
        (["remove", deploy, "--patient", "nobody"] + output, 64, ["nobody", "bank list"]),
        (["remove", deploy, "--image", "\(test)/\(other)"] + output, 64, [other, "with the same pixels"]),
        (["remove", deploy, "--site", "north"] + output, 64, ["of several sites"]),
        (
          ["remove", deploy] + names.prefix(7).flatMap { ["--id", "train/good/\($0)"] } + output, 64,
          ["at least 20 rows", "19 of 26"]
        ),
        (["remove", sample.run, "--id", "a"] + output, 64, ["found a run", "merge it first"]),
        (["remove", deploy, "--id", "a", "--output", sample.data], 64, ["expected no such folder"]),
        (["remove", deploy] + output, 64, ["nothing is chosen"]),
        (["remove", deploy, "--id", "a"], 64, ["--output", "--in-place"]),
        (
          ["remove", sample.path("noted"), "--id", "train/good/\(names[0])", "--in-place"], 64,
          ["notes.txt", "--output instead"]
        ),
        (["add", deploy, known] + output, 65, [names[0], "pixel by pixel", "--known skip"]),
        (["add", deploy, known, "--known", "skip"] + output, 65, ["at least one image that is not known"]),
        (["add", deploy, "\(test)/\(other)", "\(test)/\(other)"] + output, 65, ["given twice"]),
        (["add", deploy, "\(test)/\(other)", "--hash-salt", "a"] + output, 64, ["--hash-salt"]),
        (["add", deploy, "\(test)/\(other)", "--site", "north"] + output, 64, ["--site"]),
        (["add", deploy] + output, 64, ["--data"]),
        (["list", sample.run], 64, ["found a run"]),
      ] as [([String], Int32, [String])] {
        let result = try await Salad.run(ranks: ranks, ["bank"] + arguments)
        Salad.expectRefusal(result, status: status, naming: words)
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path)
      #expect(!left.contains { $0.contains("new") || $0.hasPrefix(".") }, "\(left)")
    }

    @Test("P-values of another place's images are not lost unasked")
    func calibrated() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, here, normals) = (sample.path("deploy"), sample.path("here"), sample.path("normals"))
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      try await Salad.succeed([
        "phantom", normals, "--train", "20", "--test-normal", "1", "--test-anomalous", "1", "--size", "64", "--seed",
        "5",
      ])
      try await Salad.succeed(["calibrate", deploy, "--data", normals + "/train/good", "--output", here])
      let id = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted()[2]
      let removing = ["bank", "remove", here, "--id", "train/good/\(id)", "--output", sample.path("new")]
      Salad.expectRefusal(
        try await Salad.run(removing), status: 64, naming: ["another place", "--drop-calibration", "salad calibrate"])
      try await Salad.succeed(removing + ["--drop-calibration"])
      try await Salad.succeed(["bank", "remove", deploy, "--id", "train/good/\(id)", "--output", sample.path("same")])
      #expect(try Self.manifest(sample.path("new")) == Self.manifest(sample.path("same")))
      // Who changed a bank is known of what is calibrated anew.
      let anew = sample.path("anew")
      try await Salad.succeed(["calibrate", sample.path("new"), "--data", normals + "/train/good", "--output", anew])
      #expect(try bytes(of: anew + "/audit.jsonl") == bytes(of: sample.path("new/audit.jsonl")))
    }

    /// All that it says but for the fingerprint of the images that it was made of, which a changed bank has not.
    static func manifest(_ folder: String) throws -> NSDictionary {
      let json = try JSONSerialization.jsonObject(with: bytes(of: folder + "/manifest.json"))
      let manifest = try #require((json as? NSDictionary)?.mutableCopy() as? NSMutableDictionary)
      manifest.removeObject(forKey: "data_fingerprint")
      return manifest
    }

    /// Whether a file of the folder holds these bytes.
    static func holds(_ folder: String, _ word: Data) throws -> Bool {
      try FileManager.default.contentsOfDirectory(atPath: folder).contains { name in
        try bytes(of: "\(folder)/\(name)").range(of: word) != nil
      }
    }
  }
}
