import ArgumentParser
import MPI
import SALAD

struct Calibrate: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Give a deployment the scale, p-values and threshold of another place's normal images.",
    discussion: """
      Another hospital's exposure, devices and positioning move all scores. DIR holds normal images of that place, at \
      least \(LocalCalibration.fewest), none of which the model was trained on; it is searched recursively. Of a data set in another layout (a table, NIH's, \
      MURA's; or with --layout) its normal training images are taken. The models and their banks stay what they are.

        salad calibrate deploy --data normals --output deploy-here
      """)

  @Argument(help: ArgumentHelp("What salad merge or salad import made.", valueName: "deploy"))
  var model: String

  @Option(help: ArgumentHelp("Normal images of the place, and nothing else.", valueName: "dir"))
  var data: String

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Option(help: ArgumentHelp("The folder to make; it must not exist.", valueName: "folder"))
  var output: String

  @Option(help: "Fraction of normal images that may be flagged. (default: what the model remembers)")
  var falseAlarmRate: Double?

  @OptionGroup var work: WorkOptions

  static let numbers = [NumberDescription.falseAlarmRate] + NumberDescription.work + DataOptions.numbers

  func validate() throws {
    if let falseAlarmRate { try asUsage { try ConformalThreshold.validate(falseAlarmRate: falseAlarmRate) } }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      let calibration = LocalCalibration(
        workers: session.workers(work.workers), host: session.host, communicator: session.communicator,
        watchdog: session.watchdog, log: session.log)
      let threshold = try calibration.run(  // all ranks
        deployment: model, data: selection.request(data), falseAlarmRate: falseAlarmRate, output: output)
      session.log.note("\(output) is \(threshold.sentence)")
      return .success
    }
  }
}
