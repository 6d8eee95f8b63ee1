import MPI
import MemoryBank
import Platform

/// One deployment of several hospitals' banks.
///
/// Rows are sorted by site and within a site as its bank has them, by their hashes: the same files whatever the order
/// of the banks, and whether they were joined at once or one after the other.
public struct SiteJoin {
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

  /// All ranks. Whether one of these folders is a site's bank, or a deployment of several.
  ///
  /// - Parameters:
  ///   - paths: of runs, deployments or banks.
  ///   - communicator: of the ranks that take part.
  public static func isMeant(by paths: [String], communicator: Communicator) throws -> Bool {
    let isMeant = try agree(communicator) {  // all ranks
      communicator.isRoot
        && paths.contains { path in
          guard !RunDirectory.hasRun(path), FileSystem.exists("\(path)/\(Manifest.fileName)") else { return false }
          let manifest = try? DeploymentManifest.read(folder: path, as: Form.allCases)
          return manifest?.sites != nil
        }
    }
    return try communicator.broadcast(bytes: [isMeant ? 1 : 0], root: 0) == [1]  // all ranks
  }

  /// A site's rows and where they lie.
  private struct Part {
    let site: DeploymentManifest.Site
    let deployment: Deployment
    let rows: Range<Int>
  }

  /// All ranks. Makes the deployment `output`, whole or not at all.
  ///
  /// - Parameters:
  ///   - paths: of sites' banks, and of deployments that were joined of such.
  ///   - encoder: of the deployment whose network embedded them; nil: the one deployment among `paths`.
  ///   - output: the folder to make; it must not exist.
  /// - Returns: each site's name and rows, in their order.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists or the banks do not go together, 65 when one is
  ///   damaged.
  public func join(_ paths: [String], encoder: String?, output: String) throws -> [(name: String, rows: Int)] {
    try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    var banks: [Deployment] = []
    for path in paths {
      watchdog.enter("verifying \(path)", step: nil)
      try agree(communicator) {  // all ranks
        guard RunDirectory.hasRun(path) else { return }
        throw SaladError(
          .usage, "\(path): expected a site's bank, found a run: merge runs alone, and give the deployment as --encoder"
        )
      }
      let bank = try Deployment.open(  // all ranks
        path, as: Form.allCases, workers: workers, communicator: communicator)
      guard bank.manifest.sites != nil else {
        throw SaladError(
          .usage,
          "\(path): expected a site's bank, found a deployment whose rows are of no site: make a bank of its images by "
            + "salad embed \(path) --data DIR --as-bank BANK --site NAME, and give the deployment as --encoder")
      }
      banks.append(bank)
    }
    let model = try self.encoder(encoder, among: banks)  // all ranks
    try banks.forEach { try requireFit(of: $0, to: model) }
    let parts = banks.flatMap { bank in
      zip(bank.manifest.sites ?? [], bank.manifest.siteRows).map { Part(site: $0, deployment: bank, rows: $1) }
    }.sorted { $0.site.name.utf8.lexicographicallyPrecedes($1.site.name.utf8) }
    for (one, other) in zip(parts, parts.dropFirst()) where one.site.name == other.site.name {
      throw SaladError(
        .usage,
        "\(other.deployment.path): expected a site once, found \(one.site.name) in \(one.deployment.path) as well: "
          + "give each site's bank once")
    }
    let manifest = DeploymentManifest(joining: parts.map { ($0.site, $0.deployment.manifest, $0.rows) }, model.manifest)
    guard manifest.rows <= Sharding.maximumRows else {
      throw SaladError(
        .usage, "\(output): expected at most \(Sharding.maximumRows) rows, found \(manifest.rows): join fewer banks")
    }
    try noteCopies(parts, dimension: manifest.dimension)  // all ranks
    let assembly = BankAssembly(
      models: model, pieces: parts.map { .kept($0.deployment, $0.rows) }, manifest: manifest, workers: workers,
      host: host, communicator: communicator, watchdog: watchdog)
    try assembly.run(to: .folder(output))  // all ranks
    return parts.map { ($0.site.name, $0.rows.count) }
  }

