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
    configuration.validationFraction = 0.2
    configuration.falseAlarmRate = 0.01
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
      ("--score-temperature 0.0", Change { $0.scoreTemperature = 0 }),
      ("--levels \"e7\"", Change { $0.levels = Levels(["e7"]) }),
      ("--levels \"e4,e3\"", Change { $0.levels = Levels(["e4", "e3"]) }),
      ("--score-rule mean-angle", Change { $0.scoreRule = .meanAngle }),
      ("--validation-fraction 1.0", Change { $0.validationFraction = 1 }),
      ("--validation-fraction -0.1", Change { $0.validationFraction = -0.1 }),
      ("--false-alarm-rate 0.0", Change { $0.falseAlarmRate = 0 }),
      ("--false-alarm-rate nan", Change { $0.falseAlarmRate = .nan }),
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
    configuration.validationFraction = 0.5
    let left = #expect(throws: SaladError.self) { try configuration.validate(imageCount: 20, keptBack: 20) }
    #expect(left?.description.contains("20 training images that --validation-fraction 0.5 leaves") == true)
  }

  @Test("A configuration from before there was calibration keeps nothing back and equals one that says so")
  func older() throws {
    let bytes = try JSONEncoder().encode(Configuration())
    #expect(!String(decoding: bytes, as: UTF8.self).contains("validation_fraction"))
    var configuration = try JSONDecoder().decode(Configuration.self, from: bytes)
    #expect(configuration.validationFraction == nil)
    configuration.validationFraction = 0
    configuration.falseAlarmRate = 0.05
    #expect(configuration.differences(from: Configuration()).isEmpty)
    configuration.validationFraction = 0.1
    #expect(configuration.differences(from: Configuration()).map(\.flag) == ["--validation-fraction"])
  }

  @Test("A configuration from before there were centring and a first pass was trained without them")
  func uncentred() throws {
    let bytes = try JSONEncoder().encode(Configuration())
    var object = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    for key in ["centre", "bank_start", "learning_rate_decay"] { #expect(object.removeValue(forKey: key) != nil) }
    let older = try JSONDecoder().decode(
      Configuration.self, from: JSONSerialization.data(withJSONObject: object))
    #expect(older.centre == .none && older.bankStart == .random && older.learningRateDecay == .none)
  }

  @Test("A configuration from before there was a choice of precision is float32; another one is recorded and differs")
  func precision() throws {
    var configuration = Configuration()
    configuration.precision = .bfloat16
    let bytes = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(Configuration.self, from: bytes) == configuration)
    #expect(configuration.differences(from: Configuration()).map(\.flag) == ["--precision"])
    let scoring = try JSONEncoder().encode(configuration.scoring)
    #expect(try JSONDecoder().decode(ScoringConfiguration.self, from: scoring).precision == .bfloat16)

    func older<T: Decodable>(_ bytes: Data, _: T.Type) throws -> T {
      var object = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
      #expect(object.removeValue(forKey: "precision") as? String == "bfloat16")
      return try JSONDecoder().decode(T.self, from: JSONSerialization.data(withJSONObject: object))
    }
    #expect(try older(bytes, Configuration.self) == Configuration())
    #expect(try older(scoring, ScoringConfiguration.self) == Configuration().scoring)
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
