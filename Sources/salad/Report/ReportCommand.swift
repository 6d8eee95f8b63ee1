import ArgumentParser
import Platform
import SALAD

struct ReportCommand: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write one page of HTML about a model: its training, its scores, its errors.",
    discussion: """
      The page needs no network, no other file and no script; it may be mailed, printed and archived. It shows what was \
      trained on what, losses, a map of the images, ROC and precision-recall with bands, histograms of scores, calibration \
      and drift, images at both ends with what they were compared with, subgroups, and what all that does not say. The \
      numbers are those of salad evaluate.

        salad report run                            # run.html, with the test images of the run's data set
        salad report deploy --data here --output here.html
        salad report run --no-images --output run-to-mail.html

      Without test images it shows the rest and says what is missing. Pictures are of patients: give the page only to who \
      may see them, or leave them out by --no-images.
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @Option(
    help: ArgumentHelp("The data set's folder or table. (default: what the run was trained on)", valueName: "dir"))
  var data: String?

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Option(help: ArgumentHelp("The page to write; it must not exist. (default: RUN.html)", valueName: "file.html"))
  var output: String?

  @Flag(inversion: .prefixedNo, help: "Show pictures of test and training images.")
  var images = true

  @OptionGroup var measurement: MeasurementOptions

  @OptionGroup(title: "Which rows of several sites") var sites: SiteOptions
  @OptionGroup var scoring: ScoringOptions
  @OptionGroup var work: WorkOptions

  static let numbers = MeasurementOptions.numbers + ScoringOptions.numbers + DataOptions.numbers

  func validate() throws {
    guard output != nil || ![".", "..", "/", ""].contains(Files.name(of: model)) else {
      throw ValidationError("\(model) has no name of its own: give --output FILE.html")
    }
  }

  /// RUN.html beside RUN.
  private var page: String {
    if let output { return output }
    let (folder, name) = (Files.folder(of: model), Files.name(of: model))
    return folder == "." ? "\(name).html" : folder == "/" ? "/\(name).html" : "\(folder)/\(name).html"
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true, report)
  }

  /// All ranks.
  private func report(_ session: Session) throws -> ExitStatus {
    try Reporter.refuseExisting(page, communicator: session.communicator)  // all ranks
    let data = try ReportData(  // all ranks
      of: model, data: selection.request(data), communicator: session.communicator, log: session.log)
    let workers = session.workers(work.workers)
    let loaded = try scoring.load(  // all ranks
      model, sites: sites, workers: work.workers, session: session
    ) { source in
      guard let tests = data.tests else { return }
      try measurement.leakGuard(source, log: session.log).check(  // all ranks
        tests, side: source.scoring.size, workers: workers, communicator: session.communicator,
        watchdog: session.watchdog)
    }
    let reporter = Reporter(
      data, source: loaded.source, scorer: loaded.scorer, threshold: loaded.threshold, workers: workers,
      host: session.host, communicator: session.communicator, watchdog: session.watchdog, log: session.log)
    try reporter.write(  // all ranks
      to: page, badImages: scoring.badImages ?? .fail,
      bootstrap: measurement.resampling, hasPictures: images)
    return .success
  }
}
