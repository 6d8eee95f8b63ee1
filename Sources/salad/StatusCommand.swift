import ArgumentParser
import SALAD

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say how far a training has come, while it runs or afterwards.",
    discussion: """
      Step, epoch, rate, time left, losses, the newest checkpoint, the ranks, and whether the training is running, has \
      finished, was stopped, or died. It reads RUN's files alone: it takes no lock and disturbs nobody, from any host \
      that sees RUN.

        salad status run
        watch -n 10 salad status run
        salad status run --json
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    // Under mpirun all ranks would say the same.
    guard Launch.speaks else { return }
    let status = try RunStatus(of: folder)
    try Console.output(json ? status.line() : status.text())
  }
}
