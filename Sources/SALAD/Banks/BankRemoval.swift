import MPI
import Platform
import Radiographs

extension BankKeeper {
  /// All ranks. Takes rows out.
  ///
  /// - Parameters:
  ///   - selection: which rows; at least one must be meant.
  ///   - path: of the deployment.
  ///   - destination: where the changed one goes.
  ///   - dropsCalibration: whether p-values may come from the rows themselves from now on, where they came from other
  ///     images.
  ///   - by: who does it, for the audit log.
  /// - Returns: what was done.
  /// - Throws: `SaladError` on all ranks: 64 when no row is meant, too few would stay, or p-values would be lost; 65
  ///   when the deployment is damaged, 74 when the disk refuses.
  public func remove(
    _ selection: RowSelection, from path: String, to destination: Destination, dropsCalibration: Bool, by: String
  ) throws -> Change {
    let (source, deployment, path) = try open(path, destination, dropsCalibration: dropsCalibration)  // all ranks
    let manifest = deployment.manifest
    var removed = try agree(communicator) { try selection.rows(in: manifest, path: path) }  // all ranks
    removed.formUnion(try rows(showing: selection, in: source, deployment))  // all ranks
    let kept = (0..<manifest.rows).filter { !removed.contains($0) }
    guard kept.count >= Self.fewestRows else {
      throw SaladError(
        .usage,
        "\(path): expected at least \(Self.fewestRows) rows to stay, found \(kept.count) of \(manifest.rows): remove "
          + "fewer, or add others first")
    }
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try refuseLocalBanks(of: removed, in: deployment) }
    }
    let changed = manifest.selecting(kept)
    try checkSites(changed, path: path)
    let assembly = BankAssembly(
      models: deployment, pieces: Self.pieces(kept, of: deployment), manifest: changed,
      changedSites: manifest.sites(of: removed), keepsLocalBank: true, workers: workers, host: host,
      communicator: communicator,
      watchdog: watchdog)
    try assembly.run(to: place(destination, path)) { folder, finished in  // all ranks
      if manifest.localBank != nil, finished.localBank == nil {
        log.note("fewer than two images of the local bank are left: it is gone")
      }
      try audit(
        "remove", selection.counts, removed.map { manifest.imageIDs[$0] }, bank: manifest, from: deployment, finished,
        by: by, in: folder)
    }
    return Change(
      rowsBefore: manifest.rows, rowsAfter: kept.count,
      notes: [
        "the network still learnt from the images that were removed, where it was trained on them: their rows are "
          + "gone, its weights are the same"
      ])
  }

  /// Local. Files beside the deployment that `explain --save-local` wrote of it and that hold maps of rows that go: whose they
  /// are besides, nobody knows here.
  private func refuseLocalBanks(of removed: Set<Int>, in deployment: Deployment) throws {
    let (folder, owner) = (
      Files.folder(of: deployment.path), LocalMemory.Owner(deployment.manifest, path: deployment.path)
    )
    let names = try FileSystem.names(in: folder).filter { $0.hasSuffix(".local") || $0.hasSuffix(".safetensors") }
    for path in names.map({ "\(folder)/\($0)" }) {
      guard let images = (try? LocalFile(path, of: owner))?.images else { continue }
      let count = images.count { removed.contains($0) }
      guard count == 0 else {
        throw SaladError(
          .usage,
          "\(path): expected no local bank with images that are removed, found one with \(count) of them, which salad explain "
            + "--save-local wrote: delete it, and make it anew afterwards")
      }
    }
  }

  /// All ranks. The rows that the selection's files are of.
  private func rows(
    showing selection: RowSelection, in source: ModelSource, _ deployment: Deployment
  ) throws -> Set<Int> {
    guard !selection.images.isEmpty else { return [] }
    let images = try NewImages.read(  // all ranks
      .files(selection.images, patient: nil), preparation: source.scoring.preparation, badImages: .fail,
      workers: workers, communicator: communicator, watchdog: watchdog, log: log)
    // A folder stands for its pictures.
    var selection = selection
    selection.images = images.ids
    if let known = source.pictures {
      return try agree(communicator) {  // all ranks
        try selection.rows(showing: images.pictures, in: known, path: source.path)
      }
    }
    guard source.bankKind == .refreshed else {
      throw SaladError(
        .usage, "\(source.path): expected a bank that remembers pictures, found one that does not: give --id")
    }
    let pass = FeaturePass(
      embedders: [try source.embedder(of: source.models[0], workers: workers, communicator: communicator)],
      cache: images.cache, communicator: communicator, watchdog: watchdog)
    let features = try pass.all(images.places)[0]  // all ranks
    let found = try agree(communicator) { () -> Set<Int> in  // all ranks
      guard communicator.isRoot else { return [] }
      return try deployment.withRows(of: 0) {
        try selection.rows(
          equalTo: features, in: $0, dimension: deployment.manifest.dimension, path: source.path)
      }
    }
    return Set(try communicator.broadcast(numbers: found.sorted()))  // all ranks
  }
}
