import MPI
import MemoryBank
import Platform
import Radiographs

/// Takes rows out of a deployment's bank and puts rows in.
///
/// The network stays what it is. What depends on the bank's rows is measured anew (`BankAssembly`), to the bits of a
/// bank that was made of the same rows at once.
public struct BankKeeper {
  /// Where a changed deployment goes.
  public enum Destination: Sendable, Equatable {
    /// A folder that must not exist.
    case folder(String)
    /// The place of the one that is changed, as one act: whoever opens it finds the old one or the new.
    case inPlace
  }

  /// What was done.
  public struct Change: Sendable {
    public let rowsBefore: Int
    public let rowsAfter: Int
    /// Sentences for standard error.
    public let notes: [String]
  }

  /// Fewer rows say nothing of what is normal: D0 is measured to the 10th nearest other, and at a false-alarm rate of
  /// 0.05 at least 19 images calibrate a threshold.
  public static let fewestRows = 20

  let workers: Int
  let host: HostResources
  let communicator: Communicator
  let watchdog: Watchdog
  let log: Log

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

  /// All ranks. The deployment, verified, and its path without links.
  func open(
    _ path: String, _ destination: Destination, dropsCalibration: Bool
  ) throws -> (source: ModelSource, deployment: Deployment, path: String) {
    if case .folder(let output) = destination {
      try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    }
    watchdog.enter("verifying \(path)", step: nil)
    // A link stays a link: what it points to is exchanged.
    let resolved = try agree(communicator) { communicator.isRoot ? Files.resolved(path) ?? path : path }  // all ranks
    let real = destination == .inPlace ? try communicator.broadcast(paths: [resolved])[0] : path  // all ranks
    let source = try ModelSource.open(real, bank: nil, workers: workers, communicator: communicator)  // all ranks
    guard let deployment = source.deployment else {
      throw SaladError(.usage, "\(path): expected a deployment, found a run: merge it first")
    }
    let origin = deployment.manifest.calibration.origin
    guard origin == .leftOut || dropsCalibration else {
      let images = origin == .keptBack ? "images kept back from training" : "normal images of another place"
      throw SaladError(
        .usage,
        "\(path): its p-values and threshold come from \(images), whose distances from other rows nobody knows: give "
          + "--drop-calibration, so that they come from the bank's own rows, and calibrate anew by salad calibrate")
    }
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try refuseStrangers(in: real, destination) }
    }
    return (source, deployment, real)
  }

  /// Local. Files that are not a deployment's would be lost with the folder that they lie in.
  private func refuseStrangers(in folder: String, _ destination: Destination) throws {
    _ = try AuditLog.read(folder: folder)
    let manifest = try DeploymentManifest.read(folder: folder)
    let own = manifest.files + [manifest.localBank].compactMap { $0 }
    let known = Set(own.map(\.name) + [Manifest.fileName, AuditLog.fileName])
    guard let stranger = try FileSystem.names(in: folder).first(where: { !known.contains($0) }) else { return }
    guard destination != .inPlace else {
      throw SaladError(
        .usage,
        "\(folder)/\(stranger): expected only a deployment's own files, found this one, which may tell of its rows: "
          + "move it away, or give --output instead of --in-place")
    }
    log.note("\(folder)/\(stranger) stays where it is: it is no file of a deployment's bank")
  }

  func place(_ destination: Destination, _ path: String) -> BankAssembly.Place {
    switch destination {
    case .folder(let output): .folder(output)
    case .inPlace: .instead(of: path)
    }
  }

  func checkSites(_ manifest: DeploymentManifest, path: String) throws {
    guard let small = manifest.sites?.first(where: { $0.rows < Self.fewestRows }) else { return }
    throw SaladError(
      .usage,
      "\(path): expected at least \(Self.fewestRows) rows of the site \(small.name), or none, found \(small.rows): "
        + "remove all of it by --site \(small.name), or fewer")
  }

  func audit(
    _ what: String, _ chosen: [String: Int], _ ids: [String], bank: DeploymentManifest, from deployment: Deployment,
    _ finished: DeploymentManifest, by: String, in folder: String
  ) throws {
    let bankHash = bank.files.first { $0.name == Deployment.bankName(0) }?.sha256 ?? ""
    try AuditLog.write(
      AuditEntry(
        time: AuditLog.now, by: by, what: what, chosen: chosen, rows: ids.count,
        rowsBefore: deployment.manifest.rows, rowsAfter: finished.rows,
        ids: AuditEntry.code(ofIDs: ids, bank: bankHash), manifestBefore: deployment.manifestHash,
        manifestAfter: FileSystem.digest("\(folder)/\(Manifest.fileName)").sha256),
      after: deployment.path, to: folder)
  }

  /// Consecutive ones together.
  static func pieces(_ rows: [Int], of deployment: Deployment) -> [BankAssembly.Piece] {
    rows.consecutive.map { .kept(deployment, $0) }
  }
}

extension [Int] {
  /// Ascending numbers as the ranges that they make.
  var consecutive: [Range<Int>] {
    reduce(into: []) { ranges, number in
      if let last = ranges.last, last.upperBound == number {
        ranges[ranges.count - 1] = last.lowerBound..<number + 1
      } else {
        ranges.append(number..<number + 1)
      }
    }
  }
}

extension Communicator {
  /// All ranks. Rank 0's numbers.
  func broadcast(numbers: [Int]) throws -> [Int] {
    let texts = try broadcast(texts: ["\(numbers.count)"] + numbers.map(String.init))  // all ranks
    return texts.dropFirst().compactMap { Int($0) }
  }
}
