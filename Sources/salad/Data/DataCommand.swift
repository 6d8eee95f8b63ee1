import ArgumentParser
import Radiographs
import SALAD

struct DataCommand: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Count what is in a data set, and find what is odd about it, before a training.",
    discussion: """
      Every image is read once. Told are counts by split, label, view, size, gray values and format, what cannot be read, \
      files and pictures that are there twice or look alike, patients on both sides of the split, and the darkest, \
      brightest, inverted and longest images. It ends with 65 where a training would be refused, and says why.

        salad data /data/CXR8 --sheet odd.png
        mpirun -n 8 salad data /data/chest --json
      """)

  @Argument(help: ArgumentHelp("The data set's folder or table.", valueName: "dir"))
  var data: String

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Option(help: ArgumentHelp("Draw the odd images side by side into this file.", valueName: "file.png"))
  var sheet: String?

  @OptionGroup var work: WorkOptions

  static let numbers = DataOptions.numbers + NumberDescription.work

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: sheet != nil) { session in
      let taker = CensusTaker(
        workers: session.workers(work.workers), communicator: session.communicator, watchdog: session.watchdog)
      let census = try taker.census(selection.request(data))  // all ranks
      try agree(session.communicator) {  // all ranks
        guard session.communicator.isRoot, let sheet else { return }
        try ContactSheet(CensusText.sections(census), root: census.root).write(to: sheet)
      }
      if session.communicator.isRoot { try Console.output(json ? census.line() : CensusText.text(of: census)) }
      for refusal in census.refusals { session.log.warn("a training would be refused: \(refusal)") }
      return census.status
    }
  }
}
