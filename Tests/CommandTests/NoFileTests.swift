import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// A pipe, a socket, a device or a folder where a file belongs.
  @Suite("What is no file")
  struct NoFileTests {
    @Test("A run with one in place of a file of its own is refused by its name, and nobody waits for it")
    func runs() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let step = try String(decoding: bytes(of: sample.run + "/latest"), as: UTF8.self).dropLast()
      let checkpoint = "\(sample.run)/checkpoints/\(step)"
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let merge = ["merge", sample.run, "--output", sample.path("deploy")]
      let resume = ["train", "--run", sample.run, "--resume", "--rounds", "2"]
      for (path, verbs) in [
        ("\(checkpoint)/manifest.json", [score, merge, resume]),
        ("\(checkpoint)/model.safetensors", [score, merge, resume]),
        ("\(sample.run)/latest", [score, merge, resume]), ("\(sample.run)/config.json", [resume]),
        ("\(sample.run)/metrics.jsonl", [resume]), ("\(sample.run)/.lock", [resume]),
      ] {
        let kept = path + "-kept"
        try FileManager.default.moveItem(atPath: path, toPath: kept)
        defer {
          try? FileManager.default.removeItem(atPath: path)
          try? FileManager.default.moveItem(atPath: kept, toPath: path)
        }
        for (index, verb) in verbs.enumerated() {
          let kind = try Kind.allCases[index % Kind.allCases.count].make(path)
          let result = try await Salad.run(ranks: index == 0 ? 2 : 1, verb)
          Salad.expectRefusal(result, status: 65, naming: [path, "found \(kind)"])
          try FileManager.default.removeItem(atPath: path)
        }
      }
      // It is what it was.
      try await Salad.succeed(score)
    }

    @Test("A deployment, weights and a bank likewise")
    func others() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      for (index, name) in ["manifest.json", "model.safetensors", "bank.safetensors"].enumerated() {
        let path = "\(deploy)/\(name)"
        try FileManager.default.moveItem(atPath: path, toPath: sample.path("kept"))
        let kind = try Kind.allCases[index % Kind.allCases.count].make(path)
        let result = try await Salad.run(["score", deploy, sample.data + "/test"])
        Salad.expectRefusal(result, status: 65, naming: [path, "found \(kind)"])
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: sample.path("kept"), toPath: path)
      }
      let pipe = sample.path("pipe")
      let kind = try Kind.pipe.make(pipe)
      for arguments in [
        ["import", pipe, "--data", sample.data, "--output", sample.path("imported")],
        [
          "import", deploy + "/model.safetensors", "--bank", pipe, "--feature-scale", "root", "--output",
          sample.path("imported"),
        ],
        ["train", "--data", sample.data, "--run", sample.path("other"), "--initial-weights", pipe]
          + SmallTraining.arguments,
      ] {
        Salad.expectRefusal(try await Salad.run(arguments), status: 65, naming: [pipe, "found \(kind)"])
      }
    }

    private enum Kind: CaseIterable {
      case pipe, socket, folder

      /// - Returns: what it is called.
      func make(_ path: String) throws -> String {
        switch self {
        case .pipe:
          try #require(mkfifo(path, 0o600) == 0)
          return "a pipe"
        case .socket:
          try #require(mknod(path, S_IFSOCK | 0o600, 0) == 0)
          return "a socket"
        case .folder:
          try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
          return "a folder"
        }
      }
    }
  }
}
