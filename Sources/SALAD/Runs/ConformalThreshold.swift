// n = images kept back, alpha = the wished false-alarm rate

/// Judges a score by the scores of n normal images that training never saw.
///
/// The conformal p-value of a score s (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005; for
/// outliers Bates et al., "Testing for Outliers with Conformal p-values", Annals of Statistics 2023):
///
///     p(s) = (1 + #{scores kept back >= s}) / (n + 1)
///
/// An image is flagged where p <= alpha. With k = floor(alpha * (n + 1)) that is the same as s > t, the k-th largest
/// score kept back, ties included: at most k - 1 of them reach s exactly when the k-th largest does not. With k = 0 the
/// n images are too few for alpha, and nothing is ever flagged.
///
/// A new normal image that is drawn like those kept back is flagged with a probability of at most alpha, on average over
/// the draws of both. For one calibration the rate that holds from then on varies: without ties it is distributed as
/// Beta(k, n + 1 - k), with mean k / (n + 1) and a deviation of about sqrt(alpha / n).
public struct ConformalThreshold: Sendable, Equatable {
  /// Ascending, n of them, at least 1.
  private let scores: [Double]
  /// alpha.
  public let falseAlarmRate: Double
  /// t: scores above it are flagged; nil where none ever is.
  public let value: Double?

  /// alpha where nobody says otherwise.
  public static let defaultFalseAlarmRate = 0.05

  /// - Parameters:
  ///   - scores: ascending, at least 1.
  ///   - falseAlarmRate: alpha, above 0 and below 1.
  public init(scores: [Double], falseAlarmRate: Double) {
    precondition(!scores.isEmpty, "a threshold of no scores")
    precondition(falseAlarmRate > 0 && falseAlarmRate < 1, "a false-alarm rate of \(falseAlarmRate)")
    self.scores = scores
    self.falseAlarmRate = falseAlarmRate
    // The largest k with k / (n + 1) <= alpha, divided as p is, so that rounding cannot tear the two apart.
    let places = Double(scores.count + 1)
    var k = min(scores.count, Int(falseAlarmRate * places) + 1)
    while k > 0, Double(k) / places > falseAlarmRate { k -= 1 }
    value = k > 0 ? scores[scores.count - k] : nil
  }

  /// n.
  public var count: Int { scores.count }

  /// p(s), in 1 / (n + 1) ... 1. O(log n).
  public func pValue(of score: Double) -> Double {
    var (low, high) = (0, scores.count)
    while low < high {
      let middle = (low + high) / 2
      if scores[middle] >= score { high = middle } else { low = middle + 1 }
    }
    return Double(1 + scores.count - low) / Double(scores.count + 1)
  }

  /// Whether p(s) <= alpha.
  public func flags(_ score: Double) -> Bool { pValue(of: score) <= falseAlarmRate }

  /// For standard error: what is flagged, or that nothing is and what to do about it.
  public var sentence: String {
    guard let value else {
      return "no image can be flagged at a false-alarm rate of \(falseAlarmRate) with \(count) images kept back: raise "
        + "--false-alarm-rate to 1/\(count + 1) or more, or train with a higher --validation-fraction"
    }
    return "calibrated on \(count) images kept back: scores above \(value) are flagged, a false-alarm rate of "
      + "\(falseAlarmRate)"
  }

  /// - Throws: `SaladError` 64 unless it is a rate that can be wished for.
  public static func validate(falseAlarmRate: Double) throws {
    guard falseAlarmRate > 0, falseAlarmRate < 1 else {
      throw SaladError(.usage, "--false-alarm-rate is \(falseAlarmRate): give a number above 0 and below 1")
    }
  }
}
