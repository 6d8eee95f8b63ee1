import Platform
import Testing

@testable import SALAD

/// Faults planted into the reports of ranks that are well.
@Suite("The doctor's findings")
struct DiagnosisTests {
  /// Four ranks on two hosts of 16 cores.
  private static func healthy() -> [RankReport] {
    (0..<4).map { rank in
      var report = RankReport()
      report.rank = rank
      report.host = rank < 2 ? "node1" : "node2"
      report.version = "1"
      report.cpu = "EPYC"
      report.instructionSet = "avx512"
      (report.hardwareThreads, report.cores) = (32, 16)
      (report.boundCores, report.hostBoundCores, report.allowedCores) = (16, 16, 16)
      report.ranksOnHost = 2
      (report.workers, report.wantedWorkers) = (8, 8)
      (report.hostMemory, report.freeMemory, report.memory) = (64 << 30, 60 << 30, 30 << 30)
      report.limits.openFiles = 1024
      report.oneDNN = "2.6.0"
      report.blas = "OpenBLAS"
      report.mpi = "Open MPI v4.1.4"
      report.transports = ["ob1", "self", "tcp", "vader"]
      report.interfaces = [Networks.Interface(name: "eth0", network: "10.0.0.0/24")]
      report.interfacesInUse = ["eth0"]
      report.productRate = 8e11
      report.run = RankReport.RunFolder()
      report.run?.path = "/shared/run"
      report.run?.isShared = true
      report.run?.freeBytes = 1 << 40
      report.run?.writeRate = 1e9
      report.data = RankReport.Data()
      report.data?.path = "/data"
      report.data?.images = 100
      report.data?.listing = "aa"
      report.data?.fingerprint = "0123456789abcdef"
      return report
    }
  }

  /// The findings where some ranks were changed.
  private static func findings(_ concerned: Int..., change: (inout RankReport) -> Void) -> [Diagnosis] {
    var ranks = healthy()
    for rank in concerned { change(&ranks[rank]) }
    return Diagnosis.all(of: ranks)
  }

