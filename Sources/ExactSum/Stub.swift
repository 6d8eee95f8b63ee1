// CONTRACT STUB: signatures are agreed, bodies are not.
import CKernels
import MPI

/// A scale of fixed-point int64 numbers, whose sums do not depend on order.
public struct FixedPoint: Sendable, Equatable {
  public let fractionBits: Int
  public init(fractionBits: Int) { self.fractionBits = fractionBits }
  /// Gradients and sums of p m: 2^43.
  public static let gradient = FixedPoint(fractionBits: 43)
  /// Softmax denominators and entropy terms: 2^40.
  public static let probability = FixedPoint(fractionBits: 40)
  /// Batch-norm statistics: 2^32.
  public static let statistic = FixedPoint(fractionBits: 32)
  /// Logged losses: 2^43.
  public static let loss = FixedPoint(fractionBits: 43)
  /// The largest magnitude that one of `terms` terms may have: 2^62 / 2^fractionBits / terms.
  public func limit(terms: Int) -> Double { fatalError("stub") }
  /// The nearest fixed-point number, or nil when `value` is not finite or beyond `limit(terms:)`.
  public func encode(_ value: Double, terms: Int) -> Int64? { fatalError("stub") }
  public func decode(_ value: Int64) -> Double { fatalError("stub") }
  /// sum[i] += encode(values[i]). Returns how many values were NaN, infinite or beyond the limit (those add nothing). C kernel.
  public func accumulate(_ values: UnsafeBufferPointer<Float>, into sum: UnsafeMutableBufferPointer<Int64>, terms: Int) -> Int { fatalError("stub") }
  public func accumulate(_ values: UnsafeBufferPointer<Double>, into sum: UnsafeMutableBufferPointer<Int64>, terms: Int) -> Int { fatalError("stub") }
  /// values[i] = Float(sum[i] / 2^fractionBits), rounded once. C kernel.
  public func decode(_ sum: UnsafeBufferPointer<Int64>, into values: UnsafeMutableBufferPointer<Float>) { fatalError("stub") }
}
