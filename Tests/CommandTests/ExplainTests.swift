import Foundation
import Radiographs
import RanksSupport
import Testing

extension CommandTests {
  /// `salad explain`.
  @Suite("Explain")
  struct ExplainTests {
    @Test("Images are explained with the same bits on any number of ranks, and with the scores of salad score")
    func ranks() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let images = [sample.data + "/test/nodule", sample.data + "/test/good/0001.png"]
      func explain(_ ranks: Int, _ more: [String]) async throws -> (lines: String, pictures: [String: Data]) {
        let output = sample.path("why-\(ranks)")
        let result = try await Salad.succeed(
          ranks: ranks, ["explain", sample.run] + images + ["--json", "--output", output] + more)
        let names = try FileManager.default.contentsOfDirectory(atPath: output)
        let pictures = try Dictionary(uniqueKeysWithValues: names.map { ($0, try bytes(of: "\(output)/\($0)")) })
        try FileManager.default.removeItem(atPath: output)
        return (result.output, pictures)
      }
      let alone = try await explain(1, [])
      for ranks in 2...4 {
        let found = try await explain(ranks, [])
        #expect(found.lines == alone.lines && found.pictures == alone.pictures, "\(ranks) ranks")
      }
      let lines = try alone.lines.split(separator: "\n").map { try object(String($0)) }
      #expect(lines.count == 4 && alone.pictures.count == 8)
      let scores = try await Salad.succeed(["score", sample.run] + images + ["--csv"]).output
      // As text: Foundation's reader of JSON may be a last digit off.
      for (row, line) in zip(scores.split(separator: "\n").dropFirst(), alone.lines.split(separator: "\n")) {
        #expect(line.contains("\"score\":\(row.split(separator: ",")[1])"), "\(row)")
      }
      for line in lines {
        let prototypes = line["prototypes"] as? [[String: Any]] ?? []
        #expect(prototypes.count == 5)
        let distances = prototypes.compactMap { $0["distance"] as? Double }
        #expect(distances == distances.sorted())
        #expect(prototypes.allSatisfy { ($0["id"] as? String)?.hasPrefix("train/good/") == true })
        let heat = line["heat"] as? [String: Any]
        #expect(heat?["method"] as? String == "local" && heat?["side"] as? Int == 64)
        let sheet = try #require(line["sheet"] as? String)
        #expect(alone.pictures[sheet]?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
      }
      // All K: the weights add up to 1.
      let all = try object(
        await Salad.succeed(["explain", sample.run, images[1], "--json", "--nearest", "1000"]).output)
      let weights = (all["prototypes"] as? [[String: Any]])?.compactMap { $0["weight"] as? Double } ?? []
      #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
    }

    @Test("The other methods have equal bits on two ranks, too", arguments: ["gradient", "occlusion", "difference"])
    func methods(method: String) async throws {
      let sample = try #require(Sample.shared)
      let arguments = [
        "explain", sample.run, sample.data + "/test/device/0001.png", "--json", "--method", method,
      ]
      let alone = try await Salad.succeed(arguments).output
      #expect(try await Salad.succeed(ranks: 2, arguments).output == alone)
      let heat = try object(alone)["heat"] as? [String: Any]
      #expect(heat?["method"] as? String == method)
    }

    @Test("An ensemble's images have a heat map and each model's prototypes; a deployment wants --data or a local bank")
    func ensemble() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (deploy, hashed, local) = (sample.path("deploy"), sample.path("hashed"), sample.path("local"))
      let second = sample.path("second")
      try await Salad.succeed(
        ["train", "--data", sample.data, "--run", second] + SmallTraining.arguments.dropLast() + ["8"])
      try await Salad.succeed(["merge", sample.run, second, "--output", deploy])
      let image = sample.data + "/test/effusion/0001.png"

      let without = try await Salad.succeed(["explain", deploy, image, "--json"])
      #expect(try object(without.output)["heat"] == nil && without.errors.contains("--data"))
      let with = ["explain", deploy, image, "--json", "--data", sample.data]
      let explained = try await Salad.succeed(with + ["--save-local", local, "--local-images", "20"])
      let line = try object(explained.output)
      let models = (line["prototypes"] as? [[String: Any]])?.compactMap { $0["model"] as? Int }
      #expect(models == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
      #expect(line["heat"] != nil)
      // The file says the same without the pictures, on other ranks.
      let again = try await Salad.succeed(ranks: 3, ["explain", deploy, image, "--json", "--local", local])
      #expect(again.output == explained.output)

