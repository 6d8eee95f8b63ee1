// CONTRACT STUB: signatures are agreed, bodies are not.

/// One image of a data set's test split.
public struct LabelledImage: Sendable, Equatable {
  public var path: String        // relative to the data set's root
  public var kind: String        // the folder's name: "good", "pneumonia", ...
  public var isAnomalous: Bool
  public init(path: String, kind: String, isAnomalous: Bool) { self.path = path; self.kind = kind; self.isAnomalous = isAnomalous }
}

/// The folder layout of datasets.md: which files train, which test.
public struct ImageFolder: Sendable {
  public let root: String
  public init(root: String) throws { fatalError("stub") }     // missing folder: RadiographError naming it
  /// Relative paths of train/good|normal/**.png (any case), sorted by bytes. Throws when there are none.
  public func trainingImages() throws -> [String] { fatalError("stub") }
  /// Sorted by bytes of the relative path. Throws when there is no test folder or it is empty.
  public func testImages() throws -> [LabelledImage] { fatalError("stub") }
  /// Recursively all .png (any case) under a folder, relative paths sorted by bytes.
  public static func images(under folder: String) throws -> [String] { fatalError("stub") }
}

/// Images decoded and resized once, kept under a memory limit. Thread-safe.
public final class ImageCache: Sendable {
  /// - limit: bytes; what does not fit is decoded anew each time.
  public init(root: String, paths: [String], side: Int, fit: Fit, limit: Int) { fatalError("stub") }
  /// The resized image `index`; reads and decodes when it is not in memory.
  public func image(_ index: Int) throws -> Radiograph { fatalError("stub") }
  /// As image(_:), and the SHA-256 (32 bytes) of the file's bytes: for the scan before training.
  public func imageAndDigest(_ index: Int) throws -> (Radiograph, [UInt8]) { fatalError("stub") }
  public var bytesInUse: Int { fatalError("stub") }
}

/// m images ready for the network.
public struct PixelBatch: Sendable {
  public var imageIndices: [Int]
  public var pixels: [Float]        // (m, S, S) in -1...1
  public init(imageIndices: [Int], pixels: [Float]) { self.imageIndices = imageIndices; self.pixels = pixels }
}

/// Decodes and augments micro-batches ahead of the step, on its own threads, in the order asked for.
public final class Prefetcher: Sendable {
  public struct Request: Sendable {
    public var epoch: Int
    public var imageIndices: [Int]
    public init(epoch: Int, imageIndices: [Int]) { self.epoch = epoch; self.imageIndices = imageIndices }
  }
  /// - requests: called on one thread at a time; nil ends. - depth: micro-batches held ready.
  public init(cache: ImageCache, augmentation: Augmentation, seed: UInt64, side: Int, threads: Int, depth: Int, requests: @escaping @Sendable () -> Request?) { fatalError("stub") }
  /// The next micro-batch in request order, waiting for it if need be; nil after the last. A bad image throws here.
  public func next() throws -> PixelBatch? { fatalError("stub") }
  /// Ends the threads. Safe to call twice; also done by deinit.
  public func cancel() { fatalError("stub") }
}
