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
  private static let format = "salad local bank 1"

  /// What tells the models from others: SHA-256 over their weights and the training images.
  private static func identity(of source: ModelSource) -> String {
    var hash = SHA256()
    for model in source.models { hash.update(Array(model.encoderHash.utf8)) }
    // Not by their names, which may be hashes: a file made with a run serves the deployments of it.
    hash.update(Array("\(source.dataFingerprint) \(source.imageIDs.count)".utf8))
    return FileSystem.hexadecimal(hash.finalise())
  }

  /// Of the maps: `e1,e2,e3`.
  private static func levels(_ scorer: Scorer) -> String {
    scorer.models[0].embedder.stageMaps.levels.map(\.name).joined(separator: ",")
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
    let communicator = scorer.communicator
    scorer.watchdog.enter("writing \(path)", step: nil)
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
      let metadata = [
        "format": Self.format, "models": Self.identity(of: source),
        "levels": Self.levels(scorer),
      ]
      try writing.begin(unfinished, tensors, metadata: metadata)
      try writing.write(images.map(Int64.init))
    }
    for model in models {
      for block in Share.blocks(of: images.indices, size: Sharding.granule) {
        let rows = try model.bank.rows(at: block, communicator)  // all ranks
        try agree(communicator) { if communicator.isRoot { try writing.write(rows) } }  // all ranks
        try Signals.throwIfAnyRankReceivedOne(communicator, "while \(path) was written")  // all ranks
        scorer.watchdog.progress()
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
    let (models, images) = try agree(communicator) { () -> ([Model], [Int]) in  // all ranks
      try FileSystem.require(path, "a file that salad explain --save-local wrote")
      let file = try SafetensorsFile(path: path)
      guard file.metadata["format"] == Self.format else {
        throw SaladError(
          .badData,
          "\(path): expected a file that salad explain --save-local wrote (\(Self.format)), found "
            + (file.metadata["format"] ?? "another"))
      }
      let levels = Self.levels(scorer)
      guard file.metadata["models"] == Self.identity(of: source), file.metadata["levels"] == levels else {
        throw SaladError(
          .badData,
          "\(path): expected the local bank of \(source.path), found one of another model or of other training images: make "
            + "it anew with --save-local")
      }
      let images = try file.int64s("images").map(Int.init)
      guard images.count > 1, images.count <= Sharding.maximumRows,
        images.allSatisfy({ (0..<source.imageIDs.count).contains($0) })
      else {
        throw SaladError(
          .badData, "\(path): expected 2 images or more of \(source.imageIDs.count), found \(images.count)")
      }
      let models = try scorer.models.enumerated().map { index, model in
        let maps = model.embedder.stageMaps
        let cells = maps.grids.reduce(0) { $0 + $1.cells }
        let typical = try file.floats("typical.\(index)", shape: [cells])
        guard typical.allSatisfy({ $0.isFinite && $0 > 0 }) else {
          throw SaladError(.badData, "\(path): expected distances above 0 as typical.\(index), found others")
        }
        let (name, shape) = ("maps.\(index)", [images.count, maps.count])
        let workers = model.embedder.replica.workers
        guard let rows = try file.mappedFloats(name, shape: shape) else {
          throw SaladError(.badData, "\(path): expected \(name) at a multiple of 4 bytes, found it elsewhere")
        }
        return Model(
          maps: maps,
          bank: LocalBank(maps.grids, rows: images.count, mapped: rows, workers: workers, communicator: communicator),
          typical: typical)
      }
      return (models, images)
    }
    (self.models, self.images) = (models, images)
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
