import Foundation
import RanksSupport
import Safetensors
import Testing

extension CommandTests {
  @Suite("Embed")
  struct EmbedTests {
    @Test("Features are the bank's rows, the same bytes by any ranks, and a table reads back to the same bits")
    func features() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      for ranks in 1...3 {
        for format in ["safetensors", "csv"] {
          let said = try await Salad.succeed(
            ranks: ranks,
            [
              "embed", ranks == 2 ? sample.run : deploy, "--data", sample.data, "--output",
              sample.path("\(ranks).\(format)"),
            ])
          #expect(said.errors.contains("features of each of 26 images"))
          #expect(try bytes(of: sample.path("\(ranks).\(format)")) == bytes(of: sample.path("1.\(format)")))
        }
      }
      let file = try SafetensorsFile(path: sample.path("1.safetensors"))
      let features = try file.floats("features")
      #expect(features == (try SafetensorsFile(path: deploy + "/bank.safetensors").floats("bank")))
      let ids = try JSONDecoder().decode([String].self, from: Data(try #require(file.metadata["ids"]).utf8))
      #expect(ids.count == 26 && ids[0].hasPrefix("train/good/"))
      #expect(file.metadata["exposure_damping"] == "0.5" && file.metadata["encoder_sha256"]?.utf8.count == 64)
      let lines = try String(contentsOfFile: sample.path("1.csv"), encoding: .utf8).split(separator: "\n")
      let table = lines.dropFirst().map { $0.split(separator: ",") }
      #expect(table.map { String($0[0]) } == ids)
      #expect(table.flatMap { $0.dropFirst().compactMap { Float($0) } } == features)

      // One bad file ends it, or is left out.
      let bad = sample.path("images")
      try FileManager.default.copyItem(atPath: sample.data + "/test/good", toPath: bad)
      try Data("no picture".utf8).write(to: URL(filePath: bad + "/a.png"))
      let embedding = ["embed", deploy, bad, "--output", sample.path("some.csv")]
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, embedding), status: 65, naming: ["a.png", "--bad-images skip"])
      let skipped = try await Salad.succeed(embedding + ["--bad-images", "skip"])
      #expect(skipped.errors.contains("of each of 9 images"))
      for (arguments, words) in [
        (["--output", sample.path("some.csv")], ["expected no such file"]),
        (["--output", sample.path("a.txt")], [".csv"]),
        ([], ["--as-bank"]),
      ] {
        Salad.expectRefusal(try await Salad.run(["embed", deploy, bad] + arguments), status: 64, naming: words)
      }
    }
  }
}
