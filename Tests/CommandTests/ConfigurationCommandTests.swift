import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Files and variables on real ranks, and what is said on standard error.
  @Suite("Configuration on ranks")
  struct ConfigurationCommandTests {
    private static func write(_ text: String, to path: String) throws {
      try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// `SmallTraining`'s settings as a file, for one round.
    private static let file = """
      size = 64
      max-width = 16
      embedding-dimension = 8
      batch-size = 8
      micro-batch = 2
      neighbours = 3
      anchor-rate = 0.3
      seed = 7
      [train]
      rounds = 1
      epochs-per-round = 2
      """

    @Test("A file trains the same bits as flags, config.json tells where settings come from, and a resume takes both")
    func origins() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (file, run) = (sample.path("small.toml"), sample.path("by-file"))
      try Self.write(Self.file, to: file)
      let trained = try await Salad.succeed([
        "train", "--config", file, "--data", sample.data, "--run", run, "--keep", "3",
      ])
      #expect(trained.errors.contains("salad: next: salad evaluate \(run)"), "\(trained)")
      #expect(trained.output.isEmpty)
      let model = "checkpoints/0000000016/model.safetensors"
      #expect(try bytes(of: "\(run)/\(model)") == bytes(of: "\(sample.run)/\(model)"))
      let record = try #require(
        JSONSerialization.jsonObject(with: try bytes(of: "\(run)/config.json")) as? [String: Any])
      let origins = try #require(record["origins"] as? [String: String])
      #expect(origins["size"] == "file small.toml" && origins["rounds"] == "file small.toml")
      #expect(origins["keep"] == "command line" && origins["momentum"] == "default")
      // Its own file says nothing else than the run does; its rounds may be raised.
      let resumed = try await Salad.run(["train", "--config", file, "--run", run, "--resume"])
      #expect(resumed.status == 0 && resumed.errors.contains("is finished"), "\(resumed)")
      let other = try await Salad.run(["train", "--config", file, "--run", run, "--resume", "--seed", "8"])
      Salad.expectRefusal(other, status: 64, naming: ["--seed 7", "not 8"])
    }

    @Test("What is wrong in a file or variable is said once, by its place", arguments: [1, 2])
    func refusals(ranks: Int) async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let file = folder.path + "/small.toml"
      let train = ["train", "--data", sample.data, "--run", folder.path + "/run", "--config"]
      Salad.expectRefusal(
        try await Salad.run(ranks: ranks, train + [file]), status: 65, naming: [file, "no such file"])
      try Self.write("size = 64\nbatchsize = 8\n", to: file)
      Salad.expectRefusal(
        try await Salad.run(ranks: ranks, train + [file]), status: 65, naming: [file, "line 2", "batch-size"])
      try Self.write("\nsize = 100\n", to: file)
      Salad.expectRefusal(
        try await Salad.run(ranks: ranks, train + [file]), status: 64, naming: [file, "line 2", "--size is 100"])
    }

    @Test("Ranks with other variables, or without the file, are told of and end before they begin")
    func differentRanks() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let train = ["train", "--data", sample.data, "--run", folder.path + "/run"] + SmallTraining.arguments
      // A variable on the second rank alone.
      let prefix = ["sh", "-c", "[ $OMPI_COMM_WORLD_RANK = 0 ] || export SALAD_TOP_K=5; exec \"$0\" \"$@\""]
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, train, prefix: prefix), status: 64, naming: ["rank 1", "--top-k=5"])
      let broken = ["sh", "-c", "[ $OMPI_COMM_WORLD_RANK = 0 ] || export SALAD_TOP_K=five; exec \"$0\" \"$@\""]
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, train, prefix: broken), status: 64, naming: ["SALAD_TOP_K", "five", "rank 1"])
      let missing = ["sh", "-c", "[ $OMPI_COMM_WORLD_RANK = 0 ] || export SALAD_CONFIG=/none.toml; exec \"$0\" \"$@\""]
      Salad.expectRefusal(
        try await Salad.run(ranks: 2, train, prefix: missing), status: 65, naming: ["/none.toml", "rank 1"])
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/run"))
    }

    @Test("Quiet says only what is wrong, verbose more and when")
    func verbosity() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      func train(_ name: String, _ flag: String) -> [String] {
        ["train", "--data", sample.data, "--run", "\(folder.path)/\(name)", flag] + SmallTraining.arguments
          + ["--rounds", "0"]
      }
      let quiet = try await Salad.succeed(train("quiet", "--quiet"))
      #expect(quiet.errors.isEmpty, "\(quiet)")
      let verbose = try await Salad.succeed(train("verbose", "--verbose"))
      let lines = verbose.errors.split(separator: "\n").filter { $0.contains("salad: ") }
      #expect(lines.count > 3)
      for line in lines { #expect(line.contains(#/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d salad: /#), "\(line)") }
      Salad.expectRefusal(
        try await Salad.run(train("both", "--quiet") + ["--verbose"]), status: 64, naming: ["--quiet", "--verbose"])
    }

    @Test("Help of a verb that there is not, and versions, end as they should")
    func help() async throws {
      Salad.expectRefusal(try await Salad.run(["help", "nosuch"]), status: 64, naming: ["no verb nosuch"])
      Salad.expectRefusal(try await Salad.run(["trian"]), status: 64, naming: ["no verb trian", "train"])
      let versions = try await Salad.succeed(ranks: 2, ["--version", "--verbose"]).output
      for name in ["salad", "MPI", "oneDNN", "BLAS", "CPU", "Swift"] {
        #expect(versions.split(separator: "\n").count { $0.hasPrefix("\(name) ") } == 1, "\(versions)")
      }
      for shell in ["bash", "zsh", "fish"] {
        #expect(try await Salad.succeed(["--generate-completion-script", shell]).output.contains("epochs-per-round"))
      }
    }
  }
}
