import MPI
import Platform
import Radiographs

/// Looks at a data set from all ranks: whether they see the same images, and what their fingerprint is.
struct DataTrial {
  let path: String
  /// Its layout, and what is wanted of it.
  let selection: DataSelection
  /// A run whose images these should be, if it is one.
  let run: String?
  let workers: Int
  let communicator: Communicator
  let watchdog: Watchdog

  /// All ranks.
  func report() throws -> RankReport.Data {
    watchdog.enter("listing \(path)", step: nil)
    var report = RankReport.Data()
    report.path = path
    var (root, images) = (path, [String]())
    do {
      let data = try DataSet(path, selection: selection)
      root = data.root
      images = try data.trainingImages().map(\.path)
      report.images = images.count
      report.listing = try listing(images, root: root)
    } catch {
      report.reason = SaladError(error).description
    }
    // Each reads its share of them only where all of them can, and mean the same.
    let listings = try communicator.allGatherV(Array(report.listing.utf8))  // all ranks
    guard listings.allSatisfy({ $0 == listings[0] && !$0.isEmpty }) else { return report }
    let cache = ImageCache(root: root, paths: images, side: 64, fit: .pad, limit: 0)
    let findings = try SharedScan.run(  // all ranks
      cache, title: "reading images", workers: workers, communicator: communicator, watchdog: watchdog)
    if let bad = findings.lazy.compactMap(\.reason).first {
      report.reason = bad
      return report
    }
    report.fingerprint = DataSetFingerprint.hexadecimal(
      paths: images, digests: findings.compactMap { $0.image?.digest })
    if let run, RunDirectory.hasRun(run) {
      let path = RunDirectory(path: run).configurationPath
      report.fingerprintOfRun = try? JSONText.decode(RunRecord.self, from: FileSystem.read(path), path: path).data
        .fingerprint
    }
    return report
  }

  /// SHA-256 of names and sizes, in hexadecimal digits.
  private func listing(_ images: [String], root: String) throws -> String {
    var hash = SHA256()
    for image in images {
      hash.update(Array("\(image)\u{0}\(try FileStatus("\(root)/\(image)").size)\u{0}".utf8))
    }
    return hash.finalise().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