  /// All ranks.
  private func encoder(_ path: String?, among banks: [Deployment]) throws -> Deployment {
    if let path {
      return try Deployment.open(  // all ranks
        path, as: [.deployment], workers: workers, communicator: communicator)
    }
    let models = banks.filter { $0.manifest.form == .deployment }
    guard models.count == 1 else {
      throw SaladError(
        .usage,
        "--encoder is missing: give the deployment whose network the banks were embedded with, "
          + (models.isEmpty ? "since a site's bank holds none" : "since several were given"))
    }
    return models[0]
  }

  private func requireFit(of bank: Deployment, to model: Deployment) throws {
    let (theirs, ours) = (bank.manifest, model.manifest)
    guard theirs.encoderHashes == ours.encoderHashes else {
      throw SaladError(
        .usage,
        "\(bank.path): expected rows of the network \(model.path) (SHA-256 \(ours.encoderWords)), found rows "
          + "of another (\(theirs.encoderWords)): embed that site's images with this network")
    }
    guard theirs.scoring == ours.scoring, theirs.bank == ours.bank,
      theirs.calibrations.map(\.exposureAxis) == ours.calibrations.map(\.exposureAxis)
    else {
      throw SaladError(
        .usage,
        "\(bank.path): expected \(ours.scoring.differences(from: theirs.scoring)) as in \(model.path), found another: "
          + "embed that site's images with this deployment")
    }
  }

  /// All ranks. Says where two sites have equal rows: pictures that both have, which then lie next to each other.
  private func noteCopies(_ parts: [Part], dimension: Int) throws {
    let notes = try agree(communicator) { () -> [String] in  // all ranks
      guard communicator.isRoot else { return [] }
      var (owners, copies) = ([RowBytes: String](), [String: Int]())
      for part in parts {
        try Signals.throwIfReceived()
        let stride = dimension * MemoryLayout<Float>.stride
        let places = try part.deployment.withRows(of: 0) {
          RowBytes.places(
            in: UnsafeRawBufferPointer(rebasing: $0[part.rows.lowerBound * stride..<part.rows.upperBound * stride]),
            dimension: dimension)
        }
        for row in places.keys {
          if let owner = owners[row] { copies["\(part.site.name) and \(owner)", default: 0] += 1 }
          owners[row] = part.site.name
        }
      }
      return copies.sorted { $0.key < $1.key }.map { pair, count in
        "\(count) rows of \(pair) are equal: pictures that both have make normal images look nearer than they are"
      }
    }
    notes.forEach(log.note)
  }
}

private typealias Form = DeploymentManifest.Form

extension DeploymentManifest {
  /// For sentences.
  fileprivate var encoderWords: String { encoderHashes.map { "\($0.prefix(12))..." }.joined(separator: ", ") }

  /// The sites' rows one after the other, not measured yet.
  ///
  /// - Parameters:
  ///   - parts: each site with the manifest that has it, and its rows there.
  ///   - model: of whose network they are.
  fileprivate init(joining parts: [(Site, DeploymentManifest, Range<Int>)], _ model: DeploymentManifest) {
    self = model
    saladVersion = SALAD.saladVersion
    imageIDs = parts.flatMap { $1.imageIDs[$2] }
    imagePatients = parts.flatMap { _, manifest, rows in manifest.patients[rows].map { $0 ?? "" } }
    rows = imageIDs.count
    imageHashes = nil
    identifying = []
    dataFingerprint = ""
    sites = parts.map { site, _, _ in site }
    // Rules and rate of the first measurement, whatever another place's images made of the encoder's deployment since.
    calibration.origin = .leftOut
    calibration.reference = nil
  }
}
