import Foundation
import RanksSupport
import Synchronization
import Testing

/// The real `salad`, as its users start it.
enum Salad {
  /// Runs it on so many ranks; one rank runs without mpirun.
  ///
  /// - Parameter prefix: a command that starts salad on each rank, under mpirun always.
  static func run(
    ranks: Int = 1, _ arguments: [String], prefix: [String] = [], timeLimit: Duration = .seconds(600),
    watch: (@Sendable (pid_t) -> Void)? = nil
  ) async throws -> ProgramResult {
    let command = prefix + [try Program.built("salad")] + arguments
    return ranks == 1 && prefix.isEmpty
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

/// A folder with phantom images and a run that two ranks trained on them: made once, copied by tests that change it.
struct Sample: Sendable {
  let folder: TemporaryFolder
  var data: String { path("data") }
  var run: String { path("run") }

  /// `name` in this sample's folder.
  func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  /// The sample that `CommandTests` share. Nobody changes it.
  @TaskLocal static var shared: Sample?

  static func make() async throws -> Sample {
    let sample = Sample(folder: try TemporaryFolder())
    try await Salad.succeed([
      "phantom", sample.data, "--train", "\(SmallTraining.images)", "--test-normal", "9", "--test-anomalous", "12",
      "--size", "64", "--seed", "3",
    ])
    try await Salad.succeed(ranks: 2, ["train", "--data", sample.data, "--run", sample.run] + SmallTraining.arguments)
    return sample
  }

  /// A copy of the shared one for a test of its own. Remove it with `defer`.
  static func copy() throws -> Sample {
    let shared = try #require(Sample.shared)
    let sample = Sample(folder: try TemporaryFolder())
    for name in ["data", "run"] {
      try FileManager.default.copyItem(atPath: shared.path(name), toPath: sample.path(name))
    }
    return sample
  }

  func remove() { folder.remove() }
}

/// Makes the shared sample before a suite and removes it afterwards.
struct SampleTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    let sample = try await Sample.make()
    defer { sample.remove() }
    try await Sample.$shared.withValue(sample) { try await body() }
  }
}

extension SuiteTrait where Self == SampleTrait {
  static var sample: SampleTrait { SampleTrait() }
}

/// Has a suite's tests wait for each other, but for a few.
struct LanesTrait: TestTrait, SuiteTrait, TestScoping {
  let isRecursive = true
  private static let lanes = Lanes()

  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    try await Self.lanes.run(body)
  }
}

extension SuiteTrait where Self == LanesTrait {
  static var lanes: LanesTrait { LanesTrait() }
}

/// All tests that start the real command.
@Suite("Command", .lanes, .sample)
enum CommandTests {}

/// The bytes of a file.
func bytes(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// What JSON text says.
func object(_ text: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

/// Does something once, however often it is called.
final class Once: Sendable {
  private let isDone = Mutex(false)

  func callAsFunction(_ body: () -> Void) {
    let isFirst = isDone.withLock { isDone in
      defer { isDone = true }
      return !isDone
    }
    if isFirst { body() }
  }
}
