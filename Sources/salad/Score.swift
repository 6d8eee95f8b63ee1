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
        salad score run images/ --csv --bad-images skip > scores.csv  # one bad file does not end it
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @Argument(help: ArgumentHelp("Images (\(ImageFile.names)), and folders of them.", valueName: "images"))
  var images: [String]

  @Flag(help: "Print path,score,rule as CSV (RFC 4180), and p_value,flagged; with --bad-images skip also error.")
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
    let badImages = scoring.badImages ?? .fail
    let table: any ScoreTable =
      csv
      ? CSVTable(rule: scorer.rule, threshold: threshold, hasErrors: badImages == .skip)
      : Listing(rule: scorer.rule, threshold: threshold)
    let isRoot = session.communicator.isRoot
    // With the first rows: what is refused at once leaves standard output empty.
    var head = table.head
    let scores = try scorer.scores(of: paths, badImages: badImages) { images in  // all ranks
      if isRoot { try Console.output(head + images.map(table.row).joined()) }
      head = ""
    }
    if isRoot { try note(scores, threshold, session.log) }
    return .success
  }

  private func note(_ images: [ImageScore], _ threshold: ConformalThreshold?, _ log: Log) throws {
    let scores = images.compactMap(\.score)
    for image in images { if let reason = image.reason { log.note("skipped: \(reason)") } }
    if scores.count < images.count {
      log.note("\(images.count - scores.count) of \(images.count) images have no score")
    }
    if let threshold, let warning = Drift.warning(ofUnlabelled: scores.map(threshold.pValue(of:))) { log.note(warning) }
  }
}

/// How scores are printed: a head, then a row an image.
private protocol ScoreTable {
  var head: String { get }
  func row(_ image: ImageScore) -> String
}

/// For programs: RFC 4180.
private struct CSVTable: ScoreTable {
  let rule: ScoreRule
  /// nil: scores are not judged.
  let threshold: ConformalThreshold?
  /// Whether images may be without a score, and then say why.
  let hasErrors: Bool

  var head: String {
    "path,score,rule\(threshold == nil ? "" : ",p_value,flagged")\(hasErrors ? ",error" : "")\n"
  }

  func row(_ image: ImageScore) -> String {
    var fields = [CSV.field(image.path), image.score.map { "\($0)" } ?? "", rule.rawValue]
    if let threshold {
      fields += image.score.map { ["\(threshold.pValue(of: $0))", "\(threshold.flags($0))"] } ?? ["", ""]
    }
    if hasErrors { fields.append(CSV.field(image.reason ?? "")) }
    return fields.joined(separator: ",") + "\n"
  }
}

/// Aligned, for a person to compare.
private struct Listing: ScoreTable {
  let rule: ScoreRule
  let threshold: ConformalThreshold?

  var head: String { "\(rule.rawValue)\(threshold == nil ? "" : "  p-value  flagged")  path\n" }

  func row(_ image: ImageScore) -> String {
    guard let score = image.score else {
      return "not read\(threshold == nil ? "" : "        -  -      ")  \(image.path)\n"
    }
    let judgement = threshold.map {
      String(format: "  %7.4f  ", $0.pValue(of: score)) + ($0.flags(score) ? "flagged" : "-      ")
    }
    return String(format: "%.6f", score) + "\(judgement ?? "")  \(image.path)\n"
  }
}
