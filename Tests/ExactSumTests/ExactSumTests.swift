import Testing

@testable import ExactSum

@Suite("Exact sums")
struct ExactSumTests {
  @Test("Each value goes into its own sum")
  func add() {
    var sum = ExactSum(count: 4, scale: .loss)
    for _ in 0..<2 { [0.5, -1.25, 3].withUnsafeBufferPointer { sum.add($0, at: 1, terms: 2) } }
    #expect(sum.values == [0, 1, -2.5, 6])
    #expect(sum[2] == -2.5 && sum.count == 4 && sum.faults == 0)
  }

  @Test("What cannot be added is counted, and adds nothing")
  func faults() {
    var sum = ExactSum(count: 3, scale: .gradient)
    [.nan, 65536.5].withUnsafeBufferPointer { sum.add($0, at: 0, terms: 8) }
    [1, -.infinity, 2].withUnsafeBufferPointer { sum.add($0, at: 0, terms: 8) }
    #expect(sum.faults == 3)
    #expect(sum.values == [1, 0, 2])
  }

  @Test("Sums and faults of others are taken as they are")
  func others() {
    var sum = ExactSum([3, -(1 << 42)], faults: 2, scale: .gradient)
    [0.25, 0.25].withUnsafeBufferPointer { sum.add($0, at: 0, terms: 1) }
    #expect(sum.values == [0.25 + 3 * 0x1p-43, -0.25] && sum.faults == 2)
  }

  @Test("No sums at all are fine")
  func empty() {
    var sum = ExactSum(count: 0, scale: .loss)
    sum.add(UnsafeBufferPointer(start: nil, count: 0), at: 0, terms: 1)
    #expect(sum.values.isEmpty && sum.faults == 0)
  }
}
