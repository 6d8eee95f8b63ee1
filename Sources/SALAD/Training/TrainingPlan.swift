import Autoencoder
import ExactSum
import Foundation
import MPI
import MemoryBank
import Platform
import Radiographs

// N = training images, B = images in a step, m = images in a micro-batch, S = image side, D = embedding dimension,
// F = features of an image, R = ranks

/// What a training will take, worked out before any of it is taken.
public struct TrainingPlan: Sendable {
  public typealias Item = MemoryItem

  /// What one collective carries in a step.
  public struct Traffic: Sendable, Encodable, Equatable {
    public let collective: String
    /// That every rank puts in, or gets.
    public let payload: Int
    /// That each rank sends, by an algorithm that sends as little as can be.
    public let sent: Int

    /// 2 (R - 1) / R of the payload: a reduction in pieces, then a gathering of them.
    static func allReduce(_ what: String, _ payload: Int, ranks: Int) -> Traffic {
      Traffic(collective: what, payload: payload, sent: 2 * payload * (ranks - 1) / ranks)
    }

    /// (R - 1) / R of the payload: each rank's part to all others, or to each other its part.
    static func gather(_ what: String, _ payload: Int, ranks: Int) -> Traffic {
      Traffic(collective: what, payload: payload, sent: payload * (ranks - 1) / ranks)
    }
  }

  public let configuration: Configuration
  public let images: Int
  public let ranks: Int
  /// Of each rank.
  public let workers: Int
  /// Of the rank that takes most, bytes resident at the most.
  public let memory: [Item]
  /// What this process had before the training.
  public let program: Int
  /// In one step, in its order.
  public let traffic: [Traffic]
  /// Of one checkpoint with both banks, bytes.
  public let checkpoint: Int
  /// Whole checkpoints at a time: those kept and the one being written.
  public let checkpoints: Int
  public let stepsPerEpoch: Int
  public let steps: Int
  /// Of all checkpoints at a time, bytes; as many as can be counted where they are more.
  public var disk: Int {
    let (bytes, overflow) = checkpoint.multipliedReportingOverflow(by: checkpoints)
    return overflow ? .max : bytes
  }
  /// Images that all the steps use.
  public let imagesInAll: Int

  /// Of one rank, in bytes.
  public var totalMemory: Int { memory.reduce(0) { $0 + $1.bytes } }
  /// Each rank sends in a step, in bytes.
  public var sentPerStep: Int { traffic.reduce(0) { $0 + $1.sent } }
  /// Workers over all ranks for which a step has no micro-batch.
  public var idleWorkers: Int { max(0, ranks * workers - configuration.batchSize / configuration.microBatch) }

  /// - Parameters:
  ///   - configuration: the settings.
  ///   - execution: what changes no bit of the result.
  ///   - images: N, of the training.
  ///   - samples: some of the images' paths, to see how large images are.
  ///   - ranks: how many there are.
  ///   - workers: threads of this rank.
  ///   - activationMemory: bytes that this rank's kept activations may take.
  public init(
    configuration: Configuration, execution: Execution, images: Int, samples: [String], ranks: Int, workers: Int,
    activationMemory: Int
  ) throws {
    self.configuration = configuration
    self.images = images
    self.ranks = ranks
    self.workers = workers
    // First of all: the libraries that the network's primitives need become resident with them.
    let network = try ReplicaMemory(
      configuration: configuration.network, precision: configuration.precision, microBatch: configuration.microBatch,
      threads: configuration.threads)
    program = Host.residentMemory

    let schedule = Schedule(configuration: configuration, imageCount: images)
    stepsPerEpoch = schedule.stepsPerEpoch
    steps = schedule.steps
    imagesInAll = schedule.images(before: schedule.steps)

    memory =
      [Item(name: "program and libraries", bytes: program)]
      + Self.memory(
        of: network, configuration: configuration, execution: execution, images: images,
        picture: Picture(samples), ranks: ranks, workers: workers, activationMemory: activationMemory)
    traffic = Self.traffic(of: network, configuration: configuration, images: images, ranks: ranks)
    let manifest = images * Self.manifestBytesPerImage
    checkpoint =
      (network.modelElements + 2 * network.trainedElements
        + images * (configuration.embeddingDimension + configuration.scoring.featureCount))
      * MemoryLayout<Float>.stride + manifest
    // There is at most one a step.
    checkpoints = min(execution.keep, steps) + 1
  }

  /// A path, 144 digits of what the image shows, and a distance by each of two rules, with JSON's signs.
  private static let manifestBytesPerImage = 250

  // MARK: Memory

