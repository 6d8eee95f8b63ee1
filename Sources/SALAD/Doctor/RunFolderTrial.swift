import MPI
import Platform

/// Tries a run's folder from all ranks: whether it is the same folder, and how fast it takes what is written.
///
/// Nothing is left there, the folder itself included where it was not there before.
struct RunFolderTrial {
  let path: String
  let communicator: Communicator
  let watchdog: Watchdog

  private static let bytes = 32 << 20
  private static let parts = 32

  /// All ranks.
  func report() throws -> RankReport.RunFolder {
    var report = RankReport.RunFolder()
    report.path = path
    let made = communicator.isRoot ? makeFolder(&report) : []
    let random = Array(".doctor-\(String(UInt64.random(in: 0 ... .max), radix: 16))".utf8)
    let token = try communicator.broadcast(bytes: random, root: 0)  // all ranks
    let probe = "\(path)/\(String(decoding: token, as: UTF8.self))"
    if communicator.isRoot, report.reason == nil { report.reason = failure { try Files.write(token, to: probe) } }
    // Where rank 0 cannot write, there is nothing for the others to see.
    let reason = try communicator.broadcast(bytes: Array((report.reason ?? "").utf8), root: 0)  // all ranks
    if !reason.isEmpty { report.reason = String(decoding: reason, as: UTF8.self) }

    look(for: probe, &report)
    if report.reason == nil { measure(&report, file: "\(probe)-\(communicator.rank)") }
    try communicator.barrier()  // all ranks
    if communicator.isRoot { try? Files.remove(probe) }
    for folder in made.reversed() { Folder.removeIfEmpty(folder) }
    return report
  }

  /// Rank 0: folders that were missing, the outermost first.
  private func makeFolder(_ report: inout RankReport.RunFolder) -> [String] {
    var missing: [String] = []
    var folder = path
    while !Files.exists(folder), Files.folder(of: folder) != folder {
      missing.insert(folder, at: 0)
      folder = Files.folder(of: folder)
    }
    report.reason = failure { try Folder.make(path) }
    return missing
  }

  /// Whether what rank 0 wrote is seen here, if need be when a network's file system has looked again.
  private func look(for probe: String, _ report: inout RankReport.RunFolder) {
    guard report.reason == nil else { return }
    for attempt in 0..<30 {
      if Files.exists(probe) {
        report.isShared = (try? Files.read(probe)).map { probe.hasSuffix(String(decoding: $0, as: UTF8.self)) } ?? false
        return
      }
      if attempt < 29, communicator.size > 1 { Host.pause(microseconds: 100_000) }
    }
    if !Files.isFolder(path) { report.reason = "\(path) is no folder there" }
  }

  private func measure(_ report: inout RankReport.RunFolder, file: String) {
    report.freeBytes = Folder.freeBytes(of: path)
    defer { try? Files.remove(file) }
    // Not all alike, so that no file system makes less of it.
    let random = CounterRandom(UInt64(communicator.rank))
    let part = (0..<Self.bytes / Self.parts / 8).flatMap { word in
      withUnsafeBytes(of: random.bits(UInt64(word)), Array.init)
    }
    var (writeRate, syncTime): (Double?, Double?)
    report.reason = failure {
      let start = ContinuousClock.now
      let descriptor = try FileDescriptor(file, for: .writing)
      for _ in 0..<Self.parts {
        try descriptor.write(part)
        watchdog.progress()
      }
      try descriptor.synchronise()
      writeRate = Double(Self.bytes) / (ContinuousClock.now - start).inSeconds

      var times: [Double] = []
      for _ in 0..<5 {
        let start = ContinuousClock.now
        try descriptor.write(Array(part.prefix(4096)))
        try descriptor.synchronise()
        times.append((ContinuousClock.now - start).inSeconds)
      }
      syncTime = times.sorted()[times.count / 2]
    }
    (report.writeRate, report.syncTime) = (writeRate, syncTime)
  }

  /// Why it could not be done, in a sentence; nil when it was.
  private func failure(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return SaladError(error).description
    }
  }
}
