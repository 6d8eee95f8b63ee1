import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Full disks, closed and broken descriptors behind the standard streams.
  @Suite("Standard streams of the command")
  struct StreamCommandTests {
    /// `salad ARGUMENTS` with a shell's redirections.
    private func run(
      _ arguments: [String], _ redirections: String, environment: [String: String] = [:]
    ) async throws -> ProgramResult {
      let line = "exec \"$0\" \"$@\" \(redirections)"
      return try await Program.run(
        ["/bin/bash", "-c", line, try Program.built("salad")] + arguments, environment: environment,
        timeLimit: .seconds(120))
    }

    @Test(
      "A log that cannot be written changes neither the training nor the result",
      arguments: ["2> /dev/full", "2>&-", "2> >(exec true)", "2>&- < /dev/null 1>&-"])
    func log(redirections: String) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let runs = ["quiet", "loud"].map { sample.path($0) }
      let train = ["train", "--data", sample.data] + SmallTraining.arguments
      #expect(try await run(train + ["--run", runs[0]], redirections).status == 0)
      try await Salad.succeed(train + ["--run", runs[1]])
      let steps = try runs.map { try String(contentsOfFile: $0 + "/latest", encoding: .utf8) }
      #expect(steps[0] == steps[1])
      let models = try runs.map {
        try bytes(
          of: "\($0)/checkpoints/\(steps[0].trimmingCharacters(in: .whitespacesAndNewlines))/model.safetensors")
      }
      #expect(models[0] == models[1])
    }

    @Test("A result that cannot be written is an error of status 74 that names standard output")
    func result() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let verbs = [
        ["score", sample.run, sample.data + "/test", "--csv"],
        ["evaluate", sample.run, "--data", sample.data, "--json"],
        ["train", "--data", sample.data, "--run", sample.path("none"), "--dry-run", "--images-per-second", "9"]
          + SmallTraining.arguments, ["--help"], ["help", "train"], ["--version"],
      ]
      for arguments in verbs {
        for (redirection, words) in [("> /dev/full", "No space left on device"), (">&-", "standard output is closed")] {
          let result = try await run(arguments, redirection)
          #expect(result.status == 74, "\(arguments) \(redirection): \(result)")
          #expect(result.errors.contains("standard output") && result.errors.contains(words), "\(result)")
        }
      }
      // Under mpirun as well, where all ranks end.
      let both = try await Program.mpirun(
        ranks: 2,
        ["/bin/bash", "-c", "exec \"$0\" \"$@\" > /dev/full", try Program.built("salad")] + verbs[0],
        timeLimit: .seconds(120))
      #expect(both.status == 74 && !both.timedOut, "\(both)")
    }

    @Test("Standard output holds the result alone, whatever a library prints there")
    func libraries() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let plain = try await Salad.succeed(score).output
      let verbose = try await run(score, "", environment: ["ONEDNN_VERBOSE": "1", "DNNL_VERBOSE": "1"])
      #expect(verbose.status == 0)
      #expect(verbose.output == plain)
      #expect(verbose.errors.contains("onednn_verbose") || verbose.errors.contains("dnnl_verbose"))
      #expect(try await Salad.succeed(["--version"]).output.split(separator: "\n").count == 1)
    }
  }
}
