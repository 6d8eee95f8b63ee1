import Foundation

/// Random numbers as a function of a key and a counter, never of rank, thread or time.
///
///     let random = CounterRandom(seed: 7, name: "bank", UInt64(row))
///     let x = random.uniform(UInt64(column), in: -1...1)
///
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011): a value has
/// no state, any counter may be asked for at any time, and equal questions have equal answers. A draw costs about 20 ns.
public struct CounterRandom: Sendable {
  private let key: UInt64
  /// The upper half of Philox's 128-bit counter; the caller's counter is the lower half.
  private let stream: UInt64

  /// A stream for these words: equal words, equal stream. Words are mixed in order, and their number counts:
  /// `(1)`, `(1, 0)` and `(0, 1)` are three streams.
  public init(_ words: UInt64...) {
    self.init(mixing: words, named: false)
  }

  /// A stream for a name (a parameter or a purpose, say) under a seed, and for further words (an epoch, a row).
  ///
  /// Two purposes that share a seed need two names, or they draw the same numbers.
  public init(seed: UInt64, name: String, _ words: UInt64...) {
    let bytes = Array(name.utf8)
    var mixed = [seed, UInt64(bytes.count)]
    for start in stride(from: 0, to: bytes.count, by: 8) {
      // Little-endian, the last word padded with zeros: the count above tells "a" from "a\0".
      let chunk = bytes[start..<min(start + 8, bytes.count)]
      mixed.append(chunk.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
    self.init(mixing: mixed + words, named: true)
  }

  private init(mixing words: [UInt64], named: Bool) {
    // No name's words are a caller's words: the two kinds of stream start apart.
    var state = (low: UInt64(words.count), high: UInt64(named ? 1 : 0))
    for word in words {
      state = Self.philox(counter: (low: word, high: state.high), key: state.low)
    }
    (key, stream) = state
  }

  /// The counter's 64 random bits.
  public func bits(_ counter: UInt64) -> UInt64 {
    block(counter).low
  }

  /// Uniform in [0, 1), 53 bits.
  public func uniform(_ counter: UInt64) -> Double {
    Self.fraction(block(counter).low)
  }

  /// Uniform between the range's ends; the ends themselves only by rounding.
  public func uniform(_ counter: UInt64, in range: ClosedRange<Double>) -> Double {
    let value = range.lowerBound + (range.upperBound - range.lowerBound) * uniform(counter)
    return min(value, range.upperBound)
  }

  /// Uniform in 0 ..< count.
  ///
  /// The upper part of a 128-bit draw times `count`: no index is likelier than another by more than 2^-64.
  public func index(_ counter: UInt64, below count: Int) -> Int {
    precondition(count > 0, "an index below \(count) was asked for: count must be at least 1")
    let draw = block(counter)
    let upper = draw.high.multipliedFullWidth(by: UInt64(count))
    let lower = draw.low.multipliedFullWidth(by: UInt64(count))
    let carry = upper.low.addingReportingOverflow(lower.high).overflow
    return Int(upper.high + (carry ? 1 : 0))
  }

  /// Standard normal.
  public func normal(_ counter: UInt64) -> Double {
    normalPair(counter).0
  }

  /// Two independent standard normals, the first of them `normal(counter)`, for little more than the price of one.
  ///
  /// Box and Muller's transform of the counter's two uniforms.
  public func normalPair(_ counter: UInt64) -> (Double, Double) {
    let draw = block(counter)
    // 1 - u lies in (0, 1], so the logarithm is finite.
    let radius = (-2 * log(1 - Self.fraction(draw.low))).squareRoot()
    let angle = 2 * Double.pi * Self.fraction(draw.high)
    return (radius * cos(angle), radius * sin(angle))
  }

  /// The counter's 128 random bits.
  private func block(_ counter: UInt64) -> (low: UInt64, high: UInt64) {
    Self.philox(counter: (low: counter, high: stream), key: key)
  }

  /// The upper 53 bits as a fraction in [0, 1).
  private static func fraction(_ bits: UInt64) -> Double {
    Double(bits >> 11) * 0x1p-53
  }

  /// Philox4x32 with ten rounds; `low` holds the paper's words 0 and 1, `high` 2 and 3, lower word in the lower bits.
  static func philox(counter: (low: UInt64, high: UInt64), key: UInt64) -> (low: UInt64, high: UInt64) {
    var x0 = UInt32(truncatingIfNeeded: counter.low)
    var x1 = UInt32(truncatingIfNeeded: counter.low >> 32)
    var x2 = UInt32(truncatingIfNeeded: counter.high)
    var x3 = UInt32(truncatingIfNeeded: counter.high >> 32)
    var k0 = UInt32(truncatingIfNeeded: key)
    var k1 = UInt32(truncatingIfNeeded: key >> 32)
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) * UInt64(x0)
      let p2 = UInt64(0xCD9E_8D57) * UInt64(x2)
      x0 = UInt32(truncatingIfNeeded: p2 >> 32) ^ x1 ^ k0
      x1 = UInt32(truncatingIfNeeded: p2)
      x2 = UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1
      x3 = UInt32(truncatingIfNeeded: p0)
      // The Weyl sequence of the golden ratio and of the square root of 3.
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (low: UInt64(x1) << 32 | UInt64(x0), high: UInt64(x3) << 32 | UInt64(x2))
  }
}
