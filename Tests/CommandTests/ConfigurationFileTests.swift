import ArgumentParser
import Foundation
import RanksSupport
import SALAD
import Testing

@testable import salad

/// Where options come from: the command line, the environment, a file. In this process.
@Suite("Configuration files")
struct ConfigurationFileTests {
  /// What `words` ask for, with a file of this text as `chest.toml`.
  private static func invocation(
    _ words: [String], _ text: String? = nil, environment: [String: String] = [:], named name: String = "chest.toml"
  ) throws -> Invocation {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    guard let text else { return try Invocation(words, environment: environment) }
    let path = "\(folder.path)/\(name)"
    try Data(text.utf8).write(to: URL(filePath: path))
    return try Invocation(words + ["--config", path], environment: environment)
  }

  private static func train(_ invocation: Invocation) throws -> Train {
    try #require(try salad.Salad.parseAsRoot(invocation.words) as? Train)
  }

  private static func configuration(of train: Train) -> Configuration {
    var configuration = Configuration()
    train.settings.apply(to: &configuration)
    return configuration
  }

  private static func refusal(_ text: String, verb: String = "train", named name: String = "chest.toml") -> String {
    do {
      _ = try invocation([verb], text, named: name)
      return "taken"
    } catch {
      return "\(error)"
    }
  }

  @Test("Flags go before the environment, that before the file, that before the recipe, that before defaults")
  func precedence() throws {
    let text = """
      recipe = "published"
      size = 128
      rounds = 7
      epochs_per_round = 3     # as config.json has its keys
      learning-rate = 1e-3
      """
    let invocation = try Self.invocation(
      ["train", "--data", "d", "--run", "r", "--size=512"], text,
      environment: ["SALAD_ROUNDS": "5", "SALAD_SIZE": "64", "SALAD_SEED": "9", "SALAD_KEEP": "", "PATH": "/bin"])
    let configuration = Self.configuration(of: try Self.train(invocation))
    var expected = Recipe.published.configuration
    expected.size = 512
    expected.rounds = 5
    expected.epochsPerRound = 3
    expected.learningRate = 1e-3
    expected.seed = 9
    #expect(configuration == expected)
    #expect(invocation.origins["--size"] == nil)
    #expect(invocation.origins["--rounds"]?.text == "environment SALAD_ROUNDS")
    #expect(invocation.origins["--epochs-per-round"]?.text == "file chest.toml")
    #expect(invocation.origins["--keep"] == nil)
  }

