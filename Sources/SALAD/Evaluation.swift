import MemoryBank
import Radiographs

/// How well a model tells a data set's anomalous test images from its normal ones.
public struct Evaluation: Encodable, Sendable, Equatable {
  /// Area under the receiver operating characteristic, in 0...1.
  public var auroc: Double
  /// In 0...1.
  public var averagePrecision: Double
  public var countNormal: Int
  public var countAnomalous: Int
  public var rule: ScoreRule

  /// - Parameter scores: one an image.
  /// - Throws: `SaladError` 65 when all images are normal, or all anomalous.
  public init(images: [LabelledImage], scores: [Double], rule: ScoreRule) throws {
    precondition(images.count == scores.count, "\(scores.count) scores of \(images.count) images")
    let anomalous = images.map(\.isAnomalous)
    auroc = try Metrics.areaUnderROC(scores: scores, anomalous: anomalous)
    averagePrecision = try Metrics.averagePrecision(scores: scores, anomalous: anomalous)
    countAnomalous = anomalous.count { $0 }
    countNormal = images.count - countAnomalous
    self.rule = rule
  }

  enum CodingKeys: String, CodingKey {
    case auroc, rule
    case averagePrecision = "average_precision"
    case countNormal = "count_normal"
    case countAnomalous = "count_anomalous"
  }
}
