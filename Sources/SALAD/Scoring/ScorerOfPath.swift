import MPI

extension Scorer {
  /// All ranks. A scorer of the run or deployment at `path`, every file of it verified, as the model remembers to score.
  ///
  ///     let environment = try MPIEnvironment()
  ///     let scorer = try Scorer("deploy", communicator: environment.world)
  ///     let scores = try scorer.scores(of: ["image.png"])
  ///
  /// - Parameters:
  ///   - path: of what `salad train`, `merge`, `import` or `calibrate` made.
  ///   - workers: threads of this rank; nil: its part of the host's cores.
  ///   - communicator: of the ranks that take part; a process that runs alone is one rank.
  /// - Throws: `SaladError` on all ranks: 65 when `path` is neither or is damaged, 64 when memory does not suffice.
  public init(_ path: String, workers: Int? = nil, communicator: Communicator) throws {
    let host = try HostResources(communicator: communicator)  // all ranks
    let workers = workers ?? host.workers
    // Never started: who runs the process decides how long to wait.
    let watchdog = Watchdog(rank: communicator.rank, host: "this host", timeout: .infinity)
    self = try ModelSource.read(path, bank: nil, workers: workers, communicator: communicator) { source in  // all ranks
      try Scorer(  // all ranks
        source, rule: nil, topK: nil, workers: workers, host: host, communicator: communicator, watchdog: watchdog)
    }
  }
}
