import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Full disks, closed and broken descriptors behind the standard streams.
  @Suite("Standard streams of the command")
  struct StreamCommandTests {
    /// `salad ARGUMENTS` with a shell's redirections, or what a shell does before.
    private func run(
      _ arguments: [String], _ redirections: String = "", before: String = "", environment: [String: String] = [:]
    ) async throws -> ProgramResult {
      let line = "\(before)\nexec \"$0\" \"$@\" \(redirections)"
      return try await Program.run(
        ["/bin/bash", "-c", line, try Program.built("salad")] + arguments, environment: environment,
        timeLimit: .seconds(600))
    }

    @Test(
      "A log that cannot be written changes neither the training nor the result",
      arguments: [
        "exec 2> /dev/full", "exec 2>&-", "exec 2> >(exec true); wait $!", "exec <&- >&- 2>&-",
        // A pipe that is full, blocks, and has a reader that never reads.
        "exec 2> >(exec sleep 100); head -c 65536 /dev/zero >&2",
      ])
    func log(before: String) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let runs = ["quiet", "loud"].map { sample.path($0) }
      let train = ["train", "--data", sample.data] + SmallTraining.arguments
      #expect(try await run(train + ["--run", runs[0]], before: before).status == 0)
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
        ["bench", "--steps", "1", "--rows", "100", "--size", "64", "--max-width", "16", "--json"],
        ["evaluate", sample.run, "--data", sample.data, "--json"],
        ["train", "--data", sample.data, "--run", sample.path("none"), "--dry-run", "--images-per-second", "9"]
          + SmallTraining.arguments, ["--help"], ["help", "train"], ["--version"],
        ["--generate-completion-script", "bash"],
      ]
      let faults = [
        ("exec > /dev/full", "No space left on device"), ("exec >&-", "standard output is closed"),
        ("exec > >(exec true); wait $!", "Broken pipe"),
      ]
      for arguments in verbs {
        for (before, words) in faults {
          let result = try await run(arguments, before: before)
          #expect(result.status == 74, "\(arguments) \(before): \(result)")
          #expect(result.errors.contains("standard output") && result.errors.contains(words), "\(result)")
        }
      }
      // Under mpirun as well, where all ranks end.
      let both = try await Program.mpirun(
        ranks: 2,
        ["/bin/bash", "-c", "exec \"$0\" \"$@\" > /dev/full", try Program.built("salad")] + verbs[0],
        timeLimit: .seconds(600))
      #expect(both.status == 74 && !both.timedOut, "\(both)")
    }

    @Test("Who reads a result slowly gets all of it: the watchdog does not count that time")
    func slowReader() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // More than a pipe holds.
      let images = [String](repeating: sample.data + "/train", count: 80)
      let score = ["score", sample.run] + images + ["--csv", "--timeout", "2"]
      let result = try await run(score, "| (sleep 8; cat)", before: "set -o pipefail")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.utf8.count > 65536)
      #expect(result.output.split(separator: "\n").count == 1 + 80 * SmallTraining.images)
    }

    @Test("Standard output holds the result alone, whatever a library prints there")
    func libraries() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let plain = try await Salad.succeed(score).output
      let verbose = try await run(score, environment: ["ONEDNN_VERBOSE": "1", "DNNL_VERBOSE": "1"])
      #expect(verbose.status == 0)
      #expect(verbose.output == plain)
      #expect(verbose.errors.contains("onednn_verbose") || verbose.errors.contains("dnnl_verbose"))
      #expect(try await Salad.succeed(["--version"]).output.split(separator: "\n").count == 1)
    }
  }
}
