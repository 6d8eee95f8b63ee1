import Testing

@testable import ExactSum

@Suite("Exact sums")
struct ExactSumTests {
  @Test("Terms given one by one, as floats and as doubles add up alike")
  func add() {
    let values: [Float] = [0.5, -1.25, 3, 1e-9]
    var one = ExactSum(count: 4, scale: .loss, terms: 2)
    var floats = one
    var doubles = one
    for _ in 0..<2 {
      for (index, value) in values.enumerated() { one.add(Double(value), at: index) }
      values.withUnsafeBufferPointer { floats.add($0) }
      values.map(Double.init).withUnsafeBufferPointer { doubles.add($0) }
    }
    #expect(one.values == floats.values && one.values == doubles.values)
    #expect(one[1] == -2.5 && one.count == 4 && one.faults == 0)
  }

  @Test("What cannot be added is counted, and adds nothing")
  func faults() {
    var sum = ExactSum(count: 3, scale: .gradient, terms: 8)
    sum.add(.nan, at: 0)
    sum.add(65536.5, at: 1)
    ([1, -.infinity, 2] as [Float]).withUnsafeBufferPointer { sum.add($0) }
    #expect(sum.faults == 3)
    #expect(sum.values == [1, 0, 2])
  }

  @Test("No sums at all are fine")
  func empty() {
    var sum = ExactSum(count: 0, scale: .loss, terms: 1)
    UnsafeBufferPointer<Float>(start: nil, count: 0).withMemoryRebound(to: Float.self) { sum.add($0) }
    #expect(sum.values.isEmpty && sum.faults == 0)
  }
}