  /// The largest of some images, as far as their headers tell.
  private struct Picture {
    /// Bytes of a decoded image with its file, and of one at S x S: 4 a pixel when it has 16 bits.
    var decoded = 0
    var bytesPerPixel = 1

    init(_ paths: [String]) {
      for path in paths {
        guard let file = try? ImageFile(path), let size = try? file.size() else { continue }
        bytesPerPixel = max(bytesPerPixel, size.bytesPerPixel)
        decoded = max(decoded, size.width * size.height * size.bytesPerPixel + file.bytes.count)
      }
    }
  }

  private static func memory(
    of network: ReplicaMemory, configuration: Configuration, execution: Execution, images: Int, picture: Picture,
    ranks: Int, workers: Int, activationMemory: Int
  ) -> [Item] {
    let float = MemoryLayout<Float>.stride
    let (m, dimension) = (configuration.microBatch, configuration.embeddingDimension)
    let microBatches = configuration.batchSize / m
    let mine = (microBatches + ranks - 1) / ranks
    let pixels = configuration.size * configuration.size
    // What a rank takes at most: the first owns the most granules.
    let rows = Sharding(rows: images, ranks: ranks).range(of: 0).count
    let shard = rows * dimension * float
    // Embeddings and similarities, in whole tiles of 32 and granules of 16.
    let similarities = (configuration.batchSize + 31) * (rows + 15 + dimension) * float
    // In the end the refreshed bank is made, of images that are embedded a block at a time; then all rows' neighbours.
    let features = rows * configuration.scoring.featureCount * float
    let refresh = features + workers * Embedder.microBatchesPerWorker * m * pixels * float
    let neighbours = features + images * (min(configuration.topK, images) + 3) * MemoryLayout<Neighbour>.stride
    let ahead = 2 * (microBatches / ranks + 1)

    var items = [
      Item(name: "parameters", bytes: network.parameters),
      Item(name: "gradient sums", bytes: network.sums),
      Item(name: "Adam's moments", bytes: network.moments),
      Item(name: "packed weights", bytes: network.packedWeights),
      Item(
        name: "activations",
        bytes: network.activations(microBatches: mine, workers: workers, limit: activationMemory)),
      Item(name: "workers' buffers", bytes: workers * network.worker),
      Item(name: "memory bank", bytes: shard + max(similarities, refresh, neighbours)),
      // Rank 0 copies what a thread then writes while training goes on.
      Item(
        name: "checkpoint being written", bytes: (network.modelElements + 2 * network.trainedElements) * float),
      Item(
        name: "image cache",
        bytes: min(execution.cacheMemory, images * (pixels * picture.bytesPerPixel + 64)) + workers * picture.decoded),
      Item(name: "images read ahead", bytes: ((ahead + mine) * m + workers) * pixels * float),
    ]
    if ranks > 1 {
      let received = GradientReduction.receivedBytes(
        configuration.reduction, largest: network.largestBucket, ranks: ranks)
      items.append(Item(name: "reduced gradients", bytes: network.gradientElements * float + received))
    }
    return items
  }

  // MARK: Traffic

  private static func traffic(
    of network: ReplicaMemory, configuration: Configuration, images: Int, ranks: Int
  ) -> [Traffic] {
    let (batch, dimension) = (configuration.batchSize, configuration.embeddingDimension)
    let (float, fixed) = (MemoryLayout<Float>.stride, MemoryLayout<Int64>.stride)
    // An anchor is assigned to itself and its neighbours; in the last rounds most images may be anchors.
    let targets = configuration.rounds > 0 ? 1 + min(configuration.neighbours, images - 1) : 1
    let wire = configuration.reduction.bytesOnTheWire
    return [
      .gather("embeddings", batch * dimension * float, ranks: ranks),
      .allReduce("similarities", batch * (1 + targets) * float, ranks: ranks),
      .allReduce("softmax sums", (batch + 1) * fixed, ranks: ranks),
      .allReduce("embedding gradients", (batch * dimension + 1) * fixed, ranks: ranks),
      .gather("gradients, terms", network.gradientElements * wire.to, ranks: ranks),
      .gather("gradients, sums", network.gradientElements * wire.from, ranks: ranks),
      .allReduce("statistics", (network.sumElements - network.gradientElements) * fixed, ranks: ranks),
    ]
  }
}

// MARK: - What fits

extension TrainingPlan {
  /// All ranks. Throws `SaladError` 64 on all of them where one rank's memory, as `host` has it, does not suffice.
  public func checkMemory(_ host: HostResources, communicator: Communicator) throws {
    let need = MemoryNeed(
      work: "this training", items: Array(memory.dropFirst()),
      cure: "a smaller --micro-batch, --cache-memory or --size")
    try agree(communicator) { try need.require(of: host) }  // all ranks
  }
}
