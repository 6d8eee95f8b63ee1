import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Training that stops by itself before someone else ends it.
  @Suite("Stop after")
  struct StopAfterTests {
    @Test("Training stops when its time is up, with a checkpoint and status 75, and goes on to the same bits")
    func stops() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // By then it has only begun, on any machine: the whole has a thousand epochs.
      let long = ["train", "--data", sample.data, "--run", sample.path("long")] + SmallTraining.arguments
      let stopped = try await Salad.run(ranks: 2, long + ["--epochs-per-round", "500", "--stop-after", "3s"])
      #expect(stopped.status == 75 && stopped.output.isEmpty, "\(stopped)")
      #expect(stopped.errors.contains("stopped by --stop-after 3s with a checkpoint saved"), "\(stopped)")
      #expect(stopped.errors.contains("--resume") && stopped.duration >= .seconds(3), "\(stopped)")

      // A time that is up at once still takes a step: who asks again and again comes to the end, here of 16 steps.
      let cut = ["train", "--data", sample.data, "--run", sample.path("cut")] + SmallTraining.arguments
      var ranks = 1
      var status: Int32 = 75
      var starts = 0
      while status == 75 && starts < 20 {
        let run = try await Salad.run(ranks: ranks, cut + ["--resume", "--stop-after", "0:00:01"])
        status = run.status
        try #require(status == 75 || status == 0, "\(run)")
        starts += 1
        ranks = ranks % 3 + 1
      }
      try #require(status == 0, "not finished after \(starts) starts")
      for run in ["run", "cut"] {
        try await Salad.succeed(["merge", sample.path(run), "--output", sample.path("\(run)-merged")])
      }
      for file in ["model.safetensors", "bank.safetensors"] {
        #expect(try bytes(of: sample.path("run-merged/\(file)")) == bytes(of: sample.path("cut-merged/\(file)")))
      }
    }

    @Test("What is no time is refused in words", arguments: ["90", "1:30", "0s", "never"])
    func refusal(time: String) async throws {
      let result = try await Salad.run(["train", "--data", "none", "--run", "none", "--stop-after", time])
      Salad.expectRefusal(result, status: 64, naming: ["'\(time)'", "--stop-after", "90s, 30m, 11h"])
    }
  }
}
