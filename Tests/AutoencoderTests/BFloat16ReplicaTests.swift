import Platform
import Radiographs
import Testing

@testable import Autoencoder

@Suite(
  "Replica in bfloat16", .enabled(if: Precision.bfloat16.isSupported, "this CPU has no instructions for bfloat16"))
struct BFloat16ReplicaTests {
  /// Forward and backward of one micro-batch of 8: its embeddings, then the replica with its gradients.
  ///
  /// - Parameter noise: every pixel is changed by up to half of this part of itself.
  private func step(
    _ architecture: Architecture, _ precision: Precision, noise: Float = 0
  ) throws -> (rows: [Float], replica: Replica) {
    let replica = try smallReplica(architecture, size: 128, width: 24, precision: precision, microBatch: 8)
    let random = CounterRandom(7)
    let pixels = smoothImages(8, side: 128).enumerated().map {
      $1 * (1 + noise * Float(random.uniform(UInt64($0)) - 0.5))
    }
    let rows = try replica.encode(
      batches(pixels, of: 8, side: 128), imagesInStep: 8, microBatchesInStep: 1, reconstructionLoss: .mse,
      reconstructionWeight: 1)
    try replica.reconstructAndBackward(
      embeddingGradients: rows.indices.map { Float(CounterRandom(9).uniform(UInt64($0)) - 0.5) })
    #expect(replica.sums.faults == 0)
    return (rows, replica)
  }

  /// Each of some 32 layers rounds its weights, its convolution and its activation: by 2^-8 at most, about 2^-9 in the
  /// mean square, which makes sqrt(3 * 32) * 2^-9, 2 %, of a value by the end. Gradients see more of it: a value that is off
  /// by a part e of its deviation is on the other side of its ReLU's kink with a chance of about 0.8 e, and its gradient is
  /// then another one altogether. After L layers that is a relative sqrt(L * 0.8 * 0.02), most of the gradient for L = 32:
  /// no defect of bfloat16 but the condition of the gradient, for noise of 8 significant bits on the image alone does as
  /// much in float32. That is the measure here, times 3 for the roundings of every layer; layers that only see few others
  /// have their own roundings instead. `ConvolutionTests` and `BFloat16KernelTests` hold each pass to its definition.
  @Test("Gradients are off from float32's by no more than their condition explains", arguments: Architecture.allCases)
  func gradients(_ architecture: Architecture) throws {
    let exact = try step(architecture, .float32)
    let (rounded, noisy) = (try step(architecture, .bfloat16), try step(architecture, .float32, noise: 0x1p-7))
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    for name in exact.replica.parameterNames {
      let gradients = [exact, rounded, noisy].map { $0.replica.gradient(name) }
      let size = distance(gradients[0], gradients[0].map { _ in 0 })
      let found = distance(gradients[0], gradients[1])
      #expect(found < 3 * distance(gradients[0], gradients[2]) + 0.02 * size, "\(name)")
    }
    let loss = exact.replica.sums.reconstructionLoss
    #expect(abs(rounded.replica.sums.reconstructionLoss - loss) < 0.02 * loss)
  }

  @Test("Workers and kept activations change no bit", arguments: Architecture.allCases)
  func workers(_ architecture: Architecture) throws {
    func run(workers: Int, limit: Int) throws -> [[Int64]] {
      let replica = try smallReplica(architecture, precision: .bfloat16, workers: workers, activationLimit: limit)
      let all = batches(smoothImages(10, side: 64), of: 2, side: 64)
      return try (0..<2).flatMap { _ in try states(replica, afterStepOf: all, images: 10) }
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
    // Rows of 10 elements; some 40 roundings by up to 2^-9 add up to sqrt(40) * 2^-9 of one.
    let exact = try embed(images, .float32)
    #expect(zip(together, exact).map { abs($0 - $1) }.max()! < 0.012)
  }
}
