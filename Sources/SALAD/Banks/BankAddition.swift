import MPI
import MemoryBank
import Radiographs

extension BankKeeper {
  /// All ranks. Puts rows in: where the bank's rows are in the order of their ids, each at its place in it, else behind
  /// the others.
  ///
  /// - Parameters:
  ///   - images: normal ones.
  ///   - site: whose they are, in a bank of several sites; may be a new one.
  ///   - hashing: what turns names into hashes, for a deployment that keeps those; nil: a salt drawn at random.
  ///   - known: what to do about an image that has a row already.
  ///   - badImages: what to do about an image that cannot be read.
  ///   - path: of the deployment.
  ///   - destination: where the changed one goes.
  ///   - dropsCalibration: whether p-values may come from the rows themselves from now on, where they came from other
  ///     images.
  ///   - by: who does it, for the audit log.
  /// - Returns: what was done.
  /// - Throws: `SaladError` on all ranks: 64 when the deployment cannot take such rows, 65 when an image is bad or
  ///   known.
  public func add(
    _ images: NewImageSource, site: String?, hashing: HashedIDs?, known: KnownImages, badImages: BadImages,
    to path: String, into destination: Destination, dropsCalibration: Bool, by: String
  ) throws -> Change {
    let (source, deployment, path) = try open(path, destination, dropsCalibration: dropsCalibration)  // all ranks
    let manifest = deployment.manifest
    try requireAdditions(manifest, site: site, hashing: hashing, path: path)
    var new = try NewImages.read(  // all ranks
      images, preparation: source.scoring.preparation, badImages: badImages, workers: workers,
      communicator: communicator, watchdog: watchdog, log: log)
    var ids = new.ids
    if manifest.hasHashedIDs { ids = try new.hash(hashing, communicator) }  // all ranks
    let positions = try agree(communicator) {  // all ranks
      try new.unknown(
        ids: ids, bankIDs: manifest.imageIDs, bankPictures: source.pictures, known: known, path: path, log: log)
    }
    // In the order of their ids, whatever the order in which they were given.
    let sorted = positions.sorted { ids[$0].utf8.lexicographicallyPrecedes(ids[$1].utf8) }
    new = new.selecting(sorted)
    ids = sorted.map { ids[$0] }
    let embedders = try source.models.map {
      try source.embedder(of: $0, workers: workers, communicator: communicator)  // all ranks
    }
    let pass = FeaturePass(embedders: embedders, cache: new.cache, communicator: communicator, watchdog: watchdog)
    let features = try pass.all(new.places)  // all ranks
    if source.pictures == nil {
      try agree(communicator) {  // all ranks
        if communicator.isRoot { try refuseCopies(features[0], ids: new.ids, in: deployment, path: path) }
      }
    }
    let plan = manifest.adding(
      ids: ids, patients: new.patients, pictures: source.pictures == nil ? nil : new.pictures, site: site)
    let changed = plan.manifest
    guard changed.rows <= Sharding.maximumRows else {
      throw SaladError(
        .usage, "\(path): expected at most \(Sharding.maximumRows) rows, found \(changed.rows): add fewer")
    }
    try checkSites(changed, path: path)
    let assembly = BankAssembly(
      models: deployment, pieces: plan.pieces(of: deployment), newRows: features, manifest: changed,
      changedSites: site.map { [$0] } ?? [], keepsLocalBank: true, workers: workers, host: host,
      communicator: communicator, watchdog: watchdog)
    try assembly.run(to: place(destination, path)) { folder, finished in  // all ranks
      try audit("add", ["images": ids.count], ids, bank: finished, from: deployment, finished, by: by, in: folder)
    }
    return Change(rowsBefore: manifest.rows, rowsAfter: changed.rows, notes: [])
  }

  private func requireAdditions(
    _ manifest: DeploymentManifest, site: String?, hashing: HashedIDs?, path: String
  ) throws {
    guard manifest.bank == .refreshed else {
      throw SaladError(
        .usage,
        "\(path): expected a refreshed bank, found a momentum one, whose rows training alone can make: merge the run "
          + "with --bank refreshed")
    }
    guard (manifest.sites != nil) == (site != nil) else {
      throw SaladError(
        .usage,
        site == nil
          ? "\(path): expected --site, since it holds rows of several sites: give the one that the images are of"
          : "\(path): expected a bank of sites for --site, found one without: leave --site away")
    }
    if let site { try SiteName.validate(site) }
    guard hashing == nil || manifest.hasHashedIDs else {
      throw SaladError(
        .usage, "\(path): expected a deployment that keeps hashes for --hash-salt, found names: leave --hash-salt away")
    }
    if manifest.hasHashedIDs, hashing == nil {
      log.note(
        "\(path) keeps hashes of names: without its --hash-salt, new images are not known to be of patients that it "
          + "has already, nor can they be removed by name")
    }
  }

  /// Local. Throws `SaladError` 65 where a new row is one of the bank's, bit for bit: of a bank that remembers no
  /// pictures.
  private func refuseCopies(_ features: [Float], ids: [String], in deployment: Deployment, path: String) throws {
    let dimension = deployment.manifest.dimension
    let places = try deployment.withRows(of: 0) { RowBytes.places(in: $0, dimension: dimension) }
    for (index, id) in ids.enumerated() {
      guard let row = places[RowBytes(features[index * dimension..<(index + 1) * dimension])]?.first else { continue }
      throw SaladError(
        .badData,
        "\(id) has the features of the row \(deployment.manifest.imageIDs[row]) of \(path), bit for bit: it is known "
          + "already, leave it away")
    }
  }
}
