import Foundation
import Testing

extension CommandTests {
  /// `--threads-per-micro-batch`.
  @Suite("Teams of threads")
  struct TeamCommandTests {
    private func train(_ name: String, ranks: Int, _ more: [String], in sample: Sample) async throws -> [Data] {
      let run = sample.path(name)
      try await Salad.succeed(
        ranks: ranks, ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments + more)
      try await Salad.succeed(["merge", run, "--output", run + ".deploy"])
      return try ["model.safetensors", "bank.safetensors"].map { try bytes(of: "\(run).deploy/\($0)") }
    }

    @Test("Ranks, workers and the size of teams change no bit, and one thread is what is there without teams")
    func bits() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let two = try await train("two", ranks: 1, ["--threads-per-micro-batch", "2", "--workers", "1"], in: sample)
      let many = try await train("many", ranks: 3, ["--threads-per-micro-batch", "5", "--workers", "2"], in: sample)
      #expect(two == many)
      let one = try await train("one", ranks: 1, ["--threads-per-micro-batch", "1"], in: sample)
      let none = try await train("none", ranks: 2, [], in: sample)
      #expect(one == none)

      // The run remembers its teams, of whatever size.
      let resume = ["train", "--run", sample.path("two"), "--resume", "--threads-per-micro-batch"]
      Salad.expectRefusal(
        try await Salad.run(resume + ["1"]), status: 64, naming: ["--threads-per-micro-batch 2, not 1"])
      try await Salad.succeed(resume + ["3"])
      let manifests = FileManager.default.enumerator(atPath: sample.path("two"))?.compactMap { $0 as? String }
      let manifest = try #require(manifests?.first { $0.hasSuffix("manifest.json") })
      #expect(
        String(decoding: try bytes(of: "\(sample.path("two"))/\(manifest)"), as: UTF8.self)
          .contains("\"threads_per_micro_batch\" : 2"))
    }

    @Test("A team of none or of thousands is refused", arguments: ["0", "257", "-1", "two"])
    func refused(_ threads: String) async throws {
      let sample = try #require(Sample.shared)
      let result = try await Salad.run([
        "train", "--data", sample.data, "--run", sample.path("no-team"), "--threads-per-micro-batch", threads,
      ])
      #expect(result.status == 64, "\(result)")
      #expect(result.errors.contains("--threads-per-micro-batch"), "\(result)")
      #expect(!FileManager.default.fileExists(atPath: sample.path("no-team")))
    }
  }
}
