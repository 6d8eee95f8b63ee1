import ArgumentParser
import Foundation
import Platform
import Radiographs
import SALAD

struct PhantomCommand: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    commandName: "phantom",
    abstract: "Draw a data set of synthetic chest X-rays, some with known anomalies.",
    discussion: """
      They are for trying things out and for tests: equal flags draw equal bytes.

        salad phantom phantoms --train 200 --size 128 --seed 7 --masks
      """)

  @Argument(help: ArgumentHelp("The folder to make; empty where it exists.", valueName: "out"))
  var output: String

  @Option(help: "Normal images to train on.")
  var train = 200

  @Option(help: "Normal images to test with.")
  var testNormal = 50

  @Option(help: "Images with an opacity, nodule, effusion or device to test with.")
  var testAnomalous = 50

  @Option(help: "Side of the images in pixels.")
  var size = 256

  @Option(help: "Determines every image.")
  var seed: UInt64 = 0

  @Flag(help: "Draw where the anomalies are, too, as ground_truth.")
  var masks = false

  @OptionGroup var common: CommonOptions

  private static let ranges: [NumberRange<Self>] = [
    .whole("--train", \.train, 0...1_000_000),
    .whole("--test-normal", \.testNormal, 0...1_000_000),
    .whole("--test-anomalous", \.testAnomalous, 0...1_000_000),
    .whole("--size", \.size, PhantomDataSet.sizes),
    .any("--seed", Ranges.seed),
  ]
  static let numbers = NumberDescription.all(ranges)

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
  }

  func run() throws {
    Signals.listen()
    let launcher = Launcher()
    _ = Launch.judge(launcher.independence(worldSize: launcher.isConnected ? nil : 1), writes: true)
    // One process draws; under mpirun the others have nothing to do.
    guard Launch.speaks else { return }
    let phantoms = PhantomDataSet(
      train: train, testNormal: testNormal, testAnomalous: testAnomalous, size: size, seed: seed, masks: masks)
    let progress = ProgressDisplay(
      "drawing", unit: "images", total: train + testNormal + testAnomalous, isShown: true)
    do {
      try phantoms.write(to: output) { done, _ in progress.show(done) }
    } catch {
      let error = SaladError(error)
      guard error.status == .interrupted, let signal = Signals.received else { throw error }
      Console.complain(error.description)
      Foundation.exit(128 + signal)
    }
  }
}
