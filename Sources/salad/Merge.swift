import ArgumentParser
import Autoencoder
import MPI
import MemoryBank
import SALAD

struct Merge: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Make one deployment of a run's newest checkpoint, or of several runs that score together.",
    discussion: """
      Every file is verified first and no run is ever changed. The result scores as the run does, byte for byte, \
      whatever the number of ranks that trained it. Runs that score together were trained on the same images with other \
      seeds: each one's distances are taken relative to its own bank and averaged.

        salad merge run --output deploy
        salad merge run-0 run-1 run-2 --output deploy
        salad merge run --output deploy --hash-ids      # nothing in it names a file or a patient
        salad merge bank-north bank-south --encoder deploy --output joined   # banks of several sites
        salad merge run --local --output deploy         # explains its scores without the training images, too

      The manifest holds names, patients and picture hashes of the training images, so that an evaluation can refuse what \
      the model has seen. With --hash-ids names and patients are HMAC-SHA256 under a salt and there are no picture hashes.
      With --local the deployment holds the encoder's maps of some training images, by which salad explain and salad serve \
      make heat maps (docs/explain.md). They show outlines of those images: keep it as you keep the images.
      """)

  @Argument(
    help: ArgumentHelp("The runs' folders; or sites' banks, as salad embed --as-bank makes them.", valueName: "run"))
  var runs: [String]

  @Option(help: ArgumentHelp("The folder to make; it must not exist.", valueName: "deploy"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Of sites' banks: the deployment that embedded them. (default: the deployment among them)", valueName: "deploy"))
  var encoder: String?

  @Option(help: "Which bank. (default: the refreshed one, or momentum where there is none)")
  var bank: BankKind?

  @Flag(help: "Keep file names, patients and picture hashes out of the deployment.")
  var hashIds = false

  @Option(
    help: ArgumentHelp(
      "With --hash-ids: the secret by which you can find an image again. (default: one drawn at random and forgotten)",
      valueName: "salt"))
  var hashSalt: String?

  @Flag(help: "Put the maps of some training images into the deployment, for heat maps. They show outlines of them.")
  var local = false

  @Option(help: "With --local: of how many images, spread evenly; more take more room. (default: 128)")
  var localImages: Int?

  @Option(
    help: ArgumentHelp(
      "With --local: the data set of the training. (default: where the first run had it)", valueName: "dir"))
  var data: String?

  @OptionGroup var work: WorkOptions

  private static let ranges: [NumberRange<Self>] = [
    .whole("--local-images", \.localCount, LocalMemory.imageCounts)
  ]
  static let numbers = NumberDescription.all(ranges) + NumberDescription.work

  private var localCount: Int { localImages ?? LocalMemory.defaultImages }

  func validate() throws {
    for range in Self.ranges { try asUsage { try range.validate(self) } }
    guard local || localImages == nil && data == nil else {
      throw ValidationError("--local-images and --data go with --local: give it, or leave them away")
    }
    guard (1...Deployment.mostModels).contains(runs.count) else {
      throw ValidationError("\(runs.count) runs were given: give 1 to \(Deployment.mostModels)")
    }
    guard hashIds || hashSalt == nil else {
      throw ValidationError("--hash-salt goes with --hash-ids: give it, or leave the salt away")
    }
    // As bytes: other files may have names that Unicode calls equal.
    guard Set(runs.map { Array($0.utf8) }).count == runs.count else {
      throw ValidationError("a run was given twice: give each once")
    }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      session.watchdog.enter("merging \(runs.joined(separator: ", "))", step: nil)
      let joins = try SiteJoin.isMeant(by: runs, communicator: session.communicator)  // all ranks
      if joins || encoder != nil { return try join(session) }  // all ranks
      let merged = try Deployment.merge(  // all ranks
        runs: runs, output: output, bank: bank, workers: session.workers(work.workers),
        hashing: hashIds ? HashedIDs(salt: hashSalt) : nil, communicator: session.communicator,
        calibration: { source in
          if let calibration = source.models[0].calibration, calibration.bank == source.bankKind { return calibration }
          return try Scorer.calibration(  // all ranks
            of: source, workers: session.workers(work.workers), communicator: session.communicator,
            watchdog: session.watchdog)
        },
        selfTest: { source in
          // Without one where this machine, such as a cluster's login node, cannot compute as the model does.
          let isSupported: UInt8 = source.scoring.precision.isSupported ? 1 : 0
          guard try session.communicator.allReduce(isSupported, .min) == 1 else { return nil }  // all ranks
          return try Scorer(  // all ranks
            source, rule: nil, topK: nil, workers: session.workers(work.workers), host: session.host,
            communicator: session.communicator, watchdog: session.watchdog
          ).selfTest()  // all ranks
        }, local: local ? { try saveLocal($0, $1, to: $2, session) } : nil)
      let models = runs.count == 1 ? "the model of \(runs[0]) and its" : "\(runs.count) models and their"
      session.log.note(
        "\(output) holds \(models) \(merged.bank.rawValue) bank\(runs.count == 1 ? "" : "s")")
      if let words = merged.identifying {
        session.log.note("\(output) carries \(words): --hash-ids keeps them out")
      }
      return .success
    }
  }

  /// All ranks. The maps of some training images, from where the run had them.
  private func saveLocal(
    _ run: ModelSource, _ deployment: ModelSource, to path: String, _ session: Session
  ) throws {
    var reason = ""
    let found = try NormalImages.find(  // all ranks
      run, DataRequest(data), communicator: session.communicator, note: { reason = ": \($0)" })
    guard let images = found else {
      throw SaladError(.usage, "--local wants the training images\(reason): give their data set as --data")
    }
    let scorer = try Scorer(  // all ranks
      deployment, rule: nil, topK: nil, workers: session.workers(work.workers), host: session.host,
      communicator: session.communicator, watchdog: session.watchdog)
    let memory = try LocalMemory(  // all ranks
      scorer, images: images, most: localCount, patients: run.patients, host: session.host, log: session.log)
    try memory.save(to: path, deployment, scorer)  // all ranks
  }

  /// All ranks. Joins sites' banks.
  private func join(_ session: Session) throws -> ExitStatus {
    guard !local else {
      throw SaladError(
        .usage, "--local is for runs, which know where their images are: sites' banks come without, leave it away")
    }
    guard !hashIds, bank == nil else {
      throw SaladError(
        .usage, "--hash-ids and --bank are for runs: sites' banks are hashed and refreshed, leave them away")
    }
    let join = SiteJoin(
      workers: session.workers(work.workers), host: session.host, communicator: session.communicator,
      watchdog: session.watchdog, log: session.log)
    let sites = try join.join(runs, encoder: encoder, output: output)  // all ranks
    let list = sites.map { "\($0.name) (\($0.rows))" }.joined(separator: ", ")
    session.log.note("\(output) holds \(sites.reduce(0) { $0 + $1.rows }) rows of \(sites.count) sites: \(list)")
    return .success
  }
}
