import Foundation
import Testing

@testable import SALAD

@Suite("Run record")
struct RunRecordTests {
  private let record = RunRecord(
    configuration: Configuration(), execution: Execution(),
    data: RunRecord.DataRecord(path: "../data", fingerprint: "00", imageCount: 40, skipped: []))

  @Test("A resume may raise the rounds and nothing else")
  func resume() throws {
    var asked = record.configuration
    try record.validateResume(as: asked, run: "run")
    asked.rounds += 2
    try record.validateResume(as: asked, run: "run")

    asked.rounds = 0
    var error = #expect(throws: SaladError.self) { try record.validateResume(as: asked, run: "run") }
    #expect(error?.description.contains("--rounds 3, not 0") == true)

    asked = record.configuration
    asked.batchSize = 16
    asked.seed = 5
    error = #expect(throws: SaladError.self) { try record.validateResume(as: asked, run: "run") }
    #expect(error?.status == .usage)
    #expect(error?.description.contains("--batch-size 32, not 16, --seed 0, not 5") == true)
  }

  @Test("A run of another version is refused by both versions")
  func version() {
    var record = record
    record.version = "0.0.1"
    let error = #expect(throws: SaladError.self) {
      try record.validateResume(as: record.configuration, run: "run")
    }
    #expect(error?.description.contains("0.0.1") == true)
    #expect(error?.description.contains(saladVersion) == true)
  }

  @Test("Numbers of images that no run can have are refused by file and key")
  func images() throws {
    try record.check(path: "run/config.json")
    // A batch has 32.
    for images in [-5, 0, 31, 1 << 23, .max] {
      var record = record
      record.data.imageCount = images
      let error = #expect(throws: SaladError.self) { try record.check(path: "run/config.json") }
      #expect(error?.status == .badData)
      #expect(error?.description.hasPrefix("run/config.json: expected 32 to 4194304 training images") == true)
      #expect(error?.description.contains("found \(images)") == true)
    }
    var record = record
    record.data.keptBack = -1
    #expect(throws: SaladError.self) { try record.check(path: "run/config.json") }
  }

  @Test("A run's identity has what determines its bits, and says in what another one differs")
  func identity() throws {
    var other = record
    other.configuration.rounds += 4
    other.configuration.badImages = .skip
    other.configuration.validationSeed = 9
    other.execution.workers = 3
    other.data.path = "elsewhere"
    #expect(other.identity == record.identity && other.identity.difference(from: record.identity) == nil)

    other.configuration.seed = 5
    other.configuration.learningRate = 2e-4
    other.configuration.augmentation.rotation = 3
    other.initialWeights = RunRecord.WeightsRecord(path: "w", sha256: String(repeating: "a", count: 64))
    let difference = try #require(record.identity.difference(from: other.identity))
    #expect(difference.ours == "--learning-rate 0.0001, --rotation 8.0, --seed 0, no --initial-weights")
    #expect(
      difference.theirs
        == "--learning-rate 0.0002, --rotation 3.0, --seed 5, --initial-weights (SHA-256 aaaaaaaaaaaaaaaa...)")

    // A setting that came later.
    var later = record.identity
    later.settings["new"] = "1"
    #expect(later.difference(from: record.identity) == nil && record.identity.difference(from: later) == nil)
  }

  @Test(
    "The data's folder is remembered as seen from the run, and found again",
    arguments: [
      ("/a/data", "/a/run", "../data"),
      ("/a/run/data", "/a/run", "data"),
      ("/a", "/a/b/run", "../.."),
      ("/x/y", "/a/b", "../../x/y"),
      ("/a/run", "/a/run", "."),
      // Two folders, whose names Unicode calls equal; and names with a line break and what URLs would mean something by.
      ("/a/caf\u{E9}/data", "/a/cafe\u{301}/run", "../../caf\u{E9}/data"),
      ("/a/b\r\n/data", "/a/b\r\n/run", "../data"),
      ("/a/%41 ?#;\"/data", "/a/run", "../%41 ?#;\"/data"),
    ])
  func relativePaths(data: String, run: String, relative: String) {
    #expect(RelativePath.of(data, from: run) == relative)
    #expect(RelativePath.resolve(relative, from: run) == data)
  }
}