  @Test("Without a file and variables the command line is what was typed")
  func untouched() throws {
    let words = ["score", "r", "--", "--config", "x.toml"]
    #expect(try Self.invocation(words).words == words)
    #expect(
      try Self.invocation(["train", "--size", "64"], environment: ["HOME": "/"]).words == ["train", "--size", "64"])
  }

  @Test("Lists, flags and numbers of a file mean what they mean when typed")
  func values() throws {
    let train = try Self.train(
      Self.invocation(
        ["train", "--run", "r", "--data", "d"],
        """
        levels = ["e2", "e4"]
        flip = false
        dry-run = true
        json = false
        limit = 10
        view = ["PA", "AP"]
        stop-after = "90s"
        cache-memory = "512M"
        learning-rate = 1
        timeout = inf
        tensorboard = false
        """))
    let configuration = Self.configuration(of: train)
    #expect("\(configuration.levels)" == "e2,e4" && !configuration.augmentation.flip && configuration.learningRate == 1)
    #expect(train.dryRun && !train.json && train.selection.limit == 10)
    #expect(train.selection.view?.words == ["PA", "AP"])
    var execution = Execution()
    train.work.apply(to: &execution)
    #expect(execution.stopAfter?.seconds == 90 && execution.cacheMemory == 512 << 20)
    #expect(execution.timeout == .infinity && !execution.tensorboard)
  }

  @Test("A verb's own table goes before the rest, and what other verbs have is for them")
  func tables() throws {
    let text = """
      seed = 3
      rounds = 2
      top-k = 5
      [score]
      top-k = 7
      csv = true
      [train]
      rounds = 4
      """
    #expect(try Self.invocation(["score", "r", "i"], text).words == ["score", "--csv", "--top-k=7", "r", "i"])
    let train = try Self.train(Self.invocation(["train", "--run", "r", "--data", "d"], text))
    let configuration = Self.configuration(of: train)
    #expect(configuration.rounds == 4 && configuration.seed == 3 && configuration.topK == 5)
  }

  @Test("What is wrong in a file is named by file, line and key, with what was expected")
  func refusals() throws {
    for (text, words) in [
      ("size = 64\nbatchsize = 8\n", ["chest.toml: line 2", "batchsize", "did you mean batch-size"]),
      ("epochs = 8\n", ["line 1", "expected the name of an option", "epochs"]),
      ("flip = 1\n", ["line 1", "true or false", "flip", "the number 1"]),
      ("size = true\n", ["line 1", "size", "found true"]),
      ("size = 2020-01-01\n", ["size", "a date"]),
      ("layout = \"nhi\"\n", ["line 1", "expected one of folder, nih", "\"nhi\"", "did you mean nih"]),
      ("data = \"\"\n", ["data", "empty"]),
      ("size = 64\nsize = 128\n", ["chest.toml", "expected TOML"]),
      ("size = \n", ["chest.toml: line 1", "expected TOML"]),
      ("[trian]\nsize = 64\n", ["line 1", "[trian]", "did you mean train"]),
      ("[score]\ntop-kk = 3\n", ["line 2", "top-kk", "did you mean top-k"]),
      ("top-k = 3\ntop_k = 4\n", ["top-k once"]),
      ("levels = [[1], [2]]\n", ["levels", "a list"]),
      ("help = true\n", ["help"]), ("config = \"other.toml\"\n", ["config"]),
    ] {
      let refusal = Self.refusal(text)
      for word in words { #expect(refusal.contains(word), "\(text): \(refusal)") }
    }
    for name in ["chest.yaml", "chest.yml", "chest.json"] {
      #expect(Self.refusal("size: 64\n", named: name).contains("in TOML, found ."))
    }
    #expect(throws: SaladError.self) { _ = try Invocation(["train", "--config", "/none/such.toml"], environment: [:]) }
    #expect(throws: SaladError.self) { _ = try Invocation(["train", "--config", "/tmp"], environment: [:]) }
    #expect(throws: SaladError.self) {
      _ = try Self.invocation(["train"], environment: ["SALAD_RESUME": "yes, please"])
    }
  }

  @Test("What a parser or a range refuses is said of the line or variable that gave it")
  func places() throws {
    let file = try Self.invocation(["train", "--run", "r", "--data", "d"], "\n\nsize = 100\n")
    let error = #expect(throws: (any Error).self) { _ = try Self.train(file) }
    let sentence = file.placing(salad.Salad.message(for: try #require(error)))
    #expect(sentence.hasSuffix("chest.toml: line 3: --size is 100: give 64, 128, 256 or 512"), "\(sentence)")
    let variable = try Self.invocation(["train", "--run", "r", "--data", "d"], environment: ["SALAD_ROUNDS": "many"])
    let other = #expect(throws: (any Error).self) { _ = try Self.train(variable) }
    #expect(variable.placing(salad.Salad.message(for: try #require(other))).hasPrefix("SALAD_ROUNDS: "))
  }

  @Test("Variables that look like an option's are told of")
  func variables() throws {
    let invocation = try Self.invocation(["train", "--run", "r"], environment: ["SALAD_EPOCHS_PER_RUOND": "3"])
    #expect(invocation.warnings.first?.contains("SALAD_EPOCHS_PER_ROUND") == true)
    #expect(try Self.invocation(["train"], environment: ["SALAD_TEST_DATA": "x"]).warnings.isEmpty)
  }

  @Test("The recipes in Examples are what they say", arguments: ["chest", "knee", "phantom", "published"])
  func recipes(name: String) throws {
    let path = "\(Self.package)/Examples/\(name).toml"
    var words = ["train", "--config", path]
    if name != "phantom" { words += ["--data", "d", "--run", "r"] }
    let train = try Self.train(Invocation(words, environment: [:]))
    var expected = name == "published" ? Recipe.published.configuration : Configuration()
    switch name {
    case "chest":
      expected.badImages = .skip
      expected.falseAlarmRate = 0.05
    case "knee":
      expected.validationFraction = 0.1
      expected.falseAlarmRate = 0.05
    case "phantom":
      (expected.size, expected.maximumWidth, expected.rounds, expected.epochsPerRound) = (64, 64, 1, 3)
      expected.seed = 1
      #expect(train.data == "phantoms" && train.folder == "run")
    default: break
    }
    let configuration = Self.configuration(of: train)
    #expect(configuration == expected)
    try configuration.validate()
    for verb in ["score", "evaluate", "phantom"] {
      _ = try Invocation([verb, "--config", path], environment: [:])
    }
  }

  static let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized.path
}
