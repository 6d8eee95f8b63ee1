import Foundation
import RanksSupport
import Synchronization
import Testing

extension CommandTests {
  /// Those who read a run while a training writes and prunes its checkpoints.
  @Suite("Readers beside a training")
  struct ReadersAndWritersTests {
    @Test("Whoever reads a run that is trained on gets one whole checkpoint, each time")
    func readers() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("moving")
      // Trains until it is stopped, with a checkpoint at every step of some milliseconds and none kept but the last.
      let train =
        ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
        + ["--epochs-per-round", "100000", "--rounds", "0", "--checkpoint-every", "1", "--keep", "1", "--workers", "1"]
      let training = try BackgroundProgram([try Program.built("salad")] + train)
      defer { training.end() }
      for _ in 0..<600 where !FileManager.default.fileExists(atPath: run + "/latest") { usleep(100_000) }

      let test = sample.data + "/test"
      let start = try step(run)
      for round in 0..<5 {
        for ranks in [1, 2] {
          let deploy = sample.path("deploy-\(round)-\(ranks)")
          try await Salad.succeed(ranks: ranks, ["merge", run, "--output", deploy])
          let scored = try await Salad.succeed(ranks: ranks, ["score", run, test, "--csv"])
          #expect(scored.output.split(separator: "\n").count == 22)
          try await Salad.succeed(["evaluate", run, "--data", sample.data, "--bootstrap", "0"])
        }
      }
      #expect(training.isRunning, "\(training.errors)")
      #expect(try step(run) > start, "the training went on meanwhile")
      training.end(SIGTERM)
      #expect(training.status == 75, "\(training.errors)")
      // Nobody reads any more: none is left but the last.
      try await Salad.succeed(["score", run, test])
      let left = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
      #expect(left.count <= 2, "\(left)")
    }

    private func step(_ run: String) throws -> Int {
      let text = try String(contentsOfFile: run + "/latest", encoding: .utf8)
      return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
  }
}
