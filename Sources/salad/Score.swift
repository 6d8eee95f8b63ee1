import ArgumentParser
import Foundation
import MPI
import MemoryBank
import Radiographs
import SALAD

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score images: how far each is from what is normal.",
    discussion: """
      Scores are in 0...1, higher is more anomalous: 0.5 is as far from the bank as a typical training image is from the \
      others. A folder is searched recursively for \(ImageFile.suffixes), sorted by path. A p-value tells how rare so \
      high a score is among normal images, and images at or below the false-alarm rate are flagged.

        salad score run image.png
        salad score deploy images/ --csv > scores.csv
        mpirun -n 8 salad score run images/ --csv > scores.csv  # the same bytes
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @Argument(help: ArgumentHelp("Images (\(ImageFile.names)), and folders of them.", valueName: "images"))
  var images: [String]

  @Flag(help: "Print path,score,rule as CSV (RFC 4180), and p_value,flagged.")
  var csv = false

  @OptionGroup var scoring: ScoringOptions
  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, score)
  }

  /// All ranks.
  private func score(_ session: Session) throws -> ExitStatus {
    let paths = try ImagePaths.expand(images, communicator: session.communicator, log: session.log)  // all ranks
    let source = try scoring.open(model, workers: work.workers, session: session)  // all ranks
    let (scorer, threshold) = try scoring.scorer(of: source, workers: work.workers, session: session)  // all ranks
    let scores = try scorer.scores(of: paths)  // all ranks

    if session.communicator.isRoot {
      if let threshold, let warning = Drift.warning(ofUnlabelled: scores.map(threshold.pValue(of:))) {
        session.log.note(warning)
      }
      let table = csv ? Self.csv : Self.listing
      try Console.output(table(zip(paths, scores).map { ($0, $1) }, scorer.rule, threshold))
    }
    return .success
  }

  private static func csv(
    _ images: [(path: String, score: Double)], rule: ScoreRule, threshold: ConformalThreshold?
  ) -> String {
    let rows = images.map { path, score in
      let judgement = threshold.map { ",\($0.pValue(of: score)),\($0.flags(score))" } ?? ""
      return "\(CSV.field(path)),\(score),\(rule.rawValue)\(judgement)\n"
    }
    return "path,score,rule\(threshold == nil ? "" : ",p_value,flagged")\n" + rows.joined()
  }

  /// Aligned, for a person to compare.
  private static func listing(
    _ images: [(path: String, score: Double)], rule: ScoreRule, threshold: ConformalThreshold?
  ) -> String {
    let rows = images.map { path, score in
      let judgement = threshold.map {
        String(format: "  %7.4f  ", $0.pValue(of: score)) + ($0.flags(score) ? "flagged" : "-      ")
      }
      return String(format: "%.6f", score) + "\(judgement ?? "")  \(path)\n"
    }
    return "\(rule.rawValue)\(threshold == nil ? "" : "  p-value  flagged")  path\n" + rows.joined()
  }
}

/// Text for tables that programs read.
enum CSV {
  /// A field as RFC 4180 has it: quoted where a comma, a quote or a line break would be misread.
  static func field(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
    return needsQuotes ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
  }
}
