import Testing

@testable import Autoencoder

@Suite("Sums of a step")
struct StepSumsTests {
  static let sizes = [0, 1, 1 << 16, (1 << 16) + 1, 700_001]

  @Test("Buckets cover the gradients from their end, each in whole stretches", arguments: sizes, [1, 1 << 18, 1 << 20])
  func buckets(count: Int, size: Int) throws {
    let sums = try StepSums(parameterCount: count, tensors: [0..<count], statisticCount: 3, bucketSize: size)
    #expect(sums.buckets.reversed().flatMap { $0 } == Array(0..<count))
    #expect(sums.buckets.allSatisfy { !$0.isEmpty && $0.lowerBound % (1 << 16) == 0 })
  }

  @Test("A bucket is complete once each micro-batch has added all its tensors", .timeLimit(.minutes(10)))
  func completion() throws {
    let count = 300_000
    // Elements between the tensors get nothing.
    let tensors = [0..<100_000, 100_016..<250_001, 250_032..<300_000]
    let sums = try StepSums(parameterCount: count, tensors: tensors, statisticCount: 0, bucketSize: 1 << 16)
    for step in 1...2 {
      sums.begin(microBatchesInStep: 2, mine: 2)
      for microBatch in 1...2 {
        for tensor in tensors.reversed() {
          #expect(!sums.isComplete)
          let gradient = [Float](repeating: Float(step * microBatch), count: tensor.count)
          #expect(gradient.withUnsafeBufferPointer { sums.addGradient($0, at: tensor.lowerBound) })
          // What is left of the last tensor's buckets begins in the one before.
          if microBatch == 2 && tensor.lowerBound > 0 { sums.waitUntilComplete(bucket: 0) }
        }
      }
      #expect(sums.isComplete)
      for index in sums.buckets.indices { sums.waitUntilComplete(bucket: index) }
      let expected = (0..<count).map { index in
        tensors.contains { $0.contains(index) } ? Int64(3 * step) << 43 : 0
      }
      #expect(Array(sums.fixedGradients) == expected)
    }
    sums.begin(microBatchesInStep: 2, mine: 0)
    #expect(sums.isComplete && sums.fixed.allSatisfy { $0 == 0 })
  }
}
