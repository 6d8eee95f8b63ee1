/// How well scores separate anomalous images from normal ones.
public enum Metrics {
  /// Area under the receiver operating characteristic, in 0...1: the probability that an anomalous image scores
  /// higher than a normal one, ties counting half (Mann-Whitney). Counts are exact; O(n log n).
  ///
  /// - Throws: `SaladError` 65 when a class is missing, 70 when a score is not a number.
  public static func areaUnderROC(scores: [Double], anomalous: [Bool]) throws -> Double { fatalError("stub") }

  /// Average precision, in 0...1: sum over thresholds of (recall gained) * precision, equal scores at one threshold,
  /// as scikit-learn's `average_precision_score` has it.
  ///
  /// - Throws: `SaladError` 65 when a class is missing, 70 when a score is not a number.
  public static func averagePrecision(scores: [Double], anomalous: [Bool]) throws -> Double { fatalError("stub") }
}
