import Autoencoder
import Foundation
import Radiographs
import Testing

@testable import SALAD

/// One wrong setting.
struct Change: Sendable {
  let apply: @Sendable (inout Configuration) -> Void
  init(_ apply: @escaping @Sendable (inout Configuration) -> Void) { self.apply = apply }
}

@Suite("Configuration")
struct ConfigurationTests {
  @Test("Both recipes are valid")
  func recipes() throws {
    for recipe in Recipe.allCases { try recipe.configuration.validate() }
    #expect(Recipe.default.configuration == Configuration())
    #expect(Recipe.published.configuration.microBatch == 32)
    #expect(Recipe.published.configuration.augmentation == .flip)
  }

  @Test("JSON keeps every setting")
  func json() throws {
    var configuration = Recipe.published.configuration
    configuration.seed = .max
    configuration.learningRate = 1.0 / 3
    configuration.augmentation.noise = 0.01
    let bytes = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(Configuration.self, from: bytes) == configuration)
  }

  @Test(
    "A setting out of range is refused by its flag",
    arguments: [
      ("--size 100", Change { $0.size = 100 }),
      ("--channels 2", Change { $0.channels = 2 }),
      ("--max-width 0", Change { $0.maximumWidth = 0 }),
      ("--embedding-dimension 1", Change { $0.embeddingDimension = 1 }),
      ("--batch-size 12", Change { $0.batchSize = 12 }),
      ("--micro-batch 1", Change { $0.microBatch = 1 }),
      ("--rounds -1", Change { $0.rounds = -1 }),
      ("--epochs-per-round 0", Change { $0.epochsPerRound = 0 }),
      ("--learning-rate nan", Change { $0.learningRate = .nan }),
      ("--learning-rate 0.0", Change { $0.learningRate = 0 }),
      ("--weight-decay -1.0", Change { $0.weightDecay = -1 }),
      ("--temperature 0.0", Change { $0.temperature = 0 }),
      ("--momentum 1.0", Change { $0.momentum = 1 }),
      ("--anchor-rate 1.5", Change { $0.anchorRate = 1.5 }),
      ("--neighbours 0", Change { $0.neighbours = 0 }),
      ("--top-k 0", Change { $0.topK = 0 }),
      ("--reconstruction-weight inf", Change { $0.reconstructionWeight = .infinity }),
      ("--scale 1.0", Change { $0.augmentation.scale = 1 }),
    ])
  func ranges(flagAndValue: String, change: Change) throws {
    var configuration = Configuration()
    change.apply(&configuration)
    let error = #expect(throws: SaladError.self) { try configuration.validate() }
    let words = flagAndValue.split(separator: " ")
    #expect(error?.status == .usage)
    #expect(error?.description.hasPrefix(words[0]) == true)
    #expect(error?.description.contains(words[1]) == true)
  }

  @Test("A batch above the data set is refused with the largest that fits")
  func batchAboveData() throws {
    var configuration = Configuration()
    configuration.batchSize = 32
    try configuration.validate(imageCount: 32)
    let error = #expect(throws: SaladError.self) { try configuration.validate(imageCount: 31) }
    #expect(error?.status == .usage)
    #expect(error?.description.contains("at most 24") == true)
  }

  @Test("Every setting that differs is named by its flag, the strengths of the augmentation too")
  func differences() {
    let ours = Configuration()
    var theirs = ours
    #expect(ours.differences(from: theirs).isEmpty)
    theirs.maximumWidth = 64
    theirs.augmentation.rotation = 5
    #expect(
      ours.differences(from: theirs) == [
        Configuration.Difference(flag: "--max-width", ours: "1024", theirs: "64"),
        Configuration.Difference(flag: "--rotation", ours: "8.0", theirs: "5.0"),
      ])
  }
}
