import Autoencoder
import Foundation
import RanksSupport
import Testing

extension CommandTests {
  @Suite("Precision")
  struct PrecisionTests {
    @Test("Without instructions for it bfloat16 is refused with what to do, on all ranks, and nothing is made")
    func refusal() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // A CPU without them, as far as kernels can tell.
      let lesser = ["env", "SALAD_CPU=baseline"]
      let words = ["--precision bfloat16", "give --precision float32"]
      let run = sample.path("other")
      for arguments in [
        ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments,
        ["score", sample.run, sample.data + "/test/good"], ["evaluate", sample.run, "--data", sample.data],
        ["bench", "--size", "64", "--max-width", "16", "--rows", "32", "--steps", "1", "--workers", "1"],
      ] {
        let result = try await Salad.run(ranks: 2, arguments + ["--precision", "bfloat16"], prefix: lesser)
        Salad.expectRefusal(result, status: 64, naming: words)
      }
      #expect(!FileManager.default.fileExists(atPath: run))
    }

    @Test(
      "A run in bfloat16 remembers it, scores by it unless told otherwise, and does not resume without",
      .enabled(if: Precision.bfloat16.isSupported, "this CPU has no instructions for bfloat16"))
    func remembered() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (run, deploy) = (sample.path("bfloat16"), sample.path("deploy"))
      try await Salad.succeed(
        ["train", "--data", sample.data, "--run", run, "--precision", "bfloat16"] + SmallTraining.arguments)
      try await Salad.succeed(["merge", run, "--output", deploy])
      for file in [run + "/config.json", deploy + "/manifest.json"] {
        let text = String(decoding: try bytes(of: file), as: UTF8.self)
        #expect(text.contains(#/"precision" ?: ?"bfloat16"/#), "\(file)")
      }
      let score = ["score", deploy, sample.data + "/test", "--csv"]
      let scores = try await Salad.succeed(score).output
      #expect(try await Salad.succeed(score + ["--precision", "bfloat16"]).output == scores)
      #expect(try await Salad.succeed(score + ["--precision", "float32"]).output != scores)

      let resumed = try await Salad.run(["train", "--run", run, "--resume", "--rounds", "2", "--precision", "float32"])
      Salad.expectRefusal(resumed, status: 64, naming: ["--precision", "bfloat16", "float32"])
      // Elsewhere it is merged all the same, and scored when asked for float32.
      let lesser = ["env", "SALAD_CPU=baseline"]
      let other = sample.path("other")
      let merged = try await Salad.run(["merge", run, "--output", other], prefix: lesser)
      #expect(merged.status == 0, "\(merged)")
      let refused = try await Salad.run(["score", other, sample.data + "/test"], prefix: lesser)
      Salad.expectRefusal(refused, status: 64, naming: ["give --precision float32"])
    }
  }
}
