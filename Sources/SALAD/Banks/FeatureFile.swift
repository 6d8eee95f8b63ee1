import MPI
import Platform
import Radiographs
import Safetensors

// F = features of an image

/// Features of images with their ids, for other programs.
///
/// `.safetensors`: the tensor `features`, (images, F) float32, and of the further models of an ensemble `features-2`
/// and so on; in the metadata what they are of, and `ids`, a JSON list of the images' in the order of the rows. `.csv`:
/// a line an image, its id and F numbers, which read back to the same bits.
public struct FeatureFile {
  private let workers: Int
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log

  /// - Parameters:
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  public init(workers: Int, communicator: Communicator, watchdog: Watchdog, log: Log) {
    self.workers = workers
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
  }

  public enum Format: String, Sendable, CaseIterable {
    case safetensors, csv

    /// - Parameter path: of a file; nil where its name ends in neither.
    public init?(of path: String) {
      guard let format = Self.allCases.first(where: { path.lowercased().hasSuffix(".\($0.rawValue)") }) else {
        return nil
      }
      self = format
    }
  }

  /// All ranks. Writes the file `output`, whole or not at all: the same bytes for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - images: what to embed.
  ///   - path: of the run or deployment whose network embeds.
  ///   - badImages: what to do about an image that cannot be read.
  ///   - output: the file to make; it must not exist.
  /// - Returns: images and features of each model.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists or cannot hold what the model makes, 65 when an image
  ///   is bad.
  public func write(
    _ images: NewImageSource, with path: String, badImages: BadImages, to output: String
  ) throws -> (images: Int, features: Int) {
    guard let format = Format(of: output) else {
      throw SaladError(.usage, "\(output): expected a name that ends in .safetensors or .csv, found another")
    }
    try agree(communicator) {  // all ranks
      guard communicator.isRoot, FileSystem.exists(output) else { return }
      throw SaladError(.usage, "\(output): expected no such file, found one: choose another --output or remove it")
    }
    watchdog.enter("verifying \(path)", step: nil)
    return try ModelSource.read(path, bank: nil, workers: workers, communicator: communicator) { source in  // all ranks
      guard format == .safetensors || source.models.count == 1 else {
        throw SaladError(
          .usage,
          "\(output): expected one model for a table, found \(source.models.count) in \(path): give a .safetensors")
      }
      if let note = source.note { log.note(note) }
      let new = try NewImages.read(  // all ranks
        images, preparation: source.scoring.preparation, badImages: badImages, workers: workers,
        communicator: communicator, watchdog: watchdog, log: log)
      let embedders = try source.models.map {
        try source.embedder(of: $0, workers: workers, communicator: communicator)  // all ranks
      }
      let features = embedders[0].featureCount
      let pass = FeaturePass(embedders: embedders, cache: new.cache, communicator: communicator, watchdog: watchdog)
      let unfinished = Files.hidden(output, "-\(Host.processNumber)-writing")
      do {
        switch format {
        case .safetensors: try tensors(of: new, pass, source, features, to: unfinished)  // all ranks
        case .csv: try table(of: new, pass, features, to: unfinished)  // all ranks
        }
        try agree(communicator) {  // all ranks
          guard communicator.isRoot else { return }
          try FileSystem.move(unfinished, to: output)
          try FileSystem.synchronise(folder: Files.folder(of: output))
        }
      } catch {
        if communicator.isRoot { try? FileSystem.remove(unfinished) }
        throw error
      }
      return (new.ids.count, features)
    }
  }

  /// All ranks.
  private func table(of new: NewImages, _ pass: FeaturePass, _ features: Int, to path: String) throws {
    let head = (["id"] + (1...features).map { "f\($0)" }).joined(separator: ",") + "\n"
    try agree(communicator) {  // all ranks
      if communicator.isRoot { try FileSystem.write(Array(head.utf8), to: path) }
    }
    try pass.run(new.places) { images, values in  // all ranks
      var text: [UInt8] = []
      for (place, image) in images.enumerated() {
        text += CSV.field(new.ids[image]).utf8
        for value in values[0][place * features..<(place + 1) * features] { text += ",\(value)".utf8 }
        text.append(UInt8(ascii: "\n"))
      }
      try FileSystem.append(text, to: path)
    }
  }

  /// All ranks. A model at a time, as the file has them.
  private func tensors(
    of new: NewImages, _ pass: FeaturePass, _ source: ModelSource, _ features: Int, to path: String
  ) throws {
    let hashes = source.encoderHashes
    let file = TensorFile()
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      var metadata = [
        "format": "salad-features", "format_version": "1",
        "ids": String(decoding: try JSONText.line(new.ids).dropLast(), as: UTF8.self),
        "encoder_sha256": hashes.joined(separator: ","), "levels": "\(pass.embedders[0].levels)",
        "feature_scale": source.scoring.featureScale.rawValue,
      ]
      if let exposure = pass.embedders[0].exposure { metadata["exposure_damping"] = "\(exposure.damping)" }
      let descriptions = pass.embedders.indices.map {
        TensorDescription(
          name: $0 == 0 ? "features" : "features-\($0 + 1)", type: .float32, shape: [new.ids.count, features])
      }
      try file.open(SafetensorsWriter(path: path, tensors: descriptions, metadata: metadata))
    }
    for embedder in pass.embedders {
      let one = FeaturePass(embedders: [embedder], cache: new.cache, communicator: communicator, watchdog: watchdog)
      try one.run(new.places) { _, values in try file.write(values[0]) }  // all ranks
    }
    try agree(communicator) { try file.finish() }  // all ranks
  }
}

/// A file on rank 0, none elsewhere.
private final class TensorFile {
  private var writer: SafetensorsWriter?

  func open(_ writer: consuming SafetensorsWriter) { self.writer = consume writer }
  func write(_ values: [Float]) throws { try writer?.write(values) }
  func finish() throws { try writer.take()?.finish() }
}
