import Radiographs

// G = places along an axis

/// Where the ROC curve and the curve of precision over sensitivity lie when other patients are drawn: pointwise intervals.
struct CurveBands: Sendable, Equatable {
  /// (G), 0...1: false-alarm rates and sensitivities that are looked at.
  static let grid = (0...50).map { Double($0) / 50 }

  /// (G), of the sensitivity at no more than that false-alarm rate.
  var sensitivity: [ClosedRange<Double>]
  /// (G), of the precision at that sensitivity at least.
  var precision: [ClosedRange<Double>]

  /// - Throws: `SaladError` 65 when a class is missing.
  init(_ tests: TestScores, bootstrap: Bootstrap, workers: Int) throws {
    let curve = try OperatingCurve(scores: tests.scores, anomalous: tests.images.map(\.isAnomalous))
    let intervals = try bootstrap.intervals(
      of: curve, units: ResamplingUnits(patients: tests.images.map(\.facts.patient)), workers: workers
    ) { $0.sensitivities(atFalseAlarmRates: Self.grid) + $0.precisions(atSensitivities: Self.grid) }
    let known = intervals.map { $0 ?? 0...1 }
    sensitivity = Array(known.prefix(Self.grid.count))
    precision = Array(known.suffix(Self.grid.count))
  }
}

extension OperatingCurve {
  /// The largest share of anomalous images flagged by a threshold that flags at most such a share of the normal ones.
  ///
  /// - Parameter rates: (G), ascending, in 0...1.
  func sensitivities(atFalseAlarmRates rates: [Double]) -> [Double] {
    var place = 0
    return rates.map { rate in
      while place + 1 < flaggedNormal.count, Double(flaggedNormal[place + 1]) <= rate * Double(countNormal) {
        place += 1
      }
      return Double(flaggedAnomalous[place]) / Double(countAnomalous)
    }
  }

  /// The share of anomalous among flagged images at the highest threshold that flags at least such a share of the anomalous
  /// ones, and one of them at all.
  ///
  /// - Parameter shares: (G), ascending, in 0...1.
  func precisions(atSensitivities shares: [Double]) -> [Double] {
    var place = 0
    return shares.map { share in
      let wanted = max(1, share * Double(countAnomalous))
      while Double(flaggedAnomalous[place]) < wanted { place += 1 }
      return Double(flaggedAnomalous[place]) / Double(flaggedAnomalous[place] + flaggedNormal[place])
    }
  }
}
