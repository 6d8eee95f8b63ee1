import CSumKernels

/// A scale of fixed-point numbers in `Int64`, whose sums do not depend on the order of their terms.
///
/// A floating-point sum rounds at each addition, so its bits depend on who adds what first. Integers do not round, so
/// any number of ranks, threads and all-reduce algorithms gives the same sum. Each term is rounded once, to a multiple of
/// 2^-fractionBits, before it is added.
///
///     let scale = FixedPoint.probability
///     let sum = scale.encode(0.25, terms: 2)! + scale.encode(0.5, terms: 2)!
///     scale.decode(sum)   // 0.75
///
/// An integer sum that overflows wraps and nobody can tell afterwards. So each term is checked against the room that
/// its number of terms leaves: ``limit(terms:)``.
public struct FixedPoint: Sendable, Equatable {
  /// Bits behind the binary point, in 0 ... 62.
  public let fractionBits: Int

  /// - Parameter fractionBits: in 0 ... 62.
  public init(fractionBits: Int) {
    precondition((0...62).contains(fractionBits), "fractionBits is \(fractionBits), expected 0 ... 62")
    self.fractionBits = fractionBits
  }

  /// Gradients, and sums of prototypes weighted by probability: 2^43. Terms up to 2^19, to 1.1e-13.
  public static let gradient = FixedPoint(fractionBits: 43)
  /// Softmax denominators and entropy terms: 2^40. Up to 2^22 terms in 0...1, to 9.1e-13.
  public static let probability = FixedPoint(fractionBits: 40)
  /// Batch-norm statistics: 2^32. Terms up to 2^30, to 2.3e-10.
  public static let statistic = FixedPoint(fractionBits: 32)
  /// Logged losses: 2^43.
  public static let loss = FixedPoint(fractionBits: 43)

  /// The largest magnitude that each of `terms` terms may have: 2^62 / 2^fractionBits / terms.
  ///
  /// Their sum then stays below 2^63, with room for rounding.
  public func limit(terms: Int) -> Double {
    precondition(terms > 0, "terms is \(terms), expected 1 or more")
    return Double(sign: .plus, exponent: 62 - fractionBits, significand: 1) / Double(terms)
  }

  /// The nearest fixed-point number, ties to even, or nil when `value` is not finite or beyond `limit(terms:)`.
  public func encode(_ value: Double, terms: Int) -> Int64? {
    guard abs(value) <= limit(terms: terms) else { return nil }
    return Int64((value * scale).rounded(.toNearestOrEven))
  }

  /// `value` / 2^fractionBits, rounded once.
  public func decode(_ value: Int64) -> Double {
    Double(value) / scale
  }

  /// Adds `encode(values[i])` to `sum[i]`, for each i.
  ///
  /// - Parameters:
  ///   - values: as many as `sum` has.
  ///   - terms: how many terms each element of the whole sum gets at most, over all ranks and calls.
  /// - Returns: how many values were not finite or beyond `limit(terms:)`. Those add nothing.
  public func accumulate(
    _ values: UnsafeBufferPointer<Float>, into sum: UnsafeMutableBufferPointer<Int64>, terms: Int
  ) -> Int {
    precondition(values.count == sum.count, "\(values.count) values for \(sum.count) sums")
    guard let source = values.baseAddress, let target = sum.baseAddress else { return 0 }
    return Int(ck_exact_accumulate_float(source, target, values.count, scale, limit(terms: terms)))
  }

  /// Adds `encode(values[i])` to `sum[i]`, for each i.
  ///
  /// - Parameters:
  ///   - values: as many as `sum` has.
  ///   - terms: how many terms each element of the whole sum gets at most, over all ranks and calls.
  /// - Returns: how many values were not finite or beyond `limit(terms:)`. Those add nothing.
  public func accumulate(
    _ values: UnsafeBufferPointer<Double>, into sum: UnsafeMutableBufferPointer<Int64>, terms: Int
  ) -> Int {
    precondition(values.count == sum.count, "\(values.count) values for \(sum.count) sums")
    guard let source = values.baseAddress, let target = sum.baseAddress else { return 0 }
    return Int(ck_exact_accumulate_double(source, target, values.count, scale, limit(terms: terms)))
  }

  /// Sets `values[i]` to `sum[i]` / 2^fractionBits, rounded once to the nearest `Float`.
  ///
  /// - Parameter values: as many as `sum` has.
  public func decode(_ sum: UnsafeBufferPointer<Int64>, into values: UnsafeMutableBufferPointer<Float>) {
    precondition(values.count == sum.count, "\(sum.count) sums for \(values.count) values")
    guard let source = sum.baseAddress, let target = values.baseAddress else { return }
    ck_exact_decode_float(source, target, sum.count, Float(1 / scale))
  }

  /// 2^fractionBits.
  private var scale: Double { Double(sign: .plus, exponent: fractionBits, significand: 1) }
}
