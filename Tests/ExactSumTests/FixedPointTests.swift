import CSumKernels
import Testing

@testable import ExactSum

@Suite("Fixed-point numbers")
struct FixedPointTests {
  static let scales: [FixedPoint] = [
    .gradient, .probability, .statistic, .loss, FixedPoint(fractionBits: 0), FixedPoint(fractionBits: 62),
  ]

  @Test("The limit leaves room for all terms", arguments: scales)
  func limit(scale: FixedPoint) throws {
    for terms in [1, 2, 3, 7, 1000, 1 << 22] {
      let largest = try #require(scale.encode(scale.limit(terms: terms), terms: terms))
      let (sum, overflow) = largest.multipliedReportingOverflow(by: Int64(terms))
      #expect(!overflow && sum > 0)
      #expect(scale.encode(scale.limit(terms: terms).nextUp, terms: terms) == nil)
      #expect(scale.encode(-scale.limit(terms: terms).nextUp, terms: terms) == nil)
    }
    #expect(FixedPoint.gradient.limit(terms: 4) == 131072)
  }

  @Test("Encoding rounds to nearest, ties to even; decoding gives it back")
  func encode() {
    let halves = FixedPoint(fractionBits: 1)
    #expect([0.25, 0.75, 1.25, -0.25, -0.75, 0.26, 3].map { halves.encode($0, terms: 1) } == [0, 2, 2, 0, -2, 1, 6])
    #expect(halves.decode(3) == 1.5)
    for value in [0, -0.0, 1, -1, 0.1, 1e-13, -77.25] {
      let encoded = FixedPoint.gradient.encode(value, terms: 1) ?? .max
      #expect(abs(FixedPoint.gradient.decode(encoded) - value) <= 0x1p-44)
    }
  }

  @Test("What is not finite is refused")
  func notFinite() {
    for value in [Double.nan, .infinity, -.infinity, .signalingNaN, 1e300] {
      #expect(FixedPoint.statistic.encode(value, terms: 1) == nil)
    }
  }

  @Test("The kernel for Float adds what encode says, and counts what it refuses", arguments: scales)
  func accumulateFloat(scale: FixedPoint) {
    // Odd lengths reach the ends of vector loops.
    for count in [0, 1, 7, 8, 9, 63, 1021] {
      let values = Self.samples(count: count, scale: scale, terms: 3).map(Float.init)
      let start = (0..<count).map { Int64($0) * 1_000_003 }
      var sum = start
      let faults = values.withUnsafeBufferPointer { values in
        sum.withUnsafeMutableBufferPointer { scale.accumulate(values, into: $0, terms: 3) }
      }
      let terms = values.map { scale.encode(Double($0), terms: 3) }
      #expect(sum == zip(start, terms).map { $0 &+ ($1 ?? 0) })
      #expect(faults == terms.count { $0 == nil })
    }
  }

  @Test("The kernel for Double adds what encode says, and counts what it refuses", arguments: scales)
  func accumulateDouble(scale: FixedPoint) {
    for count in [0, 1, 7, 8, 9, 63, 1021] {
      let values = Self.samples(count: count, scale: scale, terms: 3)
      let start = (0..<count).map { Int64($0) * 1_000_003 }
      var sum = start
      let faults = values.withUnsafeBufferPointer { values in
        sum.withUnsafeMutableBufferPointer { scale.accumulate(values, into: $0, terms: 3) }
      }
      let terms = values.map { scale.encode($0, terms: 3) }
      #expect(sum == zip(start, terms).map { $0 &+ ($1 ?? 0) })
      #expect(faults == terms.count { $0 == nil })
    }
  }

  @Test("The kernel decodes as one rounding does, where two would differ", arguments: scales)
  func decode(scale: FixedPoint) {
    var generator = SplitMix(state: 7)
    var sum = (0..<4099).map { _ in Int64(bitPattern: generator.next()) >> Int64(generator.next() % 64) }
    // Just above a tie of Float: by way of Double this would round down to even.
    sum += [0, 1, -1, .max, .min, (1 << 60) + (1 << 36) + 1, -(1 << 60) - (1 << 36) - 1, (1 << 24) + 1]
    var values = [Float](repeating: .nan, count: sum.count)
    sum.withUnsafeBufferPointer { sum in
      values.withUnsafeMutableBufferPointer { scale.decode(sum, into: $0) }
    }
    let exact = sum.map { Float($0) * Float(sign: .plus, exponent: -scale.fractionBits, significand: 1) }
    #expect(values == exact)
    #expect(Float((1 << 60) + (1 << 36) + 1) != Float(Double((1 << 60) + (1 << 36) + 1)))
  }

  @Test("A sum has the same bits in any order, where a floating-point sum does not")
  func order() throws {
    let values = Self.samples(count: 1000, scale: .gradient, terms: 1000).filter(\.isFinite).map { $0 / 4096 }
    let encoded = try values.map { try #require(FixedPoint.gradient.encode($0, terms: 1000)) }
    #expect(encoded.reduce(0, &+) == encoded.reversed().reduce(0, &+))
    #expect(values.reduce(0, +) != values.reversed().reduce(0, +))
  }

  /// Values over the whole range of a scale, with ties, faults and signed zeros among them.
  private static func samples(count: Int, scale: FixedPoint, terms: Int) -> [Double] {
    var generator = SplitMix(state: UInt64(count))
    let limit = scale.limit(terms: terms)
    let step = scale.decode(1)
    let special = [0, -0.0, .nan, .infinity, -.infinity, limit, -limit, limit * 1.001, step / 2, -step / 2, step * 1.5]
    return (0..<count).map { index in
      if index % 5 == 4 { return special[index / 5 % special.count] }
      let exponent = -Int(generator.next() % 70)
      let unit = Double(Int64(bitPattern: generator.next())) * 0x1p-63
      return unit * limit * Double(sign: .plus, exponent: exponent, significand: 1)
    }
  }
}

/// The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
