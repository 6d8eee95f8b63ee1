import Autoencoder
import Foundation
import MPI
import MemoryBank
import Platform

/// Finds out what `salad doctor` tells, each rank about itself and all of them together.
public struct Examination {
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let host: HostResources

  /// - Parameters:
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - host: this rank's part of its host.
  public init(communicator: Communicator, watchdog: Watchdog, host: HostResources) {
    self.communicator = communicator
    self.watchdog = watchdog
    self.host = host
  }

  /// All ranks. One report a rank, in their order and equal on all.
  ///
  /// - Parameters:
  ///   - run: a run's folder, which need not be there yet; nil: no folder is tried.
  ///   - data: a data set; without a path none is read.
  ///   - workers: threads of this rank.
  ///   - wanted: those that it should have.
  public func reports(run: String?, data: DataRequest, workers: Int, wanted: Int) throws -> [RankReport] {
    var report = RankReport()
    describe(&report, workers: workers)
    report.wantedWorkers = wanted

    watchdog.enter("comparing clocks", step: nil)
    report.clockSkew = try clockSkew()  // all ranks
    watchdog.enter("measuring sums over all ranks", step: nil)
    try measureExchange(&report)  // all ranks
    // After the exchange, which is what opens the connections.
    report.interfacesInUse = Networks().inUse

    watchdog.enter("measuring matrix products", step: nil)
    if let product = try? PeakProduct() {
      report.blas = product.library
      try communicator.barrier()  // all ranks
      report.productRate = product.operationsPerSecond(workers: workers)
    } else {
      try communicator.barrier()  // all ranks
    }
    if let run {
      watchdog.enter("trying \(run)", step: nil)
      report.run = try RunFolderTrial(path: run, communicator: communicator, watchdog: watchdog).report()  // all ranks
    }
    if let path = data.path {
      report.data = try DataTrial(
        path: path, selection: data.selection(), run: run, workers: workers, communicator: communicator,
        watchdog: watchdog
      )
      .report()  // all ranks
    }
    return try communicator.allGather(records: [report])  // all ranks
  }

  /// Local.
  private func describe(_ report: inout RankReport, workers: Int) {
    report.rank = communicator.rank
    report.host = Host.name
    report.version = saladVersion
    report.cpu = Host.cpu("model name") ?? "unknown"
    report.instructionSet = InstructionSet.inUse
    report.bestLevel = CPULevel.best.rawValue
    report.hardwareThreads = Host.hardwareThreads
    report.cores = Cores.physical(of: Array(0..<Host.hardwareThreads))
    report.boundCores = Cores.physical(of: Host.hardwareThreads(of: "self"))
    report.hostBoundCores = host.boundCores
    report.allowedCores = host.allowedCores
    report.processorTime = ControlGroups().processorTime
    report.ranksOnHost = host.ranks
    report.workers = workers
    report.hostMemory = Host.memory
    report.freeMemory = Host.availableMemory
    report.memory = host.memory
    report.limits = RankReport.Limits(
      addressSpace: Platform.Limits.addressSpace, data: Platform.Limits.data, fileSize: Platform.Limits.fileSize,
      openFiles: Platform.Limits.openFiles, threads: Platform.Limits.threads,
      memoryLeft: MemoryLimit.ofThisProcess?.left)
    report.oneDNN = OneDNN.version
    report.mpi = MPIEnvironment.library
    report.transports = MPIEnvironment.transports
    report.interfaces = Networks().connected
    report.interfacesIncluded = Host.variable("OMPI_MCA_btl_tcp_if_include")
    report.interfacesExcluded = Host.variable("OMPI_MCA_btl_tcp_if_exclude")
  }

  /// All ranks. Seconds that this rank's clock is ahead of rank 0's: the median of what several barriers' ends show.
  private func clockSkew() throws -> Double {
    var skews: [Double] = []
    for _ in 0..<15 {
      try communicator.barrier()  // all ranks
      let now = Date().timeIntervalSince1970
      let ofRoot = try communicator.allGather([now])[0]  // all ranks
      skews.append(now - ofRoot)
    }
    return skews.sorted()[skews.count / 2]
  }

  /// All ranks.
  private func measureExchange(_ report: inout RankReport) throws {
    guard communicator.size > 1 else { return }
    var times: [Double] = []
    for repetition in 0..<200 {
      let start = ContinuousClock.now
      let sum = try communicator.allReduce(Int64(communicator.rank + repetition), .sum)  // all ranks
      times.append((ContinuousClock.now - start).inSeconds)
      let expected = communicator.size * (communicator.size - 1) / 2 + communicator.size * repetition
      if sum != Int64(expected) { report.sumIsRight = false }
      // On a loaded machine or a slow network few of them tell as much.
      if repetition % 20 == 19, try communicator.allReduce(times.reduce(0, +), .max) > 1 { break }  // all ranks
    }
    report.allReduceLatency = times.sorted()[times.count / 2]

    var numbers = [Float](repeating: 0, count: Self.gradientElements)
    var best = Double.infinity
    for _ in 0..<3 {
      for index in numbers.indices { numbers[index] = Float(communicator.rank + index & 1023) }
      try communicator.barrier()  // all ranks
      let start = ContinuousClock.now
      try communicator.allReduce(&numbers, .sum)  // all ranks
      let seconds = (ContinuousClock.now - start).inSeconds
      best = min(best, seconds)
      let ranks = Float(communicator.size * (communicator.size - 1) / 2)
      let isRight = numbers.indices.allSatisfy { numbers[$0] == ranks + Float(communicator.size * ($0 & 1023)) }
      if !isRight { report.sumIsRight = false }
      watchdog.progress()
      if try communicator.allReduce(seconds, .max) > 5 { break }  // all ranks
    }
    report.allReduceBandwidth = Double(Self.gradientElements * MemoryLayout<Float>.stride) / best
  }

  /// 64 MB: half of the default network's gradients.
  private static let gradientElements = 1 << 24
}
