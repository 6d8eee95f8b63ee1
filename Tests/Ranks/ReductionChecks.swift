import ExactSum
import MPI

/// Checks of gradients summed over the ranks.
enum ReductionChecks {
  static let all = [
    Check("reductions") { facts in
      // Fewer elements than ranks, and ends that fill no cache line.
      for count in [0, 1, 15, 16, 17, 100, 5000] {
        try exact(count, &facts)
        try float32(count, &facts)
        try bfloat16(count, &facts)
      }
    }
  ]

  /// Values of every size that a gradient may have, other ones on each rank.
  private static func value(_ index: Int, rank: Int) -> Float {
    Float(index % 7 - 3) * Float(sign: .plus, exponent: -(index % 30), significand: 1) / Float(rank + 3)
  }

  private static func fixed(_ count: Int, rank: Int) -> [Int64] {
    (0..<count).map { FixedPoint.gradient.encode(Double(value($0, rank: rank)), terms: 1000)! }
  }

  /// All ranks.
  private static func reduced(_ reduction: Reduction, _ count: Int, _ facts: Facts) throws -> [Float] {
    let reducing = GradientReduction(reduction, largest: max(count, 1), communicator: facts.world)
    var gradients = [Float](repeating: .nan, count: count)
    var phases = GradientReduction.Phases()
    let sums = fixed(count, rank: facts.rank)
    // Twice, since the second time finds the first one's leavings.
    for _ in 0..<2 {
      try sums.withUnsafeBufferPointer { sums in
        try gradients.withUnsafeMutableBufferPointer { try reducing.run(sums, into: $0, phases: &phases) }  // all ranks
      }
    }
    return gradients
  }

  private static func exact(_ count: Int, _ facts: inout Facts) throws {
    let parts = (0..<facts.size).map { fixed(count, rank: $0) }
    let expected = (0..<count).map { index in
      Float(parts.reduce(0) { $0 + $1[index] }) * 0x1p-43
    }
    facts.expect(try reduced(.exact, count, facts), equals: expected, "\(count) exact sums are those of integers")
  }

  private static func float32(_ count: Int, _ facts: inout Facts) throws {
    let parts = (0..<facts.size).map { fixed(count, rank: $0).map { Float($0) * 0x1p-43 } }
    let expected = (0..<count).map { index in parts.dropFirst().reduce(parts[0][index]) { $0 + $1[index] } }
    facts.expect(
      try reduced(.float32, count, facts), equals: expected,
      "\(count) sums of floats are added in the order of the ranks")
  }

  private static func bfloat16(_ count: Int, _ facts: inout Facts) throws {
    let isAlone = facts.size == 1
    let parts = (0..<facts.size).map { fixed(count, rank: $0).map { Float($0) * 0x1p-43 } }
    let expected = (0..<count).map { index in
      isAlone
        ? parts[0][index] : rounded(parts.dropFirst().reduce(rounded(parts[0][index])) { $0 + rounded($1[index]) })
    }
    facts.expect(
      try reduced(.bfloat16, count, facts), equals: expected,
      "\(count) terms and sums of bfloat16 are rounded once each")
  }

  /// The nearest of the two bfloat16 around a float, at a tie the even one.
  private static func rounded(_ value: Float) -> Float {
    let low = Float(bitPattern: value.bitPattern & 0xffff_0000)
    let high = Float(bitPattern: low.bitPattern + 0x1_0000)
    let (below, above) = (abs(value - low), abs(high - value))
    if below == above { return low.bitPattern >> 16 & 1 == 0 ? low : high }
    return below < above ? low : high
  }
}
