import Radiographs
import Testing

@testable import Autoencoder

@Suite(
  "Replica in bfloat16", .enabled(if: Precision.bfloat16.isSupported, "this CPU has no instructions for bfloat16"))
struct BFloat16ReplicaTests {
  /// Forward and backward of one micro-batch of 8: its embeddings, then the replica with its gradients.
  private func step(_ architecture: Architecture, _ precision: Precision) throws -> (rows: [Float], replica: Replica) {
    let replica = try smallReplica(architecture, size: 128, width: 24, precision: precision, microBatch: 8)
    let rows = try replica.forward(
      batches(smoothImages(8, side: 128), of: 8, side: 128), imagesInStep: 8, microBatchesInStep: 1,
      reconstructionLoss: .mse, reconstructionWeight: 1)
    try replica.backward(embeddingGradients: rows.indices.map { Float(CounterRandom(9).uniform(UInt64($0)) - 0.5) })
    #expect(replica.sums.faults == 0)
    return (rows, replica)
  }

  @Test("Gradients are those of float32 but for rounding", arguments: Architecture.allCases)
  func gradients(_ architecture: Architecture) throws {
    let (exact, rounded) = (try step(architecture, .float32), try step(architecture, .bfloat16))
    for name in exact.replica.parameterNames {
      let (a, b) = (exact.replica.gradient(name), rounded.replica.gradient(name))
      let size = a.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      print("GRAD", architecture, name, distance / size, size)
    }
    print("ROWS", zip(exact.rows, rounded.rows).map { abs($0 - $1) }.max()!)
  }

  @Test("Workers and kept activations change no bit", arguments: Architecture.allCases)
  func workers(_ architecture: Architecture) throws {
    func run(workers: Int, limit: Int) throws -> [[Int64]] {
      let replica = try smallReplica(architecture, precision: .bfloat16, workers: workers, activationLimit: limit)
      let all = batches(smoothImages(10, side: 64), of: 2, side: 64)
      var states: [[Int64]] = []
      for _ in 0..<2 {
        let rows = try replica.forward(
          all, imagesInStep: 10, microBatchesInStep: 5, reconstructionLoss: .l1, reconstructionWeight: 1)
        try replica.backward(embeddingGradients: rows.map { $0 * 0.1 })
        states.append(Array(replica.sums.fixed))
        replica.update(learningRate: 1e-3, weightDecay: 1e-6)
        states.append(replica.shared.parameters.elements.map { Int64($0.bitPattern) })
        states.append(replica.shared.running.elements.map { Int64($0.bitPattern) })
      }
      return states
    }
    let alone = try run(workers: 1, limit: 1 << 30)
    #expect(try run(workers: 3, limit: 1 << 30) == alone)
    #expect(try run(workers: 2, limit: 0) == alone)
  }

  @Test(
    "An embedding depends neither on the images beside it nor on its place, and is near that of float32",
    arguments: Architecture.allCases, [6, 40])
  func company(_ architecture: Architecture, width: Int) throws {
    func embed(_ images: [Float], _ precision: Precision) throws -> [Float] {
      let replica = try smallReplica(
        architecture, width: width, precision: precision, microBatch: 4, training: false)
      return try images.withUnsafeBufferPointer { try replica.embed($0, count: images.count / (64 * 64)) }
    }
    let images = smoothImages(7, side: 64)
    let plane = 64 * 64
    let together = try embed(images, .bfloat16)
    for image in 0..<7 {
      let alone = try embed(Array(images[image * plane..<(image + 1) * plane]), .bfloat16)
      #expect(alone == Array(together[image * 10..<(image + 1) * 10]))
    }
    let order = [5, 2, 6, 0, 3, 1]
    let shuffled = order.flatMap { images[$0 * plane..<($0 + 1) * plane] }
    #expect(try embed(shuffled, .bfloat16) == order.flatMap { together[$0 * 10..<($0 + 1) * 10] })
    print("EMB", architecture, width, zip(together, try embed(images, .float32)).map { abs($0 - $1) }.max()!)
  }
}
