#if Server
  import Logging
  import Platform
  import Radiographs
  import SALAD
  import ServiceLifecycle

  /// Scores the images that come into a folder, each once.
  ///
  /// A file is complete when two looks in a row find it alike. Rows are on the disk before the next images are taken up: a
  /// server that starts again goes on behind them.
  struct FolderWatch: Service {
    let folder: String
    let table: WatchTable
    let engine: ScoringEngine
    let interval: Duration
    let patience: Duration
    /// Of a file.
    let mostBytes: Int
    let metrics: ServerMetrics
    let log: Logger

    /// Images that are taken up together.
    private var block: Int { max(1, min(64, engine.queue.most / 2)) }

    func run() async throws {
      var done = table.paths
      var last: [String: FileStatus.State] = [:]
      var complaint = ""
      while !Task.isShuttingDownGracefully, !Task.isCancelled {
        do {
          let (complete, states) = try await look(done, last)
          last = states
          for start in stride(from: 0, to: complete.count, by: block) where !Task.isShuttingDownGracefully {
            done.formUnion(try await score(Array(complete[start..<min(complete.count, start + block)])))
          }
          complaint = ""
        } catch {
          // A folder that is gone for the moment, a full disk: said once, tried again.
          let sentence = SaladError(error).description
          if sentence != complaint { log.error("the watched folder waits", metadata: ["reason": "\(sentence)"]) }
          complaint = sentence
        }
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
      }
    }

    /// Images without a row: those that are as they were at the last look, and the states of all.
    private func look(
      _ done: Set<String>, _ last: [String: FileStatus.State]
    ) async throws -> (complete: [String], states: [String: FileStatus.State]) {
      let folder = folder
      return try await onThread("watching") {
        let names = try ImageFolder.images(under: folder).images
        var states: [String: FileStatus.State] = [:]
        for name in names {
          let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
          if !done.contains(path), let status = try? FileStatus(path) { states[path] = status.state }
        }
        let complete = states.filter { last[$0.key] == $0.value }.map(\.key)
        return (complete.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, states)
      }
    }

    /// Scores images and writes their rows.
    ///
    /// - Returns: those that have a row now.
    private func score(_ paths: [String]) async throws -> [String] {
      let mostBytes = mostBytes
      let files = try await onThread("reading") { paths.map { BoundedFile.read($0, most: mostBytes) } }
      var outcomes = [ImageWork.Outcome?](repeating: nil, count: paths.count)
      var wanted: [Int] = []
      for (index, file) in files.enumerated() {
        switch file {
        case .success: wanted.append(index)
        case .failure(let fault): outcomes[index] = .failure(fault)
        }
      }
      let bytes = wanted.compactMap { try? files[$0].get() }
      if !bytes.isEmpty {
        guard let found = await engine.score(bytes, nearest: 0, deadline: .now + patience) else { return [] }
        for (index, outcome) in zip(wanted, found) { outcomes[index] = outcome }
      }
      let rows = zip(paths, outcomes).compactMap { path, outcome -> (path: String, row: String)? in
        switch outcome {
        // The server's own trouble: another time.
        case .failure(.late), .failure(.noModel), .failure(.failed), nil: nil
        case .some(let outcome): (path, WatchTable.row(path, outcome))
        }
      }
      guard !rows.isEmpty else { return [] }
      let table = table
      try await onThread("writing") { try table.append(rows.map(\.row).joined()) }
      metrics.scoredWatched(rows.count)
      log.info("watched images have rows", metadata: ["images": "\(rows.count)"])
      return rows.map(\.path)
    }
  }
#endif