      // A deployment that names nobody.
      try await Salad.succeed(["merge", sample.run, second, "--output", hashed, "--hash-ids"])
      let unnamed = try await Salad.succeed(["explain", hashed, image, "--json", "--local", local])
      #expect(try object(unnamed.output)["heat"] as? NSDictionary == line["heat"] as? NSDictionary)
      Salad.expectRefusal(
        try await Salad.run(["explain", hashed, image, "--data", sample.data]), status: 64,
        naming: [hashed, "hashes"])
      Salad.expectRefusal(
        try await Salad.run(["explain", sample.run, image, "--local", local]), status: 65,
        naming: [local, "another model"])
    }

    @Test("Heat maps find what masks mark: the hottest pixel of a device lies on it")
    func masks() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let data = sample.path("masked")
      try await Salad.succeed([
        "phantom", data, "--train", "\(SmallTraining.images)", "--test-normal", "6", "--test-anomalous", "16",
        "--size", "64", "--seed", "3", "--masks",
      ])
      let arguments = ["explain", sample.run, "--evaluate", data, "--json"]
      let alone = try await Salad.succeed(arguments).output
      #expect(try await Salad.succeed(ranks: 3, arguments).output == alone)
      let measured = try object(alone)
      let kinds = measured["kinds"] as? [[String: Any]] ?? []
      #expect(kinds.compactMap { $0["kind"] as? String } == ["device", "effusion", "nodule", "opacity", "all"])
      #expect(measured["normal_images"] as? Int == 6)
      let device = kinds.first
      // Seen: 0.76, of a network of 16 channels after one epoch.
      #expect((device?["pixel_auroc"] as? Double ?? 0) > 0.65, "\(kinds)")
      #expect((device?["hottest_in_mask"] as? Double ?? 0) >= 0.5, "\(kinds)")
      let text = try await Salad.succeed(arguments.dropLast() + ["--method", "difference"]).output
      #expect(text.hasPrefix("difference, 6 normal images, 64 x 64 pixels\nkind"))
      // Without masks there is nothing to measure.
      Salad.expectRefusal(
        try await Salad.run(["explain", sample.run, "--evaluate", sample.data]), status: 65,
        naming: ["ground_truth", "0 with a mask"])
    }

    @Test("What cannot be is refused before work is done")
    func refusals() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let image = sample.data + "/test/good/0001.png"
      let output = sample.path("there")
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, ["explain", sample.run, image, "--output", output]), status: 64, naming: [output])
      Salad.expectRefusal(
        try await Salad.run(["explain", sample.run, image, "--save-local", image]), status: 64, naming: [image])
      // Other pictures under the same names.
      let others = sample.path("others")
      try await Salad.succeed([
        "phantom", others, "--train", "\(SmallTraining.images)", "--test-normal", "1", "--test-anomalous", "4",
        "--size",
        "64", "--seed", "4",
      ])
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, ["explain", sample.run, image, "--data", others]), status: 65,
        naming: [others, "another"])
      // The data set is gone: without it the prototypes are still told.
      try FileManager.default.moveItem(atPath: sample.data, toPath: sample.path("moved"))
      let moved = sample.path("moved") + "/test/good/0001.png"
      let result = try await Salad.succeed(["explain", sample.run, moved, "--json"])
      #expect(try object(result.output)["prototypes"] != nil && result.errors.contains("not at hand"))
      for method in ["local", "difference"] {
        Salad.expectRefusal(
          try await Salad.run(["explain", sample.run, moved, "--method", method]), status: 64, naming: ["--data"])
      }
      // A bad image ends it, or is named and the others explained.
      let bad = sample.path("bad.png")
      try BadImage.text.write(to: bad)
      Salad.expectRefusal(
        try await Salad.run(["explain", sample.run, moved, bad, "--method", "occlusion"]), status: 65, naming: [bad])
      let skipped = try await Salad.succeed([
        "explain", sample.run, bad, moved, "--json", "--bad-images", "skip", "--data", sample.path("moved"), "--output",
        sample.path("drawn"),
      ])
      let lines = try skipped.output.split(separator: "\n").map { try object(String($0)) }
      #expect(lines.count == 2 && lines[0]["error"] != nil && lines[1]["heat"] != nil)
      #expect(try FileManager.default.contentsOfDirectory(atPath: sample.path("drawn")).count == 2)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: sample.folder.path).allSatisfy { !$0.hasPrefix(".") })
    }
  }
}
