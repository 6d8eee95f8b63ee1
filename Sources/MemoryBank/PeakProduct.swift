import COpenBLAS
import Platform

/// What this machine's matrix product can do at best: the yardstick of everything that computes.
public struct PeakProduct: Sendable {
  /// OpenBLAS's own name for itself and for the kernels it chose, such as `OpenBLAS 0.3.21 SkylakeX`.
  public let library: String

  private static let side = 1024

  /// Why there is no product to measure.
  public struct Missing: Error, CustomStringConvertible, Sendable {
    public let description: String
  }

  /// Loads OpenBLAS, which nothing else needs. On the main thread.
  public init() throws(Missing) {
    if let reason = blas_load() {
      let cure = MemoryLimit.ofThisProcess.map { "raise the limit of \($0.name), or " } ?? ""
      throw Missing(
        description: "OpenBLAS cannot be loaded: \(String(cString: reason)): \(cure)install libopenblas-dev")
    }
    let words = String(cString: blas_name()).split(separator: " ")
    library = words.prefix(2).joined(separator: " ") + " " + String(cString: blas_kernels())
  }

  /// Operations per second of `workers` threads that each multiply 1,024 x 1,024 matrices at the same time. Local.
  ///
  /// The best of a few rounds: what disturbs a measurement makes it slower, never faster.
  public func operationsPerSecond(workers: Int) -> Double {
    let rounds = 6
    let threads = Workers(count: workers)
    var best = 0.0
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      threads.run(items: workers) { _, _ in Self.multiply(times: 4) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      best = max(best, Double(workers * 4 * 2 * Self.side * Self.side * Self.side) / seconds)
    }
    return best
  }

  private static func multiply(times: Int) {
    let left = [Float](repeating: 0.5, count: side * side)
    let right = [Float](repeating: 0.25, count: side * side)
    var product = [Float](repeating: 0, count: side * side)
    for _ in 0..<times { blas_multiply(Int32(side), left, right, &product) }
  }
}