  /// One finding with this status and all of the words.
  private func expect(
    _ findings: [Diagnosis], _ status: SALAD.ExitStatus, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(findings.count == 1, sourceLocation: sourceLocation)
    let sentence = findings.first?.sentence ?? ""
    #expect(findings.first?.status == status, "\(sentence)", sourceLocation: sourceLocation)
    for word in words { #expect(sentence.contains(word), "\(sentence)", sourceLocation: sourceLocation) }
    #expect(Diagnosis.status(of: findings) == status, sourceLocation: sourceLocation)
  }

  @Test("Where all is well, nothing is found")
  func healthy() {
    #expect(Diagnosis.all(of: Self.healthy()).isEmpty)
    #expect(Diagnosis.status(of: []) == .success)
    #expect(Diagnosis.all(of: []).isEmpty)
  }

  @Test("Ranks that are bound to fewer cores than they may have are told how to be freed")
  func binding() {
    expect(
      Self.findings(3) { ($0.host, $0.boundCores, $0.hostBoundCores, $0.ranksOnHost) = ("node3", 1, 1, 1) }, .usage,
      "rank 3 on node3 is bound to 1 core of 16", "--bind-to none", "--map-by slot:PE=16")
    expect(
      Self.findings(2, 3) { ($0.boundCores, $0.hostBoundCores) = (1, 2) }, .usage,
      "ranks 2-3 on node2 are bound to 2 cores")
    // A container that gets the time of two cores loses nothing by it.
    expect(
      Self.findings(2, 3) { ($0.hostBoundCores, $0.processorTime) = (2, 1.5) }, .success, "the time of 1.5")
    expect(
      Self.findings(0, 1) { ($0.hostBoundCores, $0.allowedCores) = (1, 1) }, .success, "2 ranks share 1 cores on node1")
  }

  @Test("Ranks that differ are named, with what they have")
  func differences() {
    expect(Self.findings(2) { $0.version = "2" }, .usage, "salad's version", "ranks 0-1, 3 1", "rank 2 2")
    expect(Self.findings(0) { $0.mpi = "MPICH" }, .usage, "differ in MPI", "rank 0 MPICH; ranks 1-3")
    expect(Self.findings(1) { $0.oneDNN = "3.0.0" }, .usage, "oneDNN", "rank 1 3.0.0")
    expect(Self.findings(3) { $0.instructionSet = "avx2" }, .usage, "instruction set", "rank 3 avx2", "one kind")
    expect(Self.findings(3) { $0.cpu = "Xeon" }, .success, "CPU", "rank 3 Xeon")
  }

  @Test("Interfaces that lead nowhere are named, unless they are excluded or there is one host")
  func interfaces() {
    let docker = Networks.Interface(name: "docker0", network: "172.17.0.0/16")
    expect(
      Self.findings(1) { $0.interfacesInUse.append("docker0") }, .usage, "docker0 is in use by rank 1",
      "--mca btl_tcp_if_exclude lo,docker0")
    expect(
      Self.findings(0, 1, 2, 3) { $0.interfaces.append(docker) }, .usage, "docker0 is up on node1, node2",
      "btl_tcp_if_exclude")
    #expect(Self.findings(0, 1) { $0.interfaces.append(docker) }.isEmpty)
    #expect(
      Self.findings(0, 1, 2, 3) { report in
        report.interfaces.append(docker)
        report.interfacesExcluded = "lo,docker0"
      }.isEmpty)
    #expect(
      Self.findings(0, 1, 2, 3) { report in
        report.interfaces.append(docker)
        report.interfacesIncluded = "eth0"
      }.isEmpty)
    #expect(
      Self.findings(0, 1, 2, 3) { report in
        report.interfaces.append(docker)
        report.host = "node1"
      }.isEmpty)
  }

  @Test("Limits that will bite are told with the cure")
  func limits() {
    expect(Self.findings(1, 2) { $0.limits.memoryLeft = 1 << 28 }, .inputOutput, "ranks 1-2", "268 MB", "ulimit -v")
    expect(
      Self.findings(0) { ($0.workers, $0.productRate) = (3, 3e11) }, .inputOutput, "rank 0", "3 instead of 8",
      "ulimit -u", "pids.max")
    expect(Self.findings(0) { $0.limits.openFiles = 32 }, .inputOutput, "32 files", "ulimit -n")
    expect(Self.findings(0) { $0.limits.fileSize = 1 << 20 }, .success, "ulimit -f")
    expect(Self.findings(0) { $0.memory = 1 << 29 }, .success, "537 MB of memory is free")
  }

  @Test("Clocks, sums, transports and slow ranks are told")
  func measured() {
    expect(Self.findings(2, 3) { $0.clockSkew = -7.25 }, .inputOutput, "node2", "behind rank 0's", "NTP")
    #expect(Self.findings(2, 3) { $0.clockSkew = 0.2 }.isEmpty)
    expect(Self.findings(3) { $0.sumIsRight = false }, .internalError, "rank 3 got a wrong sum")
    expect(Self.findings(0, 1) { $0.transports = ["ob1", "self", "tcp"] }, .success, "ranks 0-1", "shared memory")
    expect(Self.findings(2) { $0.productRate = 1e11 }, .success, "rank 2 computes at less than half")
    expect(Self.findings(0, 1, 2, 3) { ($0.productRate, $0.blas) = (nil, nil) }, .success, "libopenblas-dev")
  }

  @Test("A run folder that is missing, read-only, another one, slow or full is told")
  func runFolder() {
    expect(Self.findings(3) { $0.run?.isShared = false }, .inputOutput, "rank 3: /shared/run is another folder")
    expect(
      Self.findings(2, 3) { report in
        report.run?.isShared = false
        report.run?.reason = "/shared/run: cannot be written: Read-only file system"
      }, .inputOutput, "ranks 2-3: /shared/run: cannot be written: Read-only")
    expect(Self.findings(0) { $0.run?.writeRate = 1e6 }, .success, "1.00 MB a second")
    expect(Self.findings(0) { $0.run?.freeBytes = 1 << 20 }, .success, "1.05 MB left")
  }

  @Test("Data that cannot be read, differs between ranks or from the run's is told")
  func data() {
    expect(
      Self.findings(1) { report in
        report.data?.reason = "/data: expected a folder, found none"
        report.data?.listing = ""
      }, .badData, "rank 1: /data: expected a folder")
    expect(
      Self.findings(1) { report in
        report.data?.listing = "bb"
        report.data?.images = 99
      }, .badData, "ranks see different images", "ranks 0, 2-3 100 images; rank 1 99 images")
    expect(
      Self.findings(0, 1, 2, 3) { $0.data?.fingerprintOfRun = "ffff" }, .badData, "fingerprint 0123456789ab",
      "other images")
  }

  @Test("Of several faults the gravest ends the command, and rows that people and programs read hold them all")
  func report() throws {
    var ranks = Self.healthy()
    ranks[1].mpi = "MPICH"
    ranks[2].run?.isShared = false
    let report = DoctorReport(ranks: ranks)
    #expect(report.status == .inputOutput && report.findings.count == 2)
    let text = report.text()
    #expect(text.split(separator: "\n").count { $0.hasPrefix("fault: ") } == 2)
    #expect(text.contains("MPI: MPICH (rank 1)") && text.contains("16 of 16") && text.contains("2 a core"))
    let line = try report.line()
    #expect(line.hasSuffix("\n") && line.split(separator: "\n").count == 1 && line.contains(#""status":74"#))
    #expect(DoctorReport(ranks: Self.healthy()).text().hasSuffix("nothing is wrong\n"))
  }
}
