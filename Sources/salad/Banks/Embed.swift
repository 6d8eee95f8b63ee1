import ArgumentParser
import SALAD

struct Embed: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract:
      "Write what a model makes of images: features for other programs, or a hospital's rows for a common bank.",
    discussion: """
      A .safetensors file has the tensor `features`, (images, features) float32, and the images' ids in its metadata; \
      a .csv file a line an image. With --as-bank a folder is made that holds rows, hashed ids, the network's SHA-256 \
      and what the rows score with themselves left out, but no picture, no name and no network: salad merge joins such \
      banks.

        salad embed deploy images/ --output features.safetensors
        mpirun -n 4 salad embed deploy --data /data/chest --output features.csv
        salad embed deploy --data normals --as-bank bank-north --site north --hash-salt "$SECRET"
        salad merge bank-north bank-south --encoder deploy --output joined
      """)

  @Argument(help: ArgumentHelp("A run, or what salad merge, import or calibrate made.", valueName: "run-or-deploy"))
  var model: String

  @OptionGroup var images: NewImageOptions

  @Option(help: ArgumentHelp("The file to make, .safetensors or .csv; it must not exist.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("The folder of a site's bank to make; it must not exist.", valueName: "folder"))
  var asBank: String?

  @Option(help: ArgumentHelp("With --as-bank: what the site is called.", valueName: "name"))
  var site: String?

  @Option(
    help: ArgumentHelp(
      "With --as-bank: the secret by which you can find an image again. (default: one drawn at random and forgotten)",
      valueName: "salt"))
  var hashSalt: String?

  @OptionGroup var work: WorkOptions

  static let numbers = NumberDescription.work + DataOptions.numbers

  func validate() throws {
    guard (output == nil) != (asBank == nil) else {
      throw ValidationError("give either --output, a file of features, or --as-bank, the folder of a site's bank")
    }
    guard (asBank == nil) == (site == nil) else {
      throw ValidationError(
        asBank == nil
          ? "--site goes with --as-bank: leave it away" : "--site is missing: say what the site of --as-bank is called")
    }
    guard hashSalt == nil || asBank != nil else {
      throw ValidationError("--hash-salt goes with --as-bank: leave it away")
    }
    if let site { try asUsage { try SiteName.validate(site) } }
    if let output, FeatureFile.Format(of: output) == nil {
      throw ValidationError("--output is \(output): give a name that ends in .safetensors or .csv")
    }
  }

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? Execution().timeout, writes: true) { session in
      let workers = session.workers(work.workers)
      if let output {
        let file = FeatureFile(
          workers: workers, communicator: session.communicator, watchdog: session.watchdog, log: session.log)
        let written = try file.write(  // all ranks
          images.source, with: model, badImages: images.badImages, to: output)
        session.log.note("\(output) holds \(written.features) features of each of \(written.images) images")
      } else if let asBank, let site {
        let bank = SiteBank(
          workers: workers, host: session.host, communicator: session.communicator, watchdog: session.watchdog,
          log: session.log)
        let rows = try bank.make(  // all ranks
          of: images.source, site: site, with: model, hashing: hashSalt.map { HashedIDs(salt: $0) },
          known: images.known, badImages: images.badImages, output: asBank)
        session.log.note("\(asBank) holds \(rows) rows of the site \(site), and hashes instead of names")
      }
      return .success
    }
  }
}
