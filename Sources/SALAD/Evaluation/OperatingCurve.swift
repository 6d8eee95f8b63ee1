// n = images, T = distinct scores

/// How many anomalous and how many normal images each threshold flags: all that AUROC, average precision, F1,
/// sensitivity and specificity depend on.
///
/// An image is flagged when its score is at least the threshold, so images of equal score are flagged together. Counts
/// are whole numbers, and every operating point is one that some threshold reaches: nothing is interpolated.
public struct OperatingCurve: Sendable {
  /// (T), the distinct scores, descending.
  public let thresholds: [Double]
  /// (T + 1), anomalous images flagged by no threshold at all, by the first, the second ...
  public private(set) var flaggedAnomalous: [Int]
  /// (T + 1), normal images, likewise.
  public private(set) var flaggedNormal: [Int]

  /// (n), where each image's score is among `thresholds`.
  private let places: [Int]
  /// (n)
  private let anomalous: [Bool]
  /// (n), how often each image counts.
  private var multiplicities: [Int]

  /// O(n log n).
  ///
  /// - Throws: `SaladError` 65 when a class is missing, 70 when a score is not a number.
  public init(scores: [Double], anomalous: [Bool]) throws {
    precondition(scores.count == anomalous.count, "\(scores.count) scores for \(anomalous.count) labels")
    if let index = scores.firstIndex(where: \.isNaN) {
      throw SaladError(.internalError, "score \(index + 1) of \(scores.count) is not a number")
    }
    let countAnomalous = anomalous.count { $0 }
    guard 0 < countAnomalous, countAnomalous < anomalous.count else {
      throw SaladError(
        .badData,
        "AUROC and its like need normal and anomalous images, found \(anomalous.count - countAnomalous) normal and "
          + "\(countAnomalous) anomalous")
    }

    var thresholds: [Double] = []
    var places = [Int](repeating: 0, count: scores.count)
    for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
      if thresholds.last != scores[index] { thresholds.append(scores[index]) }
      places[index] = thresholds.count - 1
    }
    self.thresholds = thresholds
    self.places = places
    self.anomalous = anomalous
    multiplicities = [Int](repeating: 1, count: scores.count)
    flaggedAnomalous = []
    flaggedNormal = []
    count()
  }

  /// The curve of the same images, each counted so many times, 0 for not at all; O(n), for nothing is sorted again.
  ///
  /// - Parameter multiplicities: (n)
  /// - Returns: nil when they leave no normal or no anomalous image.
  func counting(_ multiplicities: [Int]) -> OperatingCurve? {
    precondition(multiplicities.count == places.count, "\(multiplicities.count) counts of \(places.count) images")
    var curve = self
    curve.multiplicities = multiplicities
    curve.count()
    return curve.countAnomalous > 0 && curve.countNormal > 0 ? curve : nil
  }

  private mutating func count() {
    flaggedAnomalous = [Int](repeating: 0, count: thresholds.count + 1)
    flaggedNormal = flaggedAnomalous
    for (index, place) in places.enumerated() {
      if anomalous[index] {
        flaggedAnomalous[place + 1] += multiplicities[index]
      } else {
        flaggedNormal[place + 1] += multiplicities[index]
      }
    }
    for place in thresholds.indices {
      flaggedAnomalous[place + 1] += flaggedAnomalous[place]
      flaggedNormal[place + 1] += flaggedNormal[place]
    }
  }
}

extension OperatingCurve {
  /// Images, repetitions counted.
  public var countAnomalous: Int { flaggedAnomalous[thresholds.count] }
  public var countNormal: Int { flaggedNormal[thresholds.count] }

  /// Area under the receiver operating characteristic, in 0...1: the probability that an anomalous image scores
  /// higher than a normal one, ties counting half (Mann and Whitney).
  public var areaUnderROC: Double {
    var wins = 0
    for place in thresholds.indices {
      wins += (flaggedAnomalous[place + 1] - flaggedAnomalous[place]) * winsTwice(place)
    }
    return Double(wins) / Double(2 * countAnomalous * countNormal)
  }

  /// The area for some of the anomalous images against all normal ones; nil when none of them counts.
  func areaUnderROC(of images: [Int]) -> Double? {
    var (wins, count) = (0, 0)
    for image in images {
      wins += multiplicities[image] * winsTwice(places[image])
      count += multiplicities[image]
    }
    return count > 0 ? Double(wins) / Double(2 * count * countNormal) : nil
  }

  /// Twice the number of normal images that an image of that score wins against, so that a tie, half a win, is a whole
  /// number too.
  private func winsTwice(_ place: Int) -> Int {
    (countNormal - flaggedNormal[place + 1]) + (countNormal - flaggedNormal[place])
  }

  /// Average precision, in 0...1: sum over thresholds of (recall gained) * precision, as scikit-learn's
  /// `average_precision_score` has it.
  public var averagePrecision: Double {
    var sum = 0.0
    for place in thresholds.indices {
      let (hits, gained) = (flaggedAnomalous[place + 1], flaggedAnomalous[place + 1] - flaggedAnomalous[place])
      // Where a resample has no image, there is no precision.
      if gained > 0 { sum += Double(gained) * Double(hits) / Double(hits + flaggedNormal[place + 1]) }
    }
    return sum / Double(countAnomalous)
  }

  /// The largest F1, in 0...1, and the threshold that reaches it: the highest of several.
  ///
  /// F1 is the harmonic mean of precision and sensitivity, 2 hits / (flagged + anomalous).
  public var bestF1: (value: Double, threshold: Double) {
    var best = (value: 0.0, threshold: thresholds[0])
    for place in thresholds.indices {
      let hits = flaggedAnomalous[place + 1]
      // Equal fractions are equal in floating point too: division rounds correctly.
      let value = Double(2 * hits) / Double(hits + flaggedNormal[place + 1] + countAnomalous)
      if value > best.value { best = (value, thresholds[place]) }
    }
    return best
  }

  /// The largest share of anomalous images flagged, in 0...1, by a threshold that spares at least `percent` of a hundred
  /// normal ones. (Flagging nothing always does.)
  public func sensitivity(atSpecificity percent: Int) -> Double {
    precondition((0...100).contains(percent), "a specificity of \(percent) %")
    let place = flaggedNormal.lastIndex { 100 * $0 <= (100 - percent) * countNormal }!
    return Double(flaggedAnomalous[place]) / Double(countAnomalous)
  }

  /// The largest share of normal images spared, in 0...1, by a threshold that flags at least `percent` of a hundred
  /// anomalous ones. (Flagging everything always does.)
  public func specificity(atSensitivity percent: Int) -> Double {
    precondition((0...100).contains(percent), "a sensitivity of \(percent) %")
    let place = flaggedAnomalous.firstIndex { 100 * $0 >= percent * countAnomalous }!
    return Double(countNormal - flaggedNormal[place]) / Double(countNormal)
  }
}
