import COpenBLAS
import Platform

/// What this machine's matrix product can do at best: the yardstick of everything that computes.
public enum PeakProduct {
  private static let side = 1024

  /// Operations per second of `workers` threads that each multiply 1,024 x 1,024 matrices at the same time. Local.
  ///
  /// The best of a few rounds: what disturbs a measurement makes it slower, never faster.
  public static func operationsPerSecond(workers: Int) -> Double {
    openblas_set_num_threads(1)
    let rounds = 6
    let threads = Workers(count: workers)
    var best = 0.0
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      threads.run(items: workers) { _, _ in multiply(times: 4) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      best = max(best, Double(workers * 4 * 2 * side * side * side) / seconds)
    }
    return best
  }

  /// OpenBLAS's own name for itself and for the kernels it chose, such as `OpenBLAS 0.3.21 SkylakeX`.
  public static var library: String {
    let words = String(cString: openblas_get_config()).split(separator: " ")
    return words.prefix(2).joined(separator: " ") + " " + String(cString: openblas_get_corename())
  }

  private static func multiply(times: Int) {
    let left = [Float](repeating: 0.5, count: side * side)
    let right = [Float](repeating: 0.25, count: side * side)
    var product = [Float](repeating: 0, count: side * side)
    let n = blasint(side)
    for _ in 0..<times {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, left, n, right, n, 0, &product, n)
    }
  }
}
