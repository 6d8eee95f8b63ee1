import Testing

@testable import Radiographs

@Suite("Data order")
struct DataOrderTests {
  @Test("An epoch is a permutation of all images", arguments: [0, 1, 2, 7, 1000])
  func permutation(count: Int) {
    let order = DataOrder(imageCount: count, batchSize: 8, microBatch: 4, seed: 3)
    #expect(order.epoch(5).sorted() == Array(0..<count))
  }

  @Test("Seed and epoch alone decide the order")
  func determinism() {
    let order = DataOrder(imageCount: 100, batchSize: 32, microBatch: 8, seed: 3)
    let otherBatches = DataOrder(imageCount: 100, batchSize: 4, microBatch: 2, seed: 3)
    let otherSeed = DataOrder(imageCount: 100, batchSize: 32, microBatch: 8, seed: 4)
    #expect(order.epoch(1) == order.epoch(1))
    #expect(order.epoch(1) == otherBatches.epoch(1))
    #expect(order.epoch(1) != order.epoch(2))
    #expect(order.epoch(1) != otherSeed.epoch(1))
    #expect(order.epoch(1) != Array(0..<100))
  }

  @Test("All orders of three images are equally likely")
  func evenness() {
    let order = DataOrder(imageCount: 3, batchSize: 1, microBatch: 1, seed: 9)
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<12_000 { counts[order.epoch(epoch), default: 0] += 1 }
    #expect(counts.count == 6)
    // 2000 expected, with a standard deviation of 41.
    #expect(counts.values.allSatisfy { abs($0 - 2000) < 200 })
  }

  @Test(
    "The steps of an epoch are its first floor(N / m) m images in whole micro-batches",
    arguments: [(21, 8, 4), (32, 32, 8), (33, 32, 8), (71, 32, 8), (40, 32, 8), (7, 8, 8), (8, 8, 1), (5, 2, 2)])
  func steps(count: Int, batch: Int, micro: Int) {
    let order = DataOrder(imageCount: count, batchSize: batch, microBatch: micro, seed: 1)
    let steps = (0..<order.stepsPerEpoch).map { order.step($0, epoch: 6) }
    let used = count / micro * micro
    #expect(steps.flatMap { $0.flatMap { $0 } } == Array(order.epoch(6).prefix(used)))
    #expect(steps.allSatisfy { $0.allSatisfy { $0.count == micro } })
    #expect(steps.dropLast().allSatisfy { $0.count == batch / micro })
    #expect(steps.allSatisfy { !$0.isEmpty })
    for (index, step) in steps.enumerated() {
      #expect(order.imageCount(ofStep: index) == step.count * micro)
      #expect(order.step(index, in: order.epoch(6)) == step)
    }
  }

  @Test("A short last batch has fewer micro-batches")
  func shortLastBatch() {
    let order = DataOrder(imageCount: 21, batchSize: 8, microBatch: 4, seed: 1)
    #expect(order.stepsPerEpoch == 3)
    #expect((0..<3).map { order.imageCount(ofStep: $0) } == [8, 8, 4])
    #expect(DataOrder(imageCount: 3, batchSize: 8, microBatch: 4, seed: 1).stepsPerEpoch == 0)
  }
}
