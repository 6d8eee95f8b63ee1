import Autoencoder
import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// The promise that shapes everything: ranks and workers change no bit.
  @Suite("Layouts")
  struct LayoutTests {
    /// Four micro-batches a step and one in the last: five ranks leave some without any.
    static let layouts = [
      "unet": [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 1), (5, 2)], "resnet18": [(1, 2), (2, 1), (3, 1), (4, 1)],
    ]

    @Test(
      "Any number of ranks and workers gives the same model, bank and scores, sharded or merged",
      arguments: layouts.keys.sorted())
    func equalBits(architecture: String) async throws {
      try await expectEqualBits(Self.layouts[architecture]!, ["--architecture", architecture])
    }

    @Test(
      "In bfloat16 as well",
      .enabled(if: Precision.bfloat16.isSupported, "this CPU has no instructions for bfloat16"))
    func equalBitsInBFloat16() async throws {
      try await expectEqualBits([(1, 2), (2, 1), (3, 1)], ["--precision", "bfloat16"])
    }

    private func expectEqualBits(_ layouts: [(Int, Int)], _ arguments: [String]) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      var first: (model: Data, bank: Data, scores: String)?
      for (ranks, workers) in layouts {
        let run = sample.path("run-\(ranks)-\(workers)")
        let deploy = sample.path("deploy-\(ranks)-\(workers)")
        try await Salad.succeed(
          ranks: ranks,
          ["train", "--data", sample.data, "--run", run, "--workers", "\(workers)"]
            + arguments + SmallTraining.arguments)
        try await Salad.succeed(ranks: ranks, ["merge", run, "--output", deploy])
        let images = [sample.data + "/test", sample.data + "/train"]
        let sharded = try await Salad.succeed(ranks: ranks, ["score", run] + images + ["--csv"]).output
        let merged = try await Salad.succeed(["score", deploy] + images + ["--csv"]).output
        #expect(sharded == merged, "\(ranks) ranks, \(workers) workers")

        let result = try (bytes(of: deploy + "/model.safetensors"), bytes(of: deploy + "/bank.safetensors"), sharded)
        if let first {
          #expect(result.0 == first.model, "model of \(ranks) ranks, \(workers) workers")
          #expect(result.1 == first.bank, "bank of \(ranks) ranks, \(workers) workers")
          #expect(result.2 == first.scores, "scores of \(ranks) ranks, \(workers) workers")
        } else {
          first = result
        }
      }
    }

    @Test("A run that a signal stops and other ranks resume ends in the bits of one that never stopped")
    func resume() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // Long enough for a signal to meet it in the midst of an epoch.
      let train =
        ["train", "--data", sample.data] + SmallTraining.arguments
        + ["--epochs-per-round", "20", "--checkpoint-every", "3"]
      try await Salad.succeed(train + ["--run", sample.path("whole")])

      let cut = sample.path("cut")
      let once = Once()
      let stopped = try await Salad.run(ranks: 3, train + ["--run", cut]) { mpirun in
        guard FileManager.default.fileExists(atPath: cut + "/latest") else { return }
        once { kill(mpirun, SIGUSR1) }  // which forwards it to every rank
      }
      #expect(stopped.status == 75, "\(stopped)")
      #expect(stopped.errors.contains("--resume"))

      let resumed = try await Salad.succeed(ranks: 2, ["train", "--run", cut, "--resume"])
      #expect(resumed.errors.contains("goes on after step"))
      for name in ["whole", "cut"] {
        try await Salad.succeed(["merge", sample.path(name), "--output", sample.path("deploy-\(name)")])
        try await Salad.succeed(
          ["merge", sample.path(name), "--bank", "momentum", "--output", sample.path("momentum-\(name)")])
      }
      for file in ["model.safetensors", "bank.safetensors"] {
        #expect(try bytes(of: sample.path("deploy-whole/\(file)")) == bytes(of: sample.path("deploy-cut/\(file)")))
        #expect(try bytes(of: sample.path("momentum-whole/\(file)")) == bytes(of: sample.path("momentum-cut/\(file)")))
      }
      #expect(try losses(of: sample.path("whole")) == losses(of: cut))

      // A finished run is left alone.
      let before = try bytes(of: cut + "/config.json")
      let again = try await Salad.succeed(["train", "--run", cut, "--resume"])
      #expect(again.errors.contains("is finished"))
      #expect(try bytes(of: cut + "/config.json") == before)
    }

    /// The lines of metrics.jsonl without what the clock said.
    private func losses(of run: String) throws -> [NSDictionary] {
      try String(decoding: bytes(of: run + "/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        var record = try #require(object)
        record["timing"] = nil
        return record as NSDictionary
      }
    }
  }
}
