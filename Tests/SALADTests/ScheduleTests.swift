import Testing

@testable import SALAD

@Suite("Schedule")
struct ScheduleTests {
  /// 21 images in micro-batches of 4, two a step: steps of 8, 8 and 4 images.
  private let schedule: Schedule = {
    var configuration = Configuration()
    configuration.batchSize = 8
    configuration.microBatch = 4
    configuration.rounds = 2
    configuration.epochsPerRound = 2
    return Schedule(configuration: configuration, imageCount: 21)
  }()

  @Test("Steps make epochs, epochs make rounds, and one round comes before the first with anchors")
  func counts() {
    #expect(schedule.stepsPerEpoch == 3)
    #expect(schedule.stepsPerRound == 6)
    #expect(schedule.steps == 18)
    #expect((0..<18).map(schedule.epoch(of:)) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5])
    #expect((0..<18).map(schedule.round(of:)) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
  }

  @Test("The images before a step are those of the steps before it")
  func images() {
    var order = StepOrder(schedule)
    var before = 0
    for step in 0..<schedule.steps {
      #expect(schedule.images(before: step) == before)
      before += order.microBatches(of: step).joined().count
    }
    #expect(schedule.images(before: schedule.steps) == before)
  }

  @Test("The ranks' requests together are the steps' micro-batches, in order", arguments: [1, 2, 3, 5])
  func requests(ranks: Int) {
    let firstStep = 4
    let requests = (0..<ranks).map { MicroBatchRequests(schedule, firstStep: firstStep, rank: $0, ranks: ranks) }
    var order = StepOrder(schedule)
    for step in firstStep..<schedule.steps {
      let expected = order.microBatches(of: step)
      var asked: [[Int]] = []
      for rank in 0..<ranks {
        for _ in Share.range(of: rank, ranks: ranks, count: expected.count) {
          let request = requests[rank].next()
          #expect(request?.epoch == schedule.epoch(of: step))
          asked.append(request?.imageIndices ?? [])
        }
      }
      #expect(asked == expected)
    }
    for request in requests { #expect(request.next() == nil) }
  }
}

@Suite("Share")
struct ShareTests {
  @Test("Shares are consecutive, cover everything and differ by at most one", arguments: 1...9, 0...20)
  func cover(ranks: Int, count: Int) {
    let shares = (0..<ranks).map { Share.range(of: $0, ranks: ranks, count: count) }
    #expect(shares.flatMap { Array($0) } == Array(0..<count))
    #expect(shares.map(\.count).max()! - shares.map(\.count).min()! <= 1)
  }

  @Test("Blocks cover a range in order")
  func blocks() {
    #expect(Share.blocks(of: 3..<10, size: 3) == [3..<6, 6..<9, 9..<10])
    #expect(Share.blocks(of: 3..<3, size: 3).isEmpty)
  }

  @Test("A learning rate that falls does so within each round, and more rounds change no earlier step")
  func learningRates() {
    var configuration = Configuration()
    configuration.batchSize = 8
    configuration.epochsPerRound = 5
    configuration.rounds = 1
    let constant = Schedule(configuration: configuration, imageCount: 16)
    #expect((0..<constant.steps).allSatisfy { constant.learningRate(of: $0) == 1e-4 })
    configuration.learningRateDecay = .linear
    let falling = Schedule(configuration: configuration, imageCount: 16)
    #expect(falling.stepsPerRound == 10)
    let expected: [Double] = (0..<20).map { step in
      let place = Double(step % 10)
      return 1e-4 * (1 - place / 10)
    }
    let found: [Double] = (0..<20).map { falling.learningRate(of: $0) }
    #expect(found == expected)
    configuration.rounds = 3
    let longer = Schedule(configuration: configuration, imageCount: 16)
    let again: [Double] = (0..<20).map { longer.learningRate(of: $0) }
    #expect(again == found)
  }
}
