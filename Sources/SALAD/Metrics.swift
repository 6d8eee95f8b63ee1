/// How well scores separate anomalous images from normal ones.
public enum Metrics {
  /// Area under the receiver operating characteristic, in 0...1: the probability that an anomalous image scores
  /// higher than a normal one, ties counting half (Mann and Whitney). Counts are exact; O(n log n).
  ///
  /// - Throws: `SaladError` 65 when a class is missing, 70 when a score is not a number.
  public static func areaUnderROC(scores: [Double], anomalous: [Bool]) throws -> Double {
    let groups = try thresholds(scores, anomalous)
    let (anomalousCount, normalCount) = total(groups)
    // Twice the number of pairs won, so that a tie, half a win, is a whole number too.
    var wins = 0
    var normalBelow = normalCount
    for group in groups {
      normalBelow -= group.normal
      wins += group.anomalous * (2 * normalBelow + group.normal)
    }
    return Double(wins) / Double(2 * anomalousCount * normalCount)
  }

  /// Average precision, in 0...1: sum over thresholds of (recall gained) * precision, equal scores at one threshold,
  /// as scikit-learn's `average_precision_score` has it.
  ///
  /// - Throws: `SaladError` 65 when a class is missing, 70 when a score is not a number.
  public static func averagePrecision(scores: [Double], anomalous: [Bool]) throws -> Double {
    let groups = try thresholds(scores, anomalous)
    let (anomalousCount, _) = total(groups)
    var sum = 0.0
    var (hits, images) = (0, 0)
    for group in groups {
      hits += group.anomalous
      images += group.anomalous + group.normal
      sum += Double(group.anomalous) * Double(hits) / Double(images)
    }
    return sum / Double(anomalousCount)
  }

  /// Images of one score.
  private struct Threshold {
    var score: Double
    var anomalous = 0
    var normal = 0
  }

  /// By score, descending.
  private static func thresholds(_ scores: [Double], _ anomalous: [Bool]) throws -> [Threshold] {
    precondition(scores.count == anomalous.count, "\(scores.count) scores for \(anomalous.count) labels")
    if let index = scores.firstIndex(where: \.isNaN) {
      throw SaladError(.internalError, "score \(index + 1) of \(scores.count) is not a number")
    }
    var groups: [Threshold] = []
    for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
      if groups.last?.score != scores[index] { groups.append(Threshold(score: scores[index])) }
      if anomalous[index] {
        groups[groups.count - 1].anomalous += 1
      } else {
        groups[groups.count - 1].normal += 1
      }
    }
    let counts = total(groups)
    guard counts.anomalous > 0, counts.normal > 0 else {
      throw SaladError(
        .badData,
        "AUROC and average precision need normal and anomalous images, found \(counts.normal) normal and "
          + "\(counts.anomalous) anomalous")
    }
    return groups
  }

  private static func total(_ groups: [Threshold]) -> (anomalous: Int, normal: Int) {
    groups.reduce((0, 0)) { ($0.0 + $1.anomalous, $0.1 + $1.normal) }
  }
}
