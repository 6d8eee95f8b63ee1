import Foundation
import Platform
import RanksSupport
import Testing

@testable import SALAD

extension CommandTests {
  /// `--cpu` and `SALAD_CPU`.
  @Suite("CPU level")
  struct CPULevelTests {
    @Test("What is no level, or more than the CPU has, is refused with what may be given")
    func refusals() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test"]
      Salad.expectRefusal(
        try await Salad.run(score + ["--cpu", "fast"]), status: 64, naming: ["--cpu", "fast", "avx2"])
      let variable = try await Salad.run(ranks: 2, score, prefix: ["env", "SALAD_CPU=fast"])
      Salad.expectRefusal(variable, status: 64, naming: ["SALAD_CPU", "fast", "avx512_bf16"])
      guard let more = CPULevel.allCases.first(where: { $0 > .best }) else { return }
      let result = try await Salad.run(ranks: 2, score + ["--cpu", more.rawValue])
      Salad.expectRefusal(
        result, status: 64, naming: [more.rawValue, "give --cpu \(CPULevel.best.rawValue)"])
    }

    @Test(
      "At every level that the CPU has, one rank and two train and score the same bits, and the run tells the level")
    func bits() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      // As short as can be: oneDNN has no fast backward passes for the baseline.
      let training = [
        "--size", "64", "--max-width", "16", "--embedding-dimension", "8", "--batch-size", "8", "--micro-batch", "2",
        "--rounds", "0", "--epochs-per-round", "1", "--neighbours", "3", "--anchor-rate", "0.3",
      ]
      for level in CPULevel.allCases where level <= .best {
        var results: [[Data]] = []
        for ranks in [1, 2] {
          let (run, deploy) = (sample.path("\(level)-\(ranks)"), sample.path("\(level)-\(ranks)-deploy"))
          let cpu = ["--cpu", level.rawValue]
          try await Salad.succeed(
            ranks: ranks, ["train", "--data", sample.data, "--run", run] + cpu + training)
          try await Salad.succeed(ranks: ranks, ["merge", run, "--output", deploy] + cpu)
          let scores = try await Salad.succeed(
            ranks: ranks, ["score", deploy, sample.data + "/test", "--csv"] + cpu)
          results.append(
            try [bytes(of: deploy + "/model.safetensors"), bytes(of: deploy + "/bank.safetensors")]
              + [Data(scores.output.utf8)])
          let manifest = String(decoding: try bytes(of: deploy + "/manifest.json"), as: UTF8.self)
          #expect(manifest.contains("\"\(level.rawValue)\""), "\(manifest)")
        }
        #expect(results[0] == results[1], "\(level)")
      }
    }

    @Test("The flag goes before the variable, which does as the flag does", .enabled(if: CPULevel.best >= .avx2))
    func variable() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let bench = ["bench", "--score", "--size", "64", "--max-width", "16", "--steps", "1", "--workers", "1", "--json"]
      func instructions(_ arguments: [String], _ prefix: [String]) async throws -> String {
        let result = try await Salad.run(bench + arguments, prefix: prefix)
        #expect(result.status == 0, "\(result)")
        return String(try #require(result.output.firstMatch(of: #/"instruction_set":"([a-z0-9_]*)"/#)).1)
      }
      let held = ["env", "SALAD_CPU=baseline"]
      #expect(try await instructions([], held) == "sse41")
      #expect(try await instructions(["--cpu", "avx2"], held) == "avx2")
      let versions = try await Program.run(held + [try Program.built("salad"), "--version", "--verbose"])
      #expect(versions.output.contains("baseline, of \(CPULevel.best.rawValue) (SALAD_CPU)"), "\(versions)")
      let doctor = try await Salad.run(["doctor", "--cpu", "baseline"])
      #expect(doctor.output.contains("baseline, of \(CPULevel.best.rawValue) that the CPU has"), "\(doctor)")
    }

    @Test("Ranks held to different levels are refused; one level for all is not", .enabled(if: CPULevel.best >= .avx2))
    func mixed() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test"]
      let second = "test \"$OMPI_COMM_WORLD_RANK\" = 1 && export SALAD_CPU=avx2; exec \"$@\""
      let prefix = ["sh", "-c", second, "sh"]
      let refused = try await Salad.run(ranks: 2, score, prefix: prefix)
      Salad.expectRefusal(refused, status: 64, naming: ["different arguments", "rank 1 on", "--cpu=avx2"])
      let accepted = try await Salad.run(ranks: 2, score + ["--cpu", "baseline"], prefix: prefix)
      #expect(accepted.status == 0, "\(accepted)")
      #expect(accepted.output == (try await Salad.run(score + ["--cpu", "baseline"])).output)
    }
  }
}
