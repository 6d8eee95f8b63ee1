import Foundation
import RanksSupport
import Testing

/// The real `salad`, as its users start it.
enum Salad {
  /// Runs it on so many ranks; one rank runs without mpirun.
  static func run(
    ranks: Int = 1, _ arguments: [String], before: [String] = [], timeLimit: Duration = .seconds(120),
    watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    let command = before + [try Program.built("salad")] + arguments
    return ranks == 1
      ? try await Program.run(command, timeLimit: timeLimit, watch: watch)
      : try await Program.mpirun(ranks: ranks, command, timeLimit: timeLimit, watch: watch)
  }

  /// Runs it and expects status 0.
  @discardableResult
  static func succeed(ranks: Int = 1, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation)
    async throws -> ProgramResult
  {
    let result = try await run(ranks: ranks, arguments)
    try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
    return result
  }

  /// Expects one sentence of salad's own on standard error that holds all of `words`, and nothing on standard output.
  static func expectRefusal(
    _ result: ProgramResult, status: Int32, naming words: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
    #expect(!result.timedOut, "\(result)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
    let sentences = result.errors.split(separator: "\n").filter { $0.hasPrefix("salad: ") }
    #expect(
      sentences.count { sentence in words.allSatisfy { sentence.contains($0) } } == 1,
      "one sentence with \(words): \(result)", sourceLocation: sourceLocation)
  }
}

/// A training that takes a second: a narrow network on small images.
struct SmallTraining {
  /// 26 images in micro-batches of 2, four a step: the last step of an epoch has one.
  static let images = 26
  static let arguments = [
    "--size", "64", "--max-width", "16", "--embedding-dimension", "8", "--batch-size", "8", "--micro-batch", "2",
    "--rounds", "1", "--epochs-per-round", "2", "--neighbours", "3", "--anchor-rate", "0.3", "--seed", "7",
  ]
}

/// A folder with phantom images and a finished run, made once and copied by those who change it.
struct Sample: Sendable {
  let folder: TemporaryFolder
  var data: String { folder.path + "/data" }
  var run: String { folder.path + "/run" }

  static func make() async throws -> Sample {
    let sample = Sample(folder: try TemporaryFolder())
    try await Salad.succeed([
      "phantom", sample.data, "--train", "\(SmallTraining.images)", "--test-normal", "9", "--test-anomalous", "12",
      "--size", "64", "--seed", "3",
    ])
    return sample
  }

  /// Trains the sample's run.
  func train(ranks: Int = 2) async throws {
    try await Salad.succeed(ranks: ranks, ["train", "--data", data, "--run", run] + SmallTraining.arguments)
  }

  /// `name` in this sample's folder.
  func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  func remove() { folder.remove() }
}

/// The bytes of a file.
func bytes(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
