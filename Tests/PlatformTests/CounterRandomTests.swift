import Testing

@testable import Platform

@Suite("Counter-based random numbers")
struct CounterRandomTests {
  // Random123's kat_vectors, "philox4x32 10": counter words 0...3, key words 0 and 1, answer words 0...3.
  @Test(
    "Philox4x32-10 gives its authors' known answers",
    arguments: [
      ([0, 0, 0, 0, 0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344, 0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt64], [UInt64])])
  func knownAnswers(question: [UInt64], answer: [UInt64]) {
    let block = CounterRandom.philox(
      counter: (low: question[1] << 32 | question[0], high: question[3] << 32 | question[2]),
      key: question[5] << 32 | question[4])
    #expect(block.low == answer[1] << 32 | answer[0])
    #expect(block.high == answer[3] << 32 | answer[2])
  }

  @Test("Equal words give equal streams, and order, number and names of words tell streams apart")
  func streams() {
    #expect(CounterRandom(1, 2).bits(3) == CounterRandom(1, 2).bits(3))
    #expect(
      CounterRandom(seed: 5, name: "feat.weight").bits(0) == CounterRandom(seed: 5, name: "feat.weight").bits(0))
    let streams = [
      CounterRandom(), CounterRandom(0), CounterRandom(0, 0), CounterRandom(1), CounterRandom(1, 0),
      CounterRandom(0, 1),
      CounterRandom(seed: 0, name: ""), CounterRandom(seed: 0, name: "a"), CounterRandom(seed: 0, name: "a\0"),
      CounterRandom(seed: 1, name: "a"), CounterRandom(seed: 0, name: "a", 0), CounterRandom(seed: 0, name: "a", 1),
      CounterRandom(seed: 0, name: "e1.conv.conv.0.weight"), CounterRandom(seed: 0, name: "e1.conv.conv.1.weight"),
    ]
    #expect(Set(streams.map { $0.bits(0) }).count == streams.count)
    #expect(Set((0..<10_000).map { streams[0].bits($0) }).count == 10_000)
  }

  @Test("Uniform draws lie in [0, 1), with the moments and evenness of a uniform distribution")
  func uniform() {
    let random = CounterRandom(seed: 1, name: "uniform")
    let count = 200_000
    var cells = [Int](repeating: 0, count: 100)
    var sum = 0.0
    for counter in 0..<count {
      let u = random.uniform(UInt64(counter))
      #expect(u >= 0 && u < 1)
      cells[Int(u * 100)] += 1
      sum += u
    }
    // The mean's standard deviation is 1 / sqrt(12 n) = 6.5e-4; 149 is chi-square's 99.9 % point for 99 degrees.
    #expect(abs(sum / Double(count) - 0.5) < 0.003)
    #expect(chiSquare(cells, expected: Double(count) / 100) < 149)
  }

  @Test("Draws from a range stay inside it, and an empty range gives its one value")
  func ranges() {
    let random = CounterRandom(3)
    for counter in 0..<10_000 as Range<UInt64> {
      #expect((-2.5...0.5).contains(random.uniform(counter, in: -2.5...0.5)))
      #expect(random.uniform(counter, in: 4...4) == 4)
    }
  }

  @Test("Indices fall evenly below any count", arguments: [1, 2, 7, 100])
  func indices(count: Int) {
    let random = CounterRandom(seed: 2, name: "index")
    var cells = [Int](repeating: 0, count: count)
    for counter in 0..<100_000 as Range<UInt64> { cells[random.index(counter, below: count)] += 1 }
    // Twice the degrees of freedom and 12 more lies beyond the 99.9 % point for each of these counts.
    #expect(chiSquare(cells, expected: 100_000 / Double(count)) < 2 * Double(count) + 12)
    #expect(random.index(0, below: .max) >= 0)
  }

  @Test("Normal draws have mean 0, deviation 1, normal tails, and uncorrelated pairs")
  func normal() {
    let random = CounterRandom(seed: 3, name: "normal")
    let count = 200_000
    var (sum, squares, product, beyondTwo) = (0.0, 0.0, 0.0, 0)
    for counter in 0..<UInt64(count) {
      let (x, y) = random.normalPair(counter)
      #expect(x == random.normal(counter) && x.isFinite && y.isFinite)
      sum += x + y
      squares += x * x + y * y
      product += x * y
      beyondTwo += (abs(x) > 2 ? 1 : 0) + (abs(y) > 2 ? 1 : 0)
    }
    let draws = Double(2 * count)
    #expect(abs(sum / draws) < 0.01)
    #expect(abs(squares / draws - 1) < 0.015)
    #expect(abs(product / Double(count)) < 0.015)
    #expect(abs(Double(beyondTwo) / draws - 0.0455) < 0.0025)
  }

  private func chiSquare(_ cells: [Int], expected: Double) -> Double {
    cells.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }
}
