import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// `score --output`: whole, or to be gone on with.
  @Suite("Scores in a file")
  struct ScoreOutputTests {
    /// Enough images, most of them several times, for a scoring of some seconds.
    private func images(_ sample: Sample) -> [String] {
      [String](repeating: sample.data + "/train", count: 100) + [sample.data + "/test"]
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test(
      "A file holds what standard output would, with nothing beside it, and is not written over", arguments: [1, 2])
    func output(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let output = sample.path("a \"b\",\ne\u{301}.csv")
      for form in [["--csv"], [], ["--csv", "--bad-images", "skip"]] {
        let score = ["score", sample.run, sample.data + "/test"] + form
        let expected = try await Salad.succeed(score).output
        let result = try await Salad.succeed(ranks: ranks, score + ["--output", output])
        #expect(result.output.isEmpty)
        #expect(try String(decoding: bytes(of: output), as: UTF8.self) == expected)
        #expect(!exists(output + ".partial") && !exists(output + ".partial.json"))

        let again = try await Salad.run(ranks: ranks, score + ["--output", output])
        // The name has a line break, and the sentence none.
        Salad.expectRefusal(again, status: 64, naming: ["a \"b\",\\ne\u{301}.csv: expected no such file", "--output"])
        // What is finished stays as it is.
        let resumed = try await Salad.succeed(ranks: ranks, score + ["--output", output, "--resume"])
        #expect(resumed.errors.contains("is finished"))
        #expect(try String(decoding: bytes(of: output), as: UTF8.self) == expected)
        try FileManager.default.removeItem(atPath: output)
      }
      let nowhere = try await Salad.run(["score", sample.run, sample.data, "--output", sample.path("no/x.csv")])
      Salad.expectRefusal(
        nowhere, status: 64, naming: [sample.path("no/x.csv"), "a folder \(sample.path("no"))", "make it"])
      let alone = try await Salad.run(["score", sample.run, sample.data, "--resume"])
      Salad.expectRefusal(alone, status: 64, naming: ["--resume", "--output"])
    }

    @Test(
      "A scoring that is killed or stopped goes on where it was, on any number of ranks", arguments: [SIGKILL, SIGTERM])
    func interrupted(signal: Int32) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let output = sample.path("scores.csv")
      let score = ["score", sample.run] + images(sample) + ["--csv"]
      let expected = try await Salad.succeed(score).output
      let rows = expected.split(separator: "\n").count
      var (attempts, interrupted) = (0, 0)
      while !exists(output), attempts < 40 {
        attempts += 1
        let before = (try? Data(contentsOf: URL(fileURLWithPath: output + ".partial")).count) ?? 0
        let once = Once()
        // Once there are more rows; later ones are left to run to the end.
        let isLast = attempts > 3
        let result = try await Salad.run(
          ranks: isLast ? 2 : 1, score + ["--output", output] + (exists(output + ".partial") ? ["--resume"] : []),
          timeLimit: .seconds(600)
        ) { process in
          let now = (try? FileManager.default.attributesOfItem(atPath: output + ".partial")[.size] as? Int) ?? 0
          if !isLast, now > before + 4096 { once { kill(process, signal) } }
        }
        if result.status == 0 { break }
        interrupted += 1
        #expect(!exists(output), "half-written: \(result)")
        #expect(result.status == (signal == SIGKILL ? 128 + SIGKILL : 75), "\(result)")
        if signal == SIGTERM {
          #expect(result.errors.contains("--resume"), "\(result)")
          // Whole rows only.
          #expect(try bytes(of: output + ".partial").last == UInt8(ascii: "\n"))
        }
      }
      #expect(interrupted > 0)
      #expect(try String(decoding: bytes(of: output), as: UTF8.self) == expected)
      #expect(rows == 1 + 100 * SmallTraining.images + 21)
      #expect(!exists(output + ".partial") && !exists(output + ".partial.json"))
    }

    @Test("Rows of another model, other images, flags or another order are refused, and theirs go on")
    func foreign() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (output, test) = (sample.path("scores.csv"), sample.data + "/test")
      let score = ["score", sample.run, test, "--csv", "--output", output]
      let expected = try await Salad.succeed(["score", sample.run, test, "--csv"]).output
      // No room for all rows: a limit on the size of files, which the kernel enforces as a full disk.
      let limited = ["bash", "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "bash"]
      let full = try await Salad.run(score, prefix: limited)
      Salad.expectRefusal(full, status: 74, naming: ["scores.csv.partial", "--resume"])
      #expect(!exists(output))

      try await Salad.succeed(["merge", sample.run, "--output", sample.path("deploy")])
      for (changed, words) in [
        (["score", sample.path("deploy"), test, "--csv"], ["the model"]),
        (["score", sample.run, test + "/good", "--csv"], ["the images"]),
        (["score", sample.run, test + "/opacity", test, "--csv"], ["the images"]),
        (["score", sample.run, test], ["--csv"]),
        (["score", sample.run, test, "--csv", "--top-k", "3"], ["--top-k"]),
        (["score", sample.run, test, "--csv", "--false-alarm-rate", "0.3"], ["--false-alarm-rate"]),
        (["score", sample.run, test, "--csv", "--score-rule", "weighted"], ["--score-rule"]),
        (["score", sample.run, test, "--csv", "--bank", "momentum"], ["the model"]),
      ] {
        let result = try await Salad.run(changed + ["--output", output, "--resume"])
        Salad.expectRefusal(result, status: 64, naming: words + ["scores.csv.partial"])
      }
      try await Salad.succeed(ranks: 2, score + ["--resume"])
      #expect(try String(decoding: bytes(of: output), as: UTF8.self) == expected)
    }
  }
}
