import ArgumentParser
import Autoencoder
import MPI
import SALAD

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make one model and one whole bank of a run's newest checkpoint, for deployment.",
    discussion: """
      Every file is verified first and the run is never changed. The result scores as the run does, byte for byte, \
      whatever the number of ranks that trained it.

        salad merge run --output deploy
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var model: String

  @Option(help: ArgumentHelp("The folder to make; it must not exist.", valueName: "deploy"))
  var output: String

  @Option(help: "Which bank. (default: the refreshed one, or momentum where there is none)")
  var bank: BankKind?

  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout) { session in
      session.watchdog.enter("merging \(model)", step: nil)
      let merged = try Deployment.merge(  // all ranks
        run: model, output: output, bank: bank, workers: session.workers(work.workers),
        communicator: session.communicator,
        selfTest: { source in
          // Without one where this machine, such as a cluster's login node, cannot compute as the model does.
          let isSupported: UInt8 = source.scoring.precision.isSupported ? 1 : 0
          guard try session.communicator.allReduce(isSupported, .min) == 1 else { return nil }  // all ranks
          return try Scorer(  // all ranks
            source, rule: nil, topK: nil, workers: session.workers(work.workers), communicator: session.communicator,
            watchdog: session.watchdog
          ).selfTest()  // all ranks
        })
      session.log.note("\(output) holds the model of \(model) and its \(merged.rawValue) bank")
      return .success
    }
  }
}
