import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// What a shell, a batch system or a container allows a process.
  @Suite("Limits of the host")
  struct LimitTests {
    /// `salad ARGUMENTS` in a shell that has set limits.
    private func run(
      _ before: String, _ arguments: [String], ranks: Int = 1, prefix: [String] = [],
      environment: [String: String] = [:]
    ) async throws -> ProgramResult {
      let command =
        prefix + ["/bin/bash", "-c", "\(before)\nexec \"$0\" \"$@\"", try Program.built("salad")] + arguments
      return ranks == 1
        ? try await Program.run(command, environment: environment, timeLimit: .seconds(600))
        : try await Program.mpirun(ranks: ranks, command, environment: environment, timeLimit: .seconds(600))
    }

    /// A sentence of salad's own, a status of its own, and no dump.
    private func expectSentence(_ result: ProgramResult, _ words: String..., statuses: Set<Int32> = [64, 74]) {
      #expect(statuses.contains(result.status), "\(result)")
      #expect(!result.errors.contains("Fatal error") && !result.errors.contains("crashed"), "\(result)")
      let sentences = result.errors.split(separator: "\n").filter { $0.hasPrefix("salad: ") }
      #expect(sentences.contains { sentence in words.allSatisfy { sentence.contains($0) } }, "\(words): \(result)")
    }

    #if os(Linux)
      @Test("A training that needs more addresses than it may have is refused with the limit", arguments: [1, 2])
      func addressSpace(ranks: Int) async throws {
        let sample = try #require(Sample.shared)
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let train = [
          "train", "--data", sample.data, "--run", folder.path + "/run", "--size", "256", "--workers", "1",
          "--batch-size", "8",
        ]
        let result = try await run("ulimit -c 0 -v 1200000", train, ranks: ranks)
        expectSentence(result, "this training takes", "ulimit -v", "raise that limit", "--workers", statuses: [64])
      }

      @Test(
        "A scoring or an import that needs more than it may have is refused before it takes any", arguments: [1, 2])
      func scoring(ranks: Int) async throws {
        let sample = try Sample.copy()
        defer { sample.remove() }
        let step = try String(decoding: bytes(of: sample.run + "/latest"), as: UTF8.self).dropLast()
        // A worker's activations take half a gigabyte.
        let large = sample.path("large")
        let importing = [
          "import", "\(sample.run)/checkpoints/\(step)/model.safetensors", "--data", sample.data, "--micro-batch",
          "1024",
          "--workers", "1", "--output",
        ]
        try await Salad.succeed(importing + [large])
        for (verb, words) in [
          (importing + [sample.path("other")], ["this import takes", "--micro-batch"]),
          (["score", large, sample.data + "/test", "--workers", "1"], ["scoring takes", "--workers"]),
          (["score", large, sample.data + "/test", "--workers", "1", "--top-k", "9"], ["scoring takes", "--top-k"]),
          (["evaluate", large, "--data", sample.data, "--workers", "1"], ["scoring takes", "--workers"]),
        ] {
          let result = try await run("ulimit -c 0 -v 700000", verb, ranks: ranks)
          for word in words { expectSentence(result, word, "ulimit -v", "raise that limit", statuses: [64]) }
        }
        #expect(!FileManager.default.fileExists(atPath: sample.path("other")))
        try await Salad.succeed(["score", large, sample.data + "/test", "--workers", "1"])
      }

      @Test(
        "Whatever may be had of addresses or data, each verb works or says that it is not enough",
        arguments: ["-v", "-d"])
      func anyMemory(limit: String) async throws {
        let sample = try Sample.copy()
        defer { sample.remove() }
        let verbs = [
          ["score", sample.run, sample.data + "/test"], ["evaluate", sample.run, "--data", sample.data],
          ["train", "--data", sample.data, "--run", sample.path("new"), "--workers", "2"] + SmallTraining.arguments,
          [
            "train", "--data", sample.data, "--run", sample.path("new"), "--size", "64", "--batch-size", "8",
            "--micro-batch", "4",
          ],
          ["merge", sample.run, "--output", sample.path("deploy")],
          ["bench", "--steps", "1", "--rows", "100", "--size", "64", "--max-width", "16"],
        ]
        for kilobytes in [40_000, 150_000, 250_000, 320_000, 450_000] {
          for verb in verbs {
            for name in ["new", "deploy"] { try? FileManager.default.removeItem(atPath: sample.path(name)) }
            let result = try await run("ulimit -c 0 \(limit) \(kilobytes)", verb)
            // 127: the loader's own sentence, where the libraries do not fit.
            if result.status != 0 && result.status != 127 { expectSentence(result, "ulimit \(limit)") }
          }
        }
      }

      @Test("Fewer threads than workers: fewer workers with one warning, and the same bytes")
      func threads() async throws {
        // The limit counts what a user has running everywhere: a user of its own has nothing.
        guard geteuid() == 0 else { return }
        let sample = try Sample.copy()
        defer { sample.remove() }
        let score = ["score", sample.run, sample.data + "/test", "--csv", "--workers"]
        let expected = try await Salad.succeed(score + ["1"])
        try allow(sample.folder.path)
        let user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
        for limit in [2, 3, 5, 9] {
          let result = try await run("ulimit -u \(limit)", score + ["32"], prefix: user)
          #expect(result.status == 0 && result.output == expected.output, "\(result)")
          #expect(result.errors.components(separatedBy: "instead of 32").count == 2, "\(result)")
        }
        let train = ["train", "--data", sample.data, "--workers", "4", "--run"] + [sample.path("few")]
        let trained = try await run("ulimit -u 2", train + SmallTraining.arguments, prefix: user)
        #expect(trained.status == 0, "\(trained)")
        let whole = try await Salad.succeed(
          ["train", "--data", sample.data, "--run", sample.path("many")] + SmallTraining.arguments)
        #expect(whole.status == 0)
        let step = try String(contentsOfFile: sample.path("many") + "/latest", encoding: .utf8)
          .trimmingCharacters(in: .whitespacesAndNewlines)
        let models = try ["few", "many"].map {
          try bytes(of: sample.path("\($0)/checkpoints/\(step)/model.safetensors"))
        }
        #expect(models[0] == models[1])
      }

      private func allow(_ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
      }

      @Test("Few open files suffice, or are named", arguments: [5, 8, 12, 16, 256])
      func openFiles(limit: Int) async throws {
        let sample = try #require(Sample.shared)
        let result = try await run("ulimit -n \(limit)", ["score", sample.run, sample.data + "/test", "--csv"])
        if result.status == 0 {
          #expect(limit >= 12)
        } else {
          expectSentence(result, "ulimit -n", "raise", statuses: [74])
        }
        #expect(limit < 256 || result.status == 0, "\(result)")
      }

      @Test("A limit that the shell set low and allows to raise is raised")
      func softLimit() async throws {
        let sample = try #require(Sample.shared)
        let result = try await run("ulimit -Sn 9", ["score", sample.run, sample.data + "/test", "--csv"])
        #expect(result.status == 0, "\(result)")
      }

      @Test(
        "Without a home or a folder for temporary files a rank alone works",
        arguments: ["TMPDIR=/proc", "TMPDIR=/no/such/folder", "TMPDIR=", "HOME=", "HOME=/no/such/folder", "unset"])
      func folders(setting: String) async throws {
        let sample = try #require(Sample.shared)
        let before = setting == "unset" ? "unset HOME TMPDIR TMP TEMP" : "export \(setting)"
        let result = try await run(before, ["score", sample.run, sample.data + "/test", "--csv"])
        #expect(result.status == 0, "\(result)")
        #expect(!FileManager.default.fileExists(atPath: "/no"))
      }

      @Test(
        "Where /dev/shm is too small for the ranks they work without a word of it",
        .enabled(if: SmallSharedMemory.unavailable == nil, "\(SmallSharedMemory.unavailable ?? "")"))
      func sharedMemory() async throws {
        let sample = try #require(Sample.shared)
        let command = SmallSharedMemory.prefix + ["mpirun", "--bind-to", "none", "--oversubscribe", "-n", "3"]
        let result = try await Program.run(
          command + [try Program.built("salad"), "score", sample.run, sample.data + "/test", "--csv"],
          environment: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"], timeLimit: .seconds(600))
        #expect(result.status == 0 && !result.errors.contains("not enough space"), "\(result)")
      }
    #endif
  }
}

/// A mount name space in which /dev/shm has one megabyte.
private enum SmallSharedMemory {
  static let prefix = [
    "unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /dev/shm && exec \"$0\" \"$@\"",
  ]

  /// Why this machine cannot have one, as a sentence; nil when it can.
  static let unavailable: String? = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = prefix + ["true"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "a small /dev/shm needs unshare" }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? nil : "a small /dev/shm is tested where unshare --mount is permitted"
  }()
}
