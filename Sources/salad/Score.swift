import ArgumentParser
import Foundation
import MPI
import MemoryBank
import Radiographs
import SALAD

struct Score: ParsableCommand, NumbersDescribed {
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
        salad score run images/ --csv --output scores.csv --resume    # goes on where it was interrupted
        find archive -name '*.png' -print0 | salad score run - --csv  # paths from standard input
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Images (\(ImageFile.names)), folders of them, and - for paths on standard input.", valueName: "images"))
  var images: [String]

  @Flag(help: "Print path,score,rule as CSV (RFC 4180), and p_value,flagged; with --bad-images skip also error.")
  var csv = false

  @Option(
    help: ArgumentHelp(
      "Write to this file instead of standard output. It is there when all rows are; until then they are in FILE.partial.",
      valueName: "file"))
  var output: String?

  @Flag(help: "With --output: go on with the rows of a scoring that was interrupted.")
  var resume = false

  @OptionGroup var scoring: ScoringOptions
  @OptionGroup(title: "Which rows of several sites") var sites: SiteOptions
  @OptionGroup var work: WorkOptions

  static let numbers = ScoringOptions.numbers

  func validate() throws {
    guard !resume || output != nil else {
      throw ValidationError("--resume goes with --output: give the file that was to be written, or leave it away")
    }
  }

  func run() throws {
    Launch.onAllRanks(
      timeout: work.timeout ?? Execution().timeout, writes: output != nil, resumes: output != nil, score)
  }

  /// All ranks.
  private func score(_ session: Session) throws -> ExitStatus {
    let isRoot = session.communicator.isRoot
    let state = try agree(session.communicator) { () -> ResultFile.State? in  // all ranks
      guard isRoot, let output else { return nil }
      return try ResultFile.state(of: output, resumes: resume)
    }
    let isFinished = try session.communicator.broadcast(bytes: [state == .finished ? 1 : 0], root: 0)  // all ranks
    if isFinished == [1] {
      session.log.note("\(output ?? "") is finished")
      return .success
    }
    let paths = try ImagePaths.expand(images, communicator: session.communicator, log: session.log)  // all ranks
    let loaded = try scoring.load(  // all ranks
      model, sites: sites, workers: work.workers, session: session)
    let (source, scorer, threshold) = (loaded.source, loaded.scorer, loaded.threshold)
    let badImages = scoring.badImages ?? .fail
    let table: any ScoreTable =
      csv
      ? CSVTable(rule: scorer.rule, threshold: threshold, hasErrors: badImages == .skip)
      : Listing(rule: scorer.rule, threshold: threshold)
    let destination = try agree(session.communicator) {  // all ranks
      try begin(
        table, state, settings: { try settings(source, scorer, threshold, paths) }, paths: paths.count, session: session
      )
    }
    let done = try session.communicator.broadcast(  // all ranks
      bytes: Array("\(destination.progress.rows)".utf8), root: 0)
    let rest = Array(paths.dropFirst(Int(String(decoding: done, as: UTF8.self)) ?? 0))
    let scores: [ImageScore]
    do {
      scores = try scorer.scores(of: rest, badImages: badImages) { images in  // all ranks
        if isRoot { try destination.write(images) }
      }
      try agree(session.communicator) { try destination.finish() }  // all ranks
    } catch {
      destination.save()
      guard let output, let error = error as? SaladError else { throw error }
      throw SaladError(
        error.status,
        "\(error.description): the rows until then are in \(output).partial, go on by the same command with --resume")
    }
    if isRoot { note(scores, destination.progress, isJudged: threshold != nil, session.log) }
    return .success
  }

  /// Where this rank's rows go: nowhere but on rank 0.
  private func begin(
    _ table: any ScoreTable, _ state: ResultFile.State?, settings: () throws -> [String: String], paths: Int,
    session: Session
  ) throws -> ScoreDestination {
    guard session.communicator.isRoot, let output, let state else { return ScoreDestination(table, file: nil) }
    guard state == .partial else {
      if resume { session.log.note("\(output) has no rows yet: it starts afresh") }
      return ScoreDestination(
        table, file: try ResultFile(creating: output, settings: try settings(), head: table.head))
    }
    let file = try ResultFile(resuming: output, settings: try settings())
    session.log.note("\(output) goes on after \(file.progress.rows) of \(paths) images")
    return ScoreDestination(table, file: file)
  }

  /// What determines the rows, by name.
  private func settings(
    _ source: ModelSource, _ scorer: Scorer, _ threshold: ConformalThreshold?, _ paths: [String]
  ) throws -> [String: String] {
    var settings = [
      "salad": saladVersion, "the model": try source.identity(), "the images": ImagePaths.identity(of: paths),
      "--score-rule": scorer.rule.rawValue, "--top-k": "\(scorer.topK)", "--precision": scorer.precision.rawValue,
      "--csv": "\(csv)", "--bad-images": (scoring.badImages ?? .fail).rawValue,
    ]
    settings.merge(sites.settings) { $1 }
    settings["--false-alarm-rate"] = threshold.map { "\($0.falseAlarmRate)" }
    return settings
  }

  private func note(_ images: [ImageScore], _ progress: ResultFile.Progress, isJudged: Bool, _ log: Log) {
    for image in images { if let reason = image.reason { log.note("skipped: \(reason)") } }
    if progress.withoutScore > 0 {
      log.note("\(progress.withoutScore) of \(progress.rows) images have no score")
    }
    guard isJudged else { return }
    let scored = progress.rows - progress.withoutScore
    if let warning = Drift.warning(aboveMiddle: progress.aboveMiddle, of: scored) { log.note(warning) }
  }
}

/// Where rows go: standard output or a file.
private final class ScoreDestination {
  private let table: any ScoreTable
  private let file: ResultFile?
  private(set) var progress: ResultFile.Progress
  /// With the first rows: what is refused at once leaves standard output empty.
  private var head: String

  /// - Parameter file: nil: standard output.
  init(_ table: any ScoreTable, file: ResultFile?) {
    self.table = table
    self.file = file
    progress = file?.progress ?? ResultFile.Progress()
    head = table.head
  }

  func write(_ images: [ImageScore]) throws {
    let rows = images.map(table.row).joined()
    let withoutScore = images.count { $0.score == nil }
    let aboveMiddle = images.count { $0.score.flatMap(table.pValue).map { $0 > Drift.middle } ?? false }
    if let file {
      try file.append(rows, rows: images.count, withoutScore: withoutScore, aboveMiddle: aboveMiddle)
      progress = file.progress
      return
    }
    try Console.output(head + rows)
    head = ""
    progress.rows += images.count
    progress.withoutScore += withoutScore
    progress.aboveMiddle += aboveMiddle
  }

  func finish() throws { try file?.finish() }

  /// As far as that is still possible: an error is on its way.
  func save() { try? file?.save() }
}
