import ArgumentParser
import SALAD

/// How a model's scores of test images are measured: resamples, and what it must not have seen.
struct MeasurementOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Resamples behind the confidence intervals; 0 for no intervals.", valueName: "resamples"))
  var bootstrap = 2000

  @Option(help: ArgumentHelp("Determines the resamples.", valueName: "seed"))
  var bootstrapSeed: UInt64 = 0

  @Flag(help: "Measure although the model learnt from patients or pictures of the test split.")
  var allowLeaks = false

  @Option(
    help: ArgumentHelp(
      "Of a deployment merged with --hash-ids: its salt, so that patients it learnt from are found again.",
      valueName: "salt"))
  var hashSalt: String?

  private static let ranges: [NumberRange<Self>] = [
    .whole("--bootstrap", \.bootstrap, 0...100_000),
    .any("--bootstrap-seed", Ranges.seed),
  ]
  static let numbers = NumberDescription.all(ranges)

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
  }

  /// nil: no intervals are wanted.
  var resampling: Bootstrap? { bootstrap > 0 ? Bootstrap(resamples: bootstrap, seed: bootstrapSeed) : nil }

  /// - Parameters:
  ///   - source: what scores.
  ///   - log: is told of what it lets pass.
  /// - Throws: `SaladError` 64 where a salt does not go with the model.
  func leakGuard(_ source: ModelSource, log: Log) throws -> LeakGuard {
    try LeakGuard(source, salt: hashSalt, allowsLeaks: allowLeaks, log: log)
  }
}
