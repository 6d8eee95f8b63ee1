import Foundation
import RanksSupport
import Safetensors
import Testing

extension CommandTests {
  /// What a deployment explains its scores by.
  @Suite("Local banks of deployments")
  struct LocalBankTests {
    @Test("A deployment merged with its local bank explains as its run does, without the pictures and by any ranks")
    func merged() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, other) = (sample.path("deploy"), sample.path("other"))
      let hashed = ["--hash-ids", "--hash-salt", "pepper"]
      try await Salad.succeed(["merge", sample.run, "--local", "--output", deploy] + hashed)
      try await Salad.succeed(ranks: 3, ["merge", sample.run, "--local", "--output", other] + hashed)
      #expect(try bytes(of: deploy + "/local-bank") == bytes(of: other + "/local-bank"))
      #expect(try bytes(of: deploy + "/manifest.json") == bytes(of: other + "/manifest.json"))
      let image = sample.data + "/test/nodule/0001.png"
      let expected = try object(await Salad.succeed(["explain", sample.run, image, "--json"]).output)
      let found = try object(await Salad.succeed(ranks: 2, ["explain", deploy, image, "--json"]).output)
      #expect((found["heat"] as? NSDictionary) == (expected["heat"] as? NSDictionary) && found["heat"] != nil)
      // Whoever does not ask for it does not read it.
      try Data("another".utf8).write(to: URL(fileURLWithPath: deploy + "/local-bank"))
      try await Salad.succeed(["score", deploy, image])
      let damaged = try await Salad.run(["explain", deploy, image])
      Salad.expectRefusal(damaged, status: 65, naming: [deploy + "/local-bank"])
    }

    @Test("What --local wants is said: a run whose images can be found, and --local for what goes with it")
    func refusals() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let alone = try await Salad.run(["merge", sample.run, "--local-images", "8", "--output", sample.path("a")])
      Salad.expectRefusal(alone, status: 64, naming: ["--local-images"])
      let elsewhere = sample.path("elsewhere")
      try FileManager.default.moveItem(atPath: sample.data, toPath: elsewhere)
      let lost = try await Salad.run(["merge", sample.run, "--local", "--output", sample.path("b")])
      Salad.expectRefusal(lost, status: 64, naming: ["--data"])
      #expect(!FileManager.default.fileExists(atPath: sample.path("b")))
      try await Salad.succeed([
        "merge", sample.run, "--local", "--local-images", "8", "--data", elsewhere, "--output", sample.path("c"),
      ])
      #expect(try SafetensorsFile(path: sample.path("c/local-bank")).int64s("images").count == 8)
    }

    @Test("A removed image's maps are in no byte of the local bank, which is the one of the images that stay")
    func removed() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, fewer, anew) = (sample.path("deploy"), sample.path("fewer"), sample.path("anew"))
      try await Salad.succeed(["merge", sample.run, "--local", "--output", deploy])
      let before = try SafetensorsFile(path: deploy + "/local-bank")
      let (images, maps) = (try before.int64s("images"), try before.floats("maps.0"))
      let count = maps.count / images.count
      let names = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted()
      let gone = ["--id", "train/good/\(names[3])", "--id", "train/good/\(names[4])"]
      try await Salad.succeed(ranks: 2, ["bank", "remove", deploy, "--output", fewer] + gone)
      // A part of the map that is no part of another image's: of the middle.
      for row in [3, 4] {
        let start = row * count + count / 2
        let part = maps[start..<start + 64].withUnsafeBytes { Data($0) }
        #expect(try BankTests.holds(deploy, part) && !BankTests.holds(fewer, part))
      }
      try await Salad.succeed(["explain", fewer, "--data", sample.data, "--save-local", anew])
      #expect(try bytes(of: anew) == bytes(of: fewer + "/local-bank"))
      // The same in place; a copy that lies beside is named, since nobody but its keeper may change it.
      let copy = sample.path("copy.local")
      try await Salad.succeed(["explain", deploy, "--data", sample.data, "--save-local", copy])
      let refused = try await Salad.run(["bank", "remove", deploy, "--in-place"] + gone)
      Salad.expectRefusal(refused, status: 64, naming: [copy, "delete it"])
      try FileManager.default.removeItem(atPath: copy)
      try await Salad.succeed(["bank", "remove", deploy, "--in-place"] + gone)
      #expect(try bytes(of: deploy + "/local-bank") == bytes(of: anew))
      // Rows that come back change nothing of it but their places.
      let again = sample.path("again")
      try await Salad.succeed(["bank", "add", deploy, "--data", sample.data, "--known", "skip", "--output", again])
      let grown = try SafetensorsFile(path: again + "/local-bank")
      #expect(try grown.int64s("images") == images.filter { ![3, 4].contains($0) })
      #expect(try grown.floats("maps.0") == SafetensorsFile(path: anew).floats("maps.0"))
      try await Salad.succeed(["explain", again, sample.data + "/test/good/0001.png"])
    }
  }
}
