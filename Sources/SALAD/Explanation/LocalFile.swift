import Autoencoder
import MPI
import MemoryBank
import Platform
import Safetensors

// L = images in the local bank, R = numbers in an image's maps, P = cells of all its maps

/// Local banks in a file of their own, for explaining where the training images are not at hand.
///
/// It is a `.safetensors` file: for each model k `maps.k` (L, R) float32 and `typical.k` (P) float32, and `images` (L) int64.
/// Its metadata name the networks that made the maps, so that others are refused. The maps are made of pictures of patients
/// and show their outlines: the file is to be kept as the pictures are.
extension LocalMemory {
  /// Whose a local bank is.
  struct Owner {
    /// What tells the models from others: SHA-256 over their weights and the training images.
    let identity: String
    /// For sentences.
    let path: String
    /// N.
    let rows: Int
    /// Of each model.
    let maps: StageMaps
    let models: Int

    private init(
      path: String, hashes: [String], fingerprint: String, imageIDs: [String], _ scoring: ScoringConfiguration
    ) {
      var hash = SHA256()
      for model in hashes { hash.update(Array(model.utf8)) }
      // Not by their names, which may be hashes: a file made with a run serves the deployments of it. But where no data set
      // is known any more, as in a changed bank, nothing else tells the images.
      hash.update(Array("\(fingerprint) \(imageIDs.count)".utf8))
      if fingerprint.isEmpty { for id in imageIDs { hash.update(Array(id.utf8) + [0]) } }
      identity = FileSystem.hexadecimal(hash.finalise())
      (self.path, rows, models) = (path, imageIDs.count, hashes.count)
      maps = StageMaps(compared: scoring.network)
    }

    init(_ source: ModelSource) {
      self.init(
        path: source.path, hashes: source.models.map(\.encoderHash), fingerprint: source.dataFingerprint,
        imageIDs: source.imageIDs, source.scoring)
    }

    init(_ manifest: DeploymentManifest, path: String) {
      self.init(
        path: path, hashes: manifest.encoderHashes, fingerprint: manifest.dataFingerprint, imageIDs: manifest.imageIDs,
        manifest.scoring)
    }

    /// Of the maps: `e1,e2,e3`.
    var levels: String { maps.levels.map(\.name).joined(separator: ",") }
  }

  /// Local. Throws `SaladError` 64 where something is at `path`.
  public static func refuseExisting(_ path: String) throws {
    guard !FileSystem.exists(path) else {
      throw SaladError(.usage, "\(path): expected no such file, found one: remove it, or give another name")
    }
  }

  /// All ranks. Writes the banks to `path`, which is there once it is whole; rank 0 writes.
  ///
  /// - Parameters:
  ///   - path: of a file that is not there.
  ///   - source: the models.
  ///   - scorer: made of them.
  /// - Throws: `SaladError` on all ranks: 74 where the file cannot be written.
  public func save(to path: String, _ source: ModelSource, _ scorer: Scorer) throws {
    try save(to: path, of: Owner(source), scorer.communicator, scorer.watchdog)  // all ranks
  }

