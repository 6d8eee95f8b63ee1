import MPI
import Radiographs

/// A hospital's own normal images as rows of a bank, without pictures, names or a network: what it gives to whoever
/// joins the banks of several.
///
///     SITE/bank.safetensors   SITE/manifest.json
///
/// The manifest is a deployment's of another format: hashes for ids and patients, the encoder by its SHA-256, the
/// site's name, and what the rows score with themselves left out. Rows are sorted by the hashes, so that their order
/// tells nothing.
public struct SiteBank {
  private let workers: Int
  private let host: HostResources
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log

  /// - Parameters:
  ///   - workers: threads of this rank.
  ///   - host: what this rank may use.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  public init(workers: Int, host: HostResources, communicator: Communicator, watchdog: Watchdog, log: Log) {
    self.workers = workers
    self.host = host
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
  }

  /// All ranks. Makes the folder `output`, whole or not at all.
  ///
  /// - Parameters:
  ///   - images: normal ones.
  ///   - site: what the hospital is called.
  ///   - path: of the run or deployment whose network embeds.
  ///   - hashing: what turns names into hashes; nil: a salt drawn at random and forgotten.
  ///   - known: what to do about an image that is there twice.
  ///   - badImages: what to do about an image that cannot be read.
  ///   - output: the folder to make; it must not exist.
  /// - Returns: its rows.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists or the model's bank is none that images make, 65 when
  ///   images are bad or too few.
  public func make(
    of images: NewImageSource, site: String, with path: String, hashing: HashedIDs?, known: KnownImages,
    badImages: BadImages, output: String
  ) throws -> Int {
    try SiteName.validate(site)
    try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    watchdog.enter("verifying \(path)", step: nil)
    return try ModelSource.read(path, bank: nil, workers: workers, communicator: communicator) { source in  // all ranks
      guard source.bankKind == .refreshed, let template = source.template else {
        throw SaladError(
          .usage,
          "\(path): expected a model with a refreshed bank, found one that training has not finished: train it further")
      }
      var new = try NewImages.read(  // all ranks
        images, preparation: source.scoring.preparation, badImages: badImages, workers: workers,
        communicator: communicator, watchdog: watchdog, log: log)
      new = new.selecting(
        try agree(communicator) {  // all ranks
          try new.unknown(ids: new.ids, bankIDs: [], bankPictures: nil, known: known, path: output, log: log)
        })
      guard new.ids.count >= BankKeeper.fewestRows else {
        throw SaladError(
          .badData,
          "\(output): expected at least \(BankKeeper.fewestRows) normal images for a bank, found \(new.ids.count)")
      }
      let ids = try new.hash(hashing, communicator)  // all ranks
      let sorted = ids.indices.sorted { ids[$0].utf8.lexicographicallyPrecedes(ids[$1].utf8) }
      new = new.selecting(sorted)
      let embedders = try source.models.map {
        try source.embedder(of: $0, workers: workers, communicator: communicator)  // all ranks
      }
      let pass = FeaturePass(embedders: embedders, cache: new.cache, communicator: communicator, watchdog: watchdog)
      let features = try pass.all(new.places)  // all ranks
      let manifest = DeploymentManifest(
        template, site: site, imageIDs: sorted.map { ids[$0] }, patients: new.patients.map { $0 ?? "" })
      let assembly = BankAssembly(
        models: nil, pieces: [.new(0..<manifest.rows)], newRows: features, manifest: manifest, changedSites: [site],
        workers: workers, host: host, communicator: communicator, watchdog: watchdog)
      try assembly.run(to: .folder(output))  // all ranks
      return manifest.rows
    }
  }
}

extension NewImages {
  /// All ranks. Hashes of ids; patients become theirs. By rank 0's salt.
  mutating func hash(_ hashing: HashedIDs?, _ communicator: Communicator) throws -> [String] {
    let texts = try agree(communicator) { () -> [String] in  // all ranks
      guard communicator.isRoot else { return [] }
      let hashing = hashing ?? HashedIDs(salt: nil)
      return try hashing.images(ids) + patients.map { $0.map { hashing.patient($0) } ?? "" }
    }
    let received = try communicator.broadcast(texts: texts)  // all ranks
    patients = received[ids.count...].map { $0.isEmpty ? nil : $0 }
    return Array(received[..<ids.count])
  }
}

extension DeploymentManifest {
  /// A site's bank of the encoder that `template` is of, not measured yet.
  init(_ template: DeploymentManifest, site: String, imageIDs: [String], patients: [String]) {
    self = template
    localBank = nil
    format = Form.siteBank.rawValue
    formatVersion = Form.siteBank.version
    saladVersion = SALAD.saladVersion
    rows = imageIDs.count
    self.imageIDs = imageIDs
    imagePatients = patients
    imageHashes = nil
    identifying = []
    dataFingerprint = ""
    selfTest = nil
    sites = [Site(name: site, rows: imageIDs.count, calibrations: calibrations)]
  }
}
