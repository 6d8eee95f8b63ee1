import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// What a deployment tells of persons.
  @Suite("Privacy")
  struct PrivacyTests {
    @Test("A deployment says what it carries, and with --hash-ids it carries nothing and scores the same")
    func hashed() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (data, run) = (sample.path("set"), sample.path("other"))
      try DataSetTree(sample).writeNIH(to: data)
      try await Salad.succeed(["train", "--data", data, "--run", run] + SmallTraining.arguments)
      let (named, hashed) = (sample.path("named"), sample.path("hashed"))
      let merged = try await Salad.succeed(["merge", run, "--output", named])
      #expect(
        merged.errors.contains(
          "\(named) carries file names, patients and picture hashes of its 26 training images: --hash-ids keeps them out"
        ))
      let quiet = try await Salad.succeed(
        ranks: 3, ["merge", run, "--output", hashed, "--hash-ids", "--hash-salt", "pepper"])
      #expect(!quiet.errors.contains("carries"))

      let open = try manifest(named)
      #expect(open["identifying"] as? [String] == ["file_names", "patients", "picture_hashes"])
      let text = String(decoding: try bytes(of: hashed + "/manifest.json"), as: UTF8.self)
      for word in [".png", "00000001", "images_0", "pepper", "image_hashes"] {
        #expect(!text.contains(word), "\(word)")
      }
      let closed = try manifest(hashed)
      #expect(closed["identifying"] as? [String] == [])
      let ids = try #require(closed["image_ids"] as? [String])
      #expect(Set(ids).count == 26 && ids.allSatisfy { $0.utf8.count == 16 })
      let patients = try #require(closed["image_patients"] as? [String])
      #expect(patients.count == 26 && Set(patients).count == 13 && !patients.contains(""))

      // The same salt finds the same ids, another others.
      for (name, arguments, isSame) in [
        ("again", ["--hash-salt", "pepper"], true), ("random", [], false),
      ] as [(String, [String], Bool)] {
        try await Salad.succeed(["merge", run, "--output", sample.path(name), "--hash-ids"] + arguments)
        #expect(try (manifest(sample.path(name))["image_ids"] as? [String] == ids) == isSame)
      }
      for arguments in [[], ["--top-k", "4"]] {
        let outputs = try await [named, hashed].asyncMap {
          try await Salad.succeed(["score", $0, data, "--csv"] + arguments).output
        }
        #expect(outputs[0] == outputs[1], "\(arguments)")
      }
      let evaluated = try await Salad.succeed(["evaluate", hashed, "--data", data])
      #expect(evaluated.errors.contains("keeps hashes instead of names"))
      let salted = try await Salad.succeed(["evaluate", hashed, "--data", data, "--hash-salt", "pepper"])
      #expect(salted.errors.contains("test images are compared by patient alone, under the salt"))
      Salad.expectRefusal(
        try await Salad.run(["evaluate", named, "--data", data, "--hash-salt", "pepper"]), status: 64,
        naming: ["was merged without --hash-ids"])
      Salad.expectRefusal(
        try await Salad.run(["merge", run, "--output", sample.path("x"), "--hash-salt", "a"]), status: 64,
        naming: ["--hash-salt goes with --hash-ids"])
    }

    @Test("Paths come from standard input, a line each or between zero bytes, alone and under mpirun")
    func standardInput() async throws {
      let sample = try #require(Sample.shared)
      let salad = try Program.built("salad")
      let expected = try await Salad.succeed(["score", sample.run, sample.data + "/test/good", "--csv"]).output
      let find = "find \(sample.data)/test/good -name '*.png'"
      for script in [
        "\(find) | LC_ALL=C sort | \(salad) score \(sample.run) - --csv",
        "\(find) -print0 | LC_ALL=C sort -z | \(salad) score \(sample.run) - --csv",
        "\(find) | LC_ALL=C sort | mpirun --bind-to none --oversubscribe -n 3 \(salad) score \(sample.run) - --csv",
        "echo \(sample.data)/test/good | \(salad) score \(sample.run) - --csv",
      ] {
        let result = try await Program.run(
          ["sh", "-c", script],
          environment: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"], timeLimit: .seconds(120))
        #expect(result.status == 0 && result.output == expected, "\(result)")
      }
      let none = try await Program.run(["sh", "-c", "\(salad) score \(sample.run) - </dev/null"])
      Salad.expectRefusal(none, status: 65, naming: ["standard input: expected paths of images"])
    }

    private func manifest(_ folder: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: bytes(of: folder + "/manifest.json")) as? [String: Any])
    }
  }
}

extension Array {
  /// One after the other.
  fileprivate func asyncMap<R>(_ body: (Element) async throws -> R) async throws -> [R] {
    var results: [R] = []
    for element in self { results.append(try await body(element)) }
    return results
  }
}
