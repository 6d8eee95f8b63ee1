import ArgumentParser
import Platform
import SALAD

struct BankCommand: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    commandName: "bank",
    abstract: "Look into a deployment's memory bank, add normal images to it, or remove images or a patient.",
    discussion: """
      The network stays as it is. What depends on the rows - the median D, the left-out scores, threshold and the \
      scale of the weights - is measured anew over the whole bank, to the same bits as in a bank that was made of the \
      same rows at once.

        salad bank info deploy
        salad bank list deploy > rows.csv
        salad bank remove deploy --patient patient00042 --in-place
        salad bank add deploy /data/new-normals --output deploy-2
      """,
    subcommands: [BankInfo.self, BankList.self, BankAdd.self, BankRemove.self])

  static let numbers = NumberDescription.work + DataOptions.numbers
}

/// Where a changed deployment goes, and who changes it.
struct ChangeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The folder to make; it must not exist.", valueName: "folder"))
  var output: String?

  @Flag(help: "Put the changed deployment in the place of the old one, as one act, and remove the old one.")
  var inPlace = false

  @Flag(
    help: """
      Where p-values come from images kept back or from another place: let them come from the bank's own rows from now \
      on.
      """)
  var dropCalibration = false

  @Option(
    help: ArgumentHelp(
      "Who does it, for the deployment's audit.jsonl. (default: what the system calls you)", valueName: "name"))
  var by: String?

  func validate() throws {
    guard (output == nil) == inPlace else {
      throw ValidationError("give either --output, the folder to make, or --in-place")
    }
    guard by.map({ !$0.isEmpty && $0.utf8.count <= 256 }) ?? true else {
      throw ValidationError("--by has \(by?.utf8.count ?? 0) bytes: give 1 to 256")
    }
  }

  var destination: BankKeeper.Destination { output.map { .folder($0) } ?? .inPlace }
  var author: String { by ?? Host.user ?? "unknown" }

  /// What to say of a change to `path`.
  func sentence(_ change: BankKeeper.Change, path: String) -> String {
    "\(output ?? path) holds \(change.rowsAfter) rows, of \(change.rowsBefore) before"
  }
}

struct BankInfo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say what a bank holds, how it judges, and who changed it.",
    discussion: """
        salad bank info deploy
        salad bank info site-a --json     # of a site's bank, too
      """)

  @Argument(help: ArgumentHelp("A deployment, or a site's bank.", valueName: "deploy"))
  var deployment: String

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: false) { session in
      session.watchdog.enter("verifying \(deployment)", step: nil)
      let bank = try BankDescription(  // all ranks
        deployment, workers: session.workers(work.workers), communicator: session.communicator)
      if session.communicator.isRoot { try Console.output(json ? bank.line() : BankText.text(of: bank)) }
      return .success
    }
  }
}

struct BankList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Print a bank's rows as CSV: row,id,patient,site,left_out.",
    discussion: """
      `left_out` is what the row's image scores with itself and its patient left out: the highest are the oddest of \
      the images that are held to be normal.

        salad bank list deploy | sort -t, -k5 -g -r | head
      """)

  @Argument(help: ArgumentHelp("A deployment, or a site's bank.", valueName: "deploy"))
  var deployment: String

  @Option(help: ArgumentHelp("Only this site's rows.", valueName: "name"))
  var site: String?

  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: false) { session in
      session.watchdog.enter("verifying \(deployment)", step: nil)
      let bank = try BankDescription(  // all ranks
        deployment, workers: session.workers(work.workers), communicator: session.communicator)
      let rows = try bank.table(site: site)
      if session.communicator.isRoot { try Console.output(BankText.table(of: rows)) }
      return .success
    }
  }
}

struct BankRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take images out of a bank: their rows are in no file of the changed deployment.",
    discussion: """
      Images are chosen by id (salad bank list prints them), by patient, by site, or by a file that shows what they \
      show: pixel by pixel, or where a bank remembers no pictures by equal features, so that hashed ids need no salt. \
      audit.jsonl tells who removed how many rows when, and nothing by which they could be found. A network that \
      learnt from an image stays as it is, and so do backups. The maps of a local bank in the deployment go as well; one \
      that salad explain --save-local wrote beside it, with maps of such an image, is named and must be deleted first.

        salad bank remove deploy --patient patient00042 --output deploy-2
        salad bank remove deploy --id train/good/a.png --id train/good/b.png --in-place
        salad bank remove deploy --image withdrawn.png --in-place --by "A. Keeper"
      """)

  @Argument(help: ArgumentHelp("A deployment.", valueName: "deploy"))
  var deployment: String

  @Option(help: ArgumentHelp("An image by its id. May be given several times.", valueName: "id"))
  var id: [String] = []

  @Option(help: ArgumentHelp("All images of a patient. May be given several times.", valueName: "patient"))
  var patient: [String] = []

  @Option(help: ArgumentHelp("An image by a file that shows it. May be given several times.", valueName: "file"))
  var image: [String] = []

  @Option(help: ArgumentHelp("All images of a site. May be given several times.", valueName: "name"))
  var site: [String] = []

  @Option(
    help: ArgumentHelp("Of a deployment with hashed ids: the salt that makes hashes of names.", valueName: "salt"))
  var hashSalt: String?

  @OptionGroup var change: ChangeOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard !(id + patient + image + site).isEmpty else {
      throw ValidationError("nothing is chosen: give --id, --patient, --image or --site")
    }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      let keeper = BankKeeper(
        workers: session.workers(work.workers), host: session.host, communicator: session.communicator,
        watchdog: session.watchdog, log: session.log)
      let done = try keeper.remove(  // all ranks
        RowSelection(
          ids: id, patients: patient, sites: site, images: image, hashing: hashSalt.map { HashedIDs(salt: $0) }),
        from: deployment, to: change.destination, dropsCalibration: change.dropCalibration, by: change.author)
      session.log.note(change.sentence(done, path: deployment))
      done.notes.forEach(session.log.note)
      return .success
    }
  }
}

struct BankAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Put normal images into a bank.",
    discussion: """
      Files and folders are given, or --data, a data set whose normal training images are taken. An image's id is its \
      path in the folder that was given. One that has a row already, by its id or its pixels, is refused. Where images \
      were calibrated on (exposure damping), the direction stays the one that was measured then.

        salad bank add deploy new-normals/ --in-place
        salad bank add deploy --data /data/chest-2026 --known skip --output deploy-2
        salad bank add joined new-normals/ --site north --output joined-2
      """)

  @Argument(help: ArgumentHelp("A deployment.", valueName: "deploy"))
  var deployment: String

  @OptionGroup var images: NewImageOptions

  @Option(help: ArgumentHelp("Whose images they are, in a bank of several sites.", valueName: "name"))
  var site: String?

  @Option(
    help: ArgumentHelp("Of a deployment with hashed ids: the salt that makes hashes of names.", valueName: "salt"))
  var hashSalt: String?

  @OptionGroup var change: ChangeOptions
  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      let keeper = BankKeeper(
        workers: session.workers(work.workers), host: session.host, communicator: session.communicator,
        watchdog: session.watchdog, log: session.log)
      let done = try keeper.add(  // all ranks
        images.source, site: site, hashing: hashSalt.map { HashedIDs(salt: $0) }, known: images.known,
        badImages: images.badImages, to: deployment, into: change.destination,
        dropsCalibration: change.dropCalibration, by: change.author)
      session.log.note(change.sentence(done, path: deployment))
      return .success
    }
  }
}
