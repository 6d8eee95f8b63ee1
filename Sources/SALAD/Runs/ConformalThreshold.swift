// n = images that calibrate, alpha = the wished false-alarm rate

/// Judges a score by the scores of n normal images that are as good as new: the training images, each with itself left out,
/// or images that training never saw.
///
/// The conformal p-value of a score s (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005; for
/// outliers Bates et al., "Testing for Outliers with Conformal p-values", Annals of Statistics 2023):
///
///     p(s) = (1 + #{calibrating scores >= s}) / (n + 1)
///
/// An image is flagged where p <= alpha. With k = floor(alpha * (n + 1)) that is the same as s > t, the k-th largest
/// calibrating score, ties included: at most k - 1 of them reach s exactly when the k-th largest does not. With k = 0 the
/// n images are too few for alpha, and nothing is ever flagged.
///
/// A new normal image that is drawn like those is flagged with a probability of at most alpha, on average over
/// the draws of both. For one calibration the rate that holds from then on varies: without ties it is distributed as
/// Beta(k, n + 1 - k), with mean k / (n + 1) and a deviation of about sqrt(alpha / n).
public struct ConformalThreshold: Sendable, Equatable {
  /// Ascending, n of them, at least 1.
  private let scores: [Double]
  /// alpha.
  public let falseAlarmRate: Double
  /// Where the n images are from.
  public let origin: Calibration.Origin
  /// t: scores above it are flagged; nil where none ever is.
  public let value: Double?

  /// alpha where nobody says otherwise.
  public static let defaultFalseAlarmRate = Configuration.defaultFalseAlarmRate

  /// - Parameters:
  ///   - scores: ascending, at least 1.
  ///   - falseAlarmRate: alpha, above 0 and below 1.
  ///   - origin: where the scores come from.
  public init(scores: [Double], falseAlarmRate: Double, origin: Calibration.Origin = .leftOut) {
    precondition(!scores.isEmpty, "a threshold of no scores")
    precondition(falseAlarmRate > 0 && falseAlarmRate < 1, "a false-alarm rate of \(falseAlarmRate)")
    self.scores = scores
    self.falseAlarmRate = falseAlarmRate
    self.origin = origin
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

  /// How far the rate that holds for one calibration is from alpha, one standard deviation: sqrt(alpha (1 - alpha) / n).
  public var deviation: Double { (falseAlarmRate * (1 - falseAlarmRate) / Double(count)).squareRoot() }

  /// For standard error: what is flagged, or that nothing is and what to do about it.
  public var sentence: String {
    let images =
      switch origin {
      case .leftOut: "\(count) training images, each left out"
      case .keptBack: "\(count) images kept back"
      case .local: "\(count) normal images of this place"
      }
    guard let value else {
      return "no image can be flagged at a false-alarm rate of \(falseAlarmRate) with \(images): raise "
        + "--false-alarm-rate to 1/\(count + 1) or more, or give more images"
    }
    return
      "calibrated on \(images): scores above \(value) are flagged, a false-alarm rate of \(falseAlarmRate) give or "
      + "take \(deviation.rounded(toPlaces: 3))"
  }

  /// - Throws: `SaladError` 64 unless it is a rate that can be wished for.
  public static func validate(falseAlarmRate: Double) throws {
    guard falseAlarmRate > 0, falseAlarmRate < 1 else {
      throw SaladError(.usage, "--false-alarm-rate is \(falseAlarmRate): give a number above 0 and below 1")
    }
  }
}
