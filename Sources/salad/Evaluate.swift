import ArgumentParser
import Foundation
import MPI
import Radiographs
import SALAD

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how well a model tells anomalous test images from normal ones.",
    discussion: """
      DIR/test/good (or normal) holds normal images, every other folder of DIR/test anomalous ones.

        salad evaluate run --data phantoms
        mpirun -n 2 salad evaluate run --data phantoms --json
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge made of one.", valueName: "run-or-deploy"))
  var model: String

  @Option(help: ArgumentHelp("The data set's folder.", valueName: "dir"))
  var data: String

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Flag(help: "Measure also what the nearest training image in raw 32 x 32 pixels is worth.")
  var baseline = false

  @OptionGroup var scoring: ScoringOptions
  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, evaluate)
  }

  /// All ranks.
  private func evaluate(_ session: Session) throws -> ExitStatus {
    let images = try Evaluation.testImages(of: data, communicator: session.communicator)  // all ranks
    let scorer = try scoring.scorer(of: model, workers: work.workers, session: session)  // all ranks
    let scores = try scorer.scores(of: images.map { "\(data)/\($0.path)" })  // all ranks

    var evaluation = try Evaluation(images: images, scores: scores, rule: scorer.rule)
    if baseline {
      evaluation.baselineAUROC = try RawPixelEvaluation.areaUnderROC(  // all ranks
        of: data, images: images, workers: session.workers(work.workers), communicator: session.communicator,
        watchdog: session.watchdog)
    }
    if session.communicator.isRoot {
      try Console.output(json ? Self.object(evaluation) : Self.table(evaluation))
    }
    return .success
  }

  private static func object(_ evaluation: Evaluation) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(evaluation), as: UTF8.self) + "\n"
  }

  private static func table(_ evaluation: Evaluation) -> String {
    func three(_ value: Double) -> String { String(format: "%.3f", value) }
    let baseline = evaluation.baselineAUROC.map { "nearest neighbour in raw 32 x 32 pixels: AUROC \(three($0))\n" }
    return (baseline ?? "")
      + "AUROC \(three(evaluation.auroc))  AP \(three(evaluation.averagePrecision))  "
      + "(\(evaluation.countNormal) normal, \(evaluation.countAnomalous) anomalous)\n"
  }
}
