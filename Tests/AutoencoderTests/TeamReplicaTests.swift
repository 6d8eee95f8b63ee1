import Radiographs
import Testing

@testable import Autoencoder

/// Micro-batches computed by several threads each.
@Suite("Teams of threads")
struct TeamReplicaTests {
  /// Sums, parameters and running statistics after each of two steps.
  private func train(
    _ architecture: Architecture, _ precision: Precision, threads: Int, workers: Int = 1, limit: Int = 1 << 30
  ) throws -> [[Int64]] {
    // Maps of several blocks of channels, in one turn of Winograd's tiles and in several.
    let replica = try smallReplica(
      architecture, size: 128, width: 40, centre: .batch, precision: precision, microBatch: 3, workers: workers,
      threads: threads, activationLimit: limit)
    let all = batches(smoothImages(9, side: 128), of: 3, side: 128)
    return try (0..<2).flatMap { _ in try states(replica, afterStepOf: all, images: 9) }
  }

  private static var precisions: [Precision] { OneDNN.hasBFloat16 ? [.float32, .bfloat16] : [.float32] }

  @Test(
    "Teams of any size, any number of them and kept activations compute the same bits",
    arguments: Architecture.allCases,
    precisions)
  func sameBits(_ architecture: Architecture, precision: Precision) throws {
    let two = try train(architecture, precision, threads: 2)
    for (threads, workers, limit) in [(2, 2, 1 << 30), (3, 1, 0), (5, 3, 1 << 30)] {
      #expect(
        try train(architecture, precision, threads: threads, workers: workers, limit: limit) == two,
        "\(workers) x \(threads)")
    }
  }

  @Test("A team's gradients are one thread's but for rounding", arguments: Architecture.allCases)
  func nearOneThread(_ architecture: Architecture) throws {
    let (one, several) = (
      try train(architecture, .float32, threads: 1)[0], try train(architecture, .float32, threads: 2)[0]
    )
    let square = zip(one, several).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let size = one.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect((square / size).squareRoot() < 1e-4)
    #expect(one != several)
  }

  @Test(
    "An embedding has the same bits by one thread and by several", arguments: Architecture.allCases, precisions)
  func embeddings(_ architecture: Architecture, precision: Precision) throws {
    let images = smoothImages(7, side: 64)
    func embed(threads: Int, levels: Levels) throws -> [Float] {
      let replica = try smallReplica(
        architecture, width: 40, centre: .batch, precision: precision, microBatch: 3, workers: 2, threads: threads,
        training: false)
      return try images.withUnsafeBufferPointer { try replica.embed($0, count: 7, levels: levels) }
    }
    for levels in [Levels.bottleneck, architecture.defaultLevels] {
      let one = try embed(threads: 1, levels: levels)
      for threads in [2, 3, 8] { #expect(try embed(threads: threads, levels: levels) == one, "\(threads) \(levels)") }
    }
  }
}