  /// All ranks.
  func save(to path: String, of owner: Owner, _ communicator: Communicator, _ watchdog: Watchdog) throws {
    watchdog.enter("writing \(path)", step: nil)
    let unfinished = Files.hidden(path, "-\(Host.processNumber)-writing")
    var tensors = [TensorDescription(name: "images", type: .int64, shape: [images.count])]
    for (index, model) in models.enumerated() {
      tensors.append(
        TensorDescription(name: "maps.\(index)", type: .float32, shape: [images.count, model.bank.rowCount]))
      tensors.append(TensorDescription(name: "typical.\(index)", type: .float32, shape: [model.bank.cellCount]))
    }
    let writing = LocalFileWriter()
    // Once it has moved to its place, nothing is there.
    defer { try? FileSystem.remove(unfinished) }
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try Self.refuseExisting(path)
      let metadata = ["format": LocalFile.format, "models": owner.identity, "levels": owner.levels]
      try writing.begin(unfinished, tensors, metadata: metadata)
      try writing.write(images.map(Int64.init))
    }
    for model in models {
      for block in Share.blocks(of: images.indices, size: Sharding.granule) {
        let rows = try model.bank.rows(at: block, communicator)  // all ranks
        try agree(communicator) { if communicator.isRoot { try writing.write(rows) } }  // all ranks
        try Signals.throwIfAnyRankReceivedOne(communicator, "while \(path) was written")  // all ranks
        watchdog.progress()
      }
      try agree(communicator) { if communicator.isRoot { try writing.write(model.typical) } }  // all ranks
    }
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try writing.finish()
      try Self.refuseExisting(path)
      try FileSystem.move(unfinished, to: path)
      try FileSystem.synchronise(folder: Files.folder(of: path))
    }
  }

  /// All ranks. The banks of a file, mapped; each rank searches its part.
  ///
  /// - Parameters:
  ///   - path: what `save` wrote.
  ///   - source: the models.
  ///   - scorer: made of them.
  /// - Throws: `SaladError` on all ranks: 65 where the file is damaged or of other models.
  public init(contentsOf path: String, _ source: ModelSource, _ scorer: Scorer) throws {
    let communicator = scorer.communicator
    scorer.watchdog.enter("reading \(path)", step: nil)
    (models, images) = try agree(communicator) { () -> ([Model], [Int]) in  // all ranks
      let file = try LocalFile(path, of: Owner(source))
      let models = try scorer.models.enumerated().map { index, model in
        let maps = model.embedder.stageMaps
        return Model(
          maps: maps,
          bank: LocalBank(
            maps.grids, rows: file.images.count, mapped: try file.rows(of: index),
            workers: model.embedder.replica.workers, communicator: communicator), typical: try file.typical(of: index))
      }
      return (models, file.images)
    }
  }

  /// All ranks. A deployment's own local bank, verified; nil where it has none.
  ///
  /// - Parameters:
  ///   - source: the deployment.
  ///   - scorer: made of it.
  /// - Throws: `SaladError` on all ranks: 65 where the file is not the one that the manifest means.
  public static func own(_ source: ModelSource, _ scorer: Scorer) throws -> LocalMemory? {
    guard let (deployment, file) = source.localBank else { return nil }
    scorer.watchdog.enter("verifying \(deployment.localPath)", step: nil)
    try agree(scorer.communicator) {  // all ranks
      try Verification(folder: deployment.path, files: [file]).check(file)
    }
    return try LocalMemory(contentsOf: deployment.localPath, source, scorer)  // all ranks
  }

  /// All ranks. What is left of a deployment's own local bank when some of its rows go; what is typical is measured anew, of
  /// the images that stay.
  ///
  /// - Parameters:
  ///   - deployment: as it was, with a local bank.
  ///   - places: where its rows are from now on; nil: nowhere.
  ///   - patients: whose the rows are from now on.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  /// - Returns: nil where fewer than two images are left.
  static func remaining(
    of deployment: Deployment, places: [Int?], patients: [String?], workers: Workers, _ communicator: Communicator,
    _ watchdog: Watchdog
  ) throws -> LocalMemory? {
    watchdog.enter("reading \(deployment.localPath)", step: nil)
    let owner = Owner(deployment.manifest, path: deployment.path)
    let file = try agree(communicator) { () -> LocalFile in  // all ranks
      if let file = deployment.manifest.localBank {
        try Verification(folder: deployment.path, files: [file]).check(file)
      }
      return try LocalFile(deployment.localPath, of: owner)
    }
    let kept = file.images.indices.filter { places[file.images[$0]] != nil }
    let images = kept.compactMap { places[file.images[$0]] }
    guard kept.count > 1 else { return nil }
    let groups = LeftOutPass.groups(images.map { patients[$0] })
    let mine = Sharding(rows: kept.count, ranks: communicator.size).range(of: communicator.rank)
    let models = try (0..<owner.models).map { index in
      let shard = try agree(communicator) {  // all ranks
        try file.rows(of: index).withUnsafeBufferPointer { rows in
          mine.flatMap { rows[kept[$0] * owner.maps.count..<(kept[$0] + 1) * owner.maps.count] }
        }
      }
      let bank = LocalBank(
        owner.maps.grids, rows: kept.count, shard: shard, workers: workers, communicator: communicator)
      return Model(
        maps: owner.maps, bank: bank,
        typical: try typical(bank, groups: groups, communicator, watchdog))  // all ranks
    }
    return LocalMemory(models: models, images: images)
  }
}

/// A local bank's file, opened and of the right owner. Local.
struct LocalFile {
  static let format = "salad local bank 1"

  private let file: SafetensorsFile
  private let path: String
  private let owner: LocalMemory.Owner
  /// L rows of the bank, ascending.
  let images: [Int]

  /// - Throws: `SaladError` 65 where the file is damaged or another's.
  init(_ path: String, of owner: LocalMemory.Owner) throws {
    (self.path, self.owner) = (path, owner)
    try FileSystem.require(path, "a file that salad explain --save-local wrote")
    file = try SafetensorsFile(path: path)
    guard file.metadata["format"] == Self.format else {
      throw SaladError(
        .badData,
        "\(path): expected a file that salad explain --save-local wrote (\(Self.format)), found "
          + (file.metadata["format"] ?? "another"))
    }
    guard file.metadata["models"] == owner.identity, file.metadata["levels"] == owner.levels else {
      throw SaladError(
        .badData,
        "\(path): expected the local bank of \(owner.path), found one of another model or of other training images: make "
          + "it anew with --save-local")
    }
    images = try file.int64s("images").map(Int.init)
    guard images.count > 1, images.count <= Sharding.maximumRows,
      images.allSatisfy({ (0..<owner.rows).contains($0) })
    else {
      throw SaladError(.badData, "\(path): expected 2 images or more of \(owner.rows), found \(images.count)")
    }
  }

  /// (L, R) of a model, mapped.
  func rows(of model: Int) throws -> MappedFloats {
    let (name, shape) = ("maps.\(model)", [images.count, owner.maps.count])
    guard let rows = try file.mappedFloats(name, shape: shape) else {
      throw SaladError(.badData, "\(path): expected \(name) at a multiple of 4 bytes, found it elsewhere")
    }
    return rows
  }

  /// (P) of a model.
  func typical(of model: Int) throws -> [Float] {
    let cells = owner.maps.grids.reduce(0) { $0 + $1.cells }
    let typical = try file.floats("typical.\(model)", shape: [cells])
    guard typical.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw SaladError(.badData, "\(path): expected distances above 0 as typical.\(model), found others")
    }
    return typical
  }
}

/// What rank 0 writes and the others do not have: the writer must be one's own.
private final class LocalFileWriter {
  private var writer: SafetensorsWriter?

  func begin(_ path: String, _ tensors: [TensorDescription], metadata: [String: String]) throws {
    writer = try SafetensorsWriter(path: path, tensors: tensors, metadata: metadata)
  }

  func write(_ values: [Float]) throws { try writer?.write(values) }

  func write(_ values: [Int64]) throws { try writer?.write(values) }

  func finish() throws { try writer.take()?.finish() }
}
