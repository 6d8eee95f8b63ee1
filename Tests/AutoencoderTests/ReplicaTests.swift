import Foundation
import Platform
import Radiographs
import Testing

@testable import Autoencoder

@Suite("Replica")
struct ReplicaTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var architecture = Architecture.unet
    var size = 64
    var channels = 1
    var width = 6
    var kind = ReconstructionLoss.l1
    var centre = Centre.none
    var microBatch = 2
    /// Of the images.
    var seed: UInt64 = 1
    var testDescription: String {
      "\(architecture.rawValue), S \(size), C \(channels), width \(width), \(kind.rawValue), centre \(centre.rawValue)"
    }
  }
  static let cases = [
    Case(), Case(channels: 3, kind: .mse), Case(width: 20), Case(size: 128, width: 3),
    // With the images of seeds 1 to 4 a ReLU of a small map is so near its kink that one or another algorithm of the
    // convolutions rounds it over.
    Case(architecture: .resnet18, width: 4, seed: 5), Case(architecture: .resnet18, channels: 3, width: 4, kind: .mse),
    Case(architecture: .resnet18, size: 128, width: 2), Case(architecture: .resnet18, width: 20),
    Case(centre: .batch, microBatch: 4), Case(architecture: .resnet18, width: 4, centre: .batch, microBatch: 4),
  ]

  @Test("Embeddings and reconstructions equal the definition's", arguments: cases)
  func forward(_ c: Case) throws {
    let replica = try smallReplica(
      c.architecture, size: c.size, channels: c.channels, width: c.width, centre: c.centre, microBatch: c.microBatch)
    let pixels = smoothImages(c.microBatch, side: c.size, seed: c.seed)
    let rows = try replica.encode(
      batches(pixels, of: c.microBatch, side: c.size), imagesInStep: c.microBatch, microBatchesInStep: 1,
      reconstructionLoss: c.kind,
      reconstructionWeight: 1)
    let reference = ReferenceNetwork(replica.configuration, copying: replica)
    let expected = reference.embeddings(pixels.map(Double.init))
    // Some twenty layers, each rounding sums of at most 9 * width terms of unit variance: 1e-5 is ten roundings a layer.
    #expect(zip(rows, expected).map { abs(Double($0) - $1) }.max()! < 1e-5)
    let output = reference.reconstructions(pixels.map(Double.init))
    let loss = reference.loss(pixels.map(Double.init), kind: c.kind, weight: 1, coefficients: expected.map { _ in 0 })
    #expect(output.count == c.channels * pixels.count)
    try replica.reconstructAndBackward(embeddingGradients: rows.map { _ in 0 })
    #expect(replica.sums.faults == 0)
    #expect(abs(replica.sums.reconstructionLoss - loss) < 1e-5)
  }

  @Test("Every gradient equals the finite difference of the whole loss in double", arguments: cases)
  func gradients(_ c: Case) throws {
    let replica = try smallReplica(
      c.architecture, size: c.size, channels: c.channels, width: c.width, centre: c.centre, microBatch: c.microBatch)
    let pixels = smoothImages(c.microBatch, side: c.size, seed: c.seed)
    let rows = try replica.encode(
      batches(pixels, of: c.microBatch, side: c.size), imagesInStep: c.microBatch, microBatchesInStep: 1,
      reconstructionLoss: c.kind,
      reconstructionWeight: 0.7)
    let coefficients = rows.indices.map { CounterRandom(9).uniform(UInt64($0)) - 0.5 }
    try replica.reconstructAndBackward(embeddingGradients: coefficients.map(Float.init))
    let reference = ReferenceNetwork(replica.configuration, copying: replica)
    let images = pixels.map(Double.init)
    // The definition's plain loops are slow where channels are many: every fifth tensor will do there.
    let names = replica.parameterNames.enumerated().filter { c.width < 16 || $0.offset % 5 == 0 }.map(\.element)
    for name in names {
      let gradient = replica.gradient(name)
      // Along a random direction of this tensor, of unit length.
      let random = CounterRandom(seed: 11, name: name)
      var direction = gradient.indices.map { random.uniform(UInt64($0)) - 0.5 }
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for index in direction.indices { direction[index] /= length }
      // Small, lest a maximum, a leaky ReLU or an absolute value turn within the step.
      let step = 1e-6
      func loss(_ distance: Double) -> Double {
        var moved = reference
        for index in direction.indices { moved.tensors[name]![index] += distance * direction[index] }
        return moved.loss(images, kind: c.kind, weight: 0.7, coefficients: coefficients)
      }
      let numeric = (loss(step) - loss(-step)) / (2 * step)
      let analytic = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
      let size = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // A ReLU that rounding pushes over its kink, one of a map of n elements, moves a gradient by about 1 / sqrt(n).
      #expect(abs(numeric - analytic) < 5e-3 * size + 3e-7, "\(name): \(analytic) against \(numeric), |g| \(size)")
    }
  }

  @Test(
    "Workers and kept activations change no bit", arguments: Architecture.allCases,
    [(1, 1 << 30), (2, 1 << 30), (3, 1 << 30), (1, 0), (2, 0)])
  func workers(_ architecture: Architecture, layout: (workers: Int, limit: Int)) throws {
    func run(workers: Int, limit: Int) throws -> [[Int64]] {
      let replica = try smallReplica(architecture, workers: workers, activationLimit: limit)
      let all = batches(smoothImages(10, side: 64), of: 2, side: 64)
      return try (0..<3).flatMap { step in
        try states(replica, afterStepOf: Array(all.prefix(5 - step)), images: 2 * (5 - step))
      }
    }
    #expect(try run(workers: layout.workers, limit: layout.limit) == run(workers: 1, limit: 1 << 30))
  }

  @Test("A sum over several replicas' micro-batches is one replica's sum over all", arguments: Architecture.allCases)
  func split(_ architecture: Architecture) throws {
    let all = batches(smoothImages(6, side: 64), of: 2, side: 64)
    func sums(_ part: ArraySlice<PixelBatch>) throws -> [Int64] {
      let replica = try smallReplica(architecture)
      let rows = try replica.encode(
        Array(part), imagesInStep: 6, microBatchesInStep: 3, reconstructionLoss: .mse, reconstructionWeight: 1)
      try replica.reconstructAndBackward(embeddingGradients: rows)
      return Array(replica.sums.fixed)
    }
    let whole = try sums(all[...])
    let parts = try zip(sums(all[..<1]), sums(all[1...])).map { $0 + $1 }
    #expect(whole == parts)
    #expect(try sums([]).allSatisfy { $0 == 0 })
  }

  @Test(
    "An embedding depends neither on the images beside it nor on its place", arguments: Architecture.allCases, [6, 40])
  func company(_ architecture: Architecture, width: Int) throws {
    let replica = try smallReplica(architecture, width: width, microBatch: 4, training: false)
    let images = smoothImages(7, side: 64)
    let plane = 64 * 64
    let together = try images.withUnsafeBufferPointer { try replica.embed($0, count: 7) }
    for image in 0..<7 {
      let alone = try images[image * plane..<(image + 1) * plane].withUnsafeBufferPointer {
        try replica.embed($0, count: 1)
      }
      #expect(alone == Array(together[image * 10..<(image + 1) * 10]))
    }
    let order = [5, 2, 6, 0, 3, 1]
    let shuffled = order.flatMap { images[$0 * plane..<($0 + 1) * plane] }
    let rows = try shuffled.withUnsafeBufferPointer { try replica.embed($0, count: order.count) }
    #expect(rows == order.flatMap { together[$0 * 10..<($0 + 1) * 10] })
  }

  @Test(
    "A replica made for scoring embeds as one made for training does, and as the definition says",
    arguments: Architecture.allCases)
  func evaluation(_ architecture: Architecture) throws {
    let trained = try smallReplica(architecture, microBatch: 2)
    let scoring = try smallReplica(architecture, microBatch: 2, workers: 2, training: false)
    let images = smoothImages(5, side: 64)
    let rows = try images.withUnsafeBufferPointer { try trained.embed($0, count: 5) }
    #expect(try images.withUnsafeBufferPointer { try scoring.embed($0, count: 5) } == rows)
    var reference = ReferenceNetwork(trained.configuration, copying: trained)
    reference.evaluates = true
    let expected = reference.embeddings(images.map(Double.init))
    #expect(zip(rows, expected).map { abs(Double($0) - $1) }.max()! < 1e-5)
  }

  @Test("A centred network embeds by running statistics as the definition says", arguments: Architecture.allCases)
  func centredEvaluation(_ architecture: Architecture) throws {
    let replica = try smallReplica(architecture, centre: .batch)
    let images = smoothImages(3, side: 64)
    let rows = try images.withUnsafeBufferPointer { try replica.embed($0, count: 3) }
    var reference = ReferenceNetwork(replica.configuration, copying: replica)
    reference.evaluates = true
    let expected = reference.embeddings(images.map(Double.init))
    #expect(zip(rows, expected).map { abs(Double($0) - $1) }.max()! < 1e-5)
  }

  @Test(
    "Features are the means over positions of the levels' maps, whoever is beside an image",
    arguments: [
      (Architecture.unet, "e3,e4,e5", 64), (.unet, "e1,e6", 64), (.unet, "e6", 128), (.unet, "e2,e5", 128),
      (.resnet18, "layer2,layer3,layer4", 64), (.resnet18, "layer1", 64),
    ], [6, 20])
  func features(_ c: (architecture: Architecture, levels: String, size: Int), width: Int) throws {
    let levels = Levels(c.levels)
    let replica = try smallReplica(c.architecture, size: c.size, width: width, microBatch: 4, training: false)
    let images = smoothImages(5, side: c.size)
    let count = replica.configuration.featureCount(levels)
    #expect(count == levels.names.reduce(0) { sum, name in sum + min(width, c.architecture == .unet ? 1024 : 64) })
    let rows = try images.withUnsafeBufferPointer { try replica.embed($0, count: 5, levels: levels) }
    var reference = ReferenceNetwork(replica.configuration, copying: replica)
    reference.evaluates = true
    let expected = reference.features(images.map(Double.init), levels: levels.names)
    #expect(rows.count == 5 * count && expected.count == rows.count)
    let size = expected.map { abs($0) }.max()!
    #expect(zip(rows, expected).map { abs(Double($0) - $1) }.max()! < 1e-5 * max(size, 1))
    let plane = c.size * c.size
    let alone = try images[4 * plane..<5 * plane].withUnsafeBufferPointer {
      try replica.embed($0, count: 1, levels: levels)
    }
    #expect(alone == Array(rows[4 * count..<5 * count]))
  }

  @Test("Levels are stages of the network, in its order and each once")
  func levels() {
    for text in ["z", "e1", "e3,e4,e5", "e1,e2,e3,e4,e5,e6"] { #expect(Architecture.unet.has(Levels(text))) }
    for text in ["", "e0", "e7", "e4,e3", "e3,e3", "z,e3", "e3,", "layer1", "E3"] {
      #expect(!Architecture.unet.has(Levels(text)), "\(text)")
    }
    for architecture in Architecture.allCases { #expect(architecture.has(architecture.defaultLevels)) }
  }

  @Test("Running statistics move by the mean over the step's micro-batches")
  func statistics() throws {
    let replica = try smallReplica()
    let before = Array(replica.shared.running.elements)
    let all = batches(smoothImages(4, side: 64), of: 2, side: 64)
    func step(_ part: [PixelBatch]) throws -> [Double] {
      let rows = try replica.encode(
        part, imagesInStep: 4, microBatchesInStep: part.count, reconstructionLoss: .l1, reconstructionWeight: 1)
      try replica.reconstructAndBackward(embeddingGradients: rows)
      return (0..<replica.layout.statisticCount).map { replica.sums.statistic($0) }
    }
    let (first, second, both) = (try step([all[0]]), try step([all[1]]), try step(all))
    for index in both.indices { #expect(abs(both[index] - (first[index] + second[index]) / 2) < 1e-9) }
    replica.update(gradients: nil, learningRate: 0, weightDecay: 0)
    for index in both.indices {
      #expect(replica.shared.running.pointer[index] == Float(0.9 * Double(before[index]) + 0.1 * both[index]))
    }
  }

  @Test("Not-a-number in one micro-batch is counted once and adds nothing that could be taken for a gradient")
  func faults() throws {
    let replica = try smallReplica()
    var pixels = smoothImages(4, side: 64)
    pixels[7] = .nan
    let rows = try replica.encode(
      batches(pixels, of: 2, side: 64), imagesInStep: 4, microBatchesInStep: 2, reconstructionLoss: .l1,
      reconstructionWeight: 1)
    try replica.reconstructAndBackward(embeddingGradients: rows.map { $0.isFinite ? $0 : 0 })
    #expect(replica.sums.faults == 1)
  }
}
