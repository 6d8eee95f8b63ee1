import ArgumentParser
import Foundation
import MPI
import Radiographs
import SALAD

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score images: how far each is from what is normal.",
    discussion: """
      Scores are in 0...1, higher is more anomalous. A folder is searched recursively for .png, sorted by path.

        salad score run image.png
        salad score deploy images/ --csv > scores.csv
        mpirun -n 8 salad score run images/ --csv > scores.csv  # the same bytes
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge made of one.", valueName: "run-or-deploy"))
  var model: String

  @Argument(help: ArgumentHelp("PNG images, and folders of them.", valueName: "images"))
  var images: [String]

  @Flag(help: "Print path,score,rule as CSV (RFC 4180).")
  var csv = false

  @OptionGroup var scoring: ScoringOptions
  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, score)
  }

  /// All ranks.
  private func score(_ session: Session) throws -> ExitStatus {
    let paths = try ImagePaths.expand(images, communicator: session.communicator)  // all ranks
    let scorer = try scoring.scorer(of: model, workers: work.workers, session: session)  // all ranks
    let scores = try scorer.scores(of: paths)  // all ranks

    if session.communicator.isRoot {
      let rule = scorer.rule.rawValue
      let rows = zip(paths, scores).map { path, score in
        csv ? "\(CSV.field(path)),\(score),\(rule)\n" : "\(Self.aligned(score))  \(path)\n"
      }
      try Console.output((csv ? "path,score,rule\n" : "\(rule)  path\n") + rows.joined())
    }
    return .success
  }

  /// A score with six decimals, for a person to compare.
  private static func aligned(_ score: Double) -> String { String(format: "%.6f", score) }
}

/// Text for tables that programs read.
enum CSV {
  /// A field as RFC 4180 has it: quoted where a comma, a quote or a line break would be misread.
  static func field(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
    return needsQuotes ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
  }
}
