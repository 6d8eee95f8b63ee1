/// What is measured of scores, each number in 0...1, higher is better. Raw values are the names in JSON.
public enum Metric: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case auroc
  case averagePrecision = "average_precision"
  case bestF1 = "best_f1"
  case sensitivityAt90Specificity = "sensitivity_at_90_specificity"
  case sensitivityAt95Specificity = "sensitivity_at_95_specificity"
  case specificityAt90Sensitivity = "specificity_at_90_sensitivity"
  case specificityAt95Sensitivity = "specificity_at_95_sensitivity"

  public func value(of curve: OperatingCurve) -> Double {
    switch self {
    case .auroc: curve.areaUnderROC
    case .averagePrecision: curve.averagePrecision
    case .bestF1: curve.bestF1.value
    case .sensitivityAt90Specificity: curve.sensitivity(atSpecificity: 90)
    case .sensitivityAt95Specificity: curve.sensitivity(atSpecificity: 95)
    case .specificityAt90Sensitivity: curve.specificity(atSensitivity: 90)
    case .specificityAt95Sensitivity: curve.specificity(atSensitivity: 95)
    }
  }

  /// For people.
  public var title: String {
    switch self {
    case .auroc: "AUROC"
    case .averagePrecision: "average precision (AP)"
    case .bestF1: "best F1"
    case .sensitivityAt90Specificity: "sensitivity at 90 % specificity"
    case .sensitivityAt95Specificity: "sensitivity at 95 % specificity"
    case .specificityAt90Sensitivity: "specificity at 90 % sensitivity"
    case .specificityAt95Sensitivity: "specificity at 95 % sensitivity"
    }
  }
}
