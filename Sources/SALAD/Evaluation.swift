import MPI
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
  /// AUROC of the nearest training image in raw 32 x 32 pixels; absent when nobody asked.
  public var baselineAUROC: Double?

  /// - Parameter scores: one an image.
  /// - Throws: `SaladError` 65 when all images are normal, or all anomalous.
  public init(images: [LabelledImage], scores: [Double], rule: ScoreRule) throws {
    precondition(images.count == scores.count, "\(scores.count) scores of \(images.count) images")
    let anomalous = images.map(\.isAnomalous)
    let curve = try OperatingCurve(scores: scores, anomalous: anomalous)
    auroc = curve.areaUnderROC
    averagePrecision = curve.averagePrecision
    countAnomalous = curve.countAnomalous
    countNormal = curve.countNormal
    self.rule = rule
  }

  enum CodingKeys: String, CodingKey {
    case auroc, rule
    case averagePrecision = "average_precision"
    case countNormal = "count_normal"
    case countAnomalous = "count_anomalous"
    case baselineAUROC = "baseline_auroc"
  }
}

extension Evaluation {
  /// All ranks. The test images of the data set at `root`, as rank 0 sees them.
  ///
  /// - Throws: `SaladError` 65 when there is no such folder or it has no test images.
  public static func testImages(of root: String, communicator: Communicator) throws -> [LabelledImage] {
    let images = try agree(communicator) {  // all ranks
      communicator.isRoot ? try ImageFolder(root: root).testImages() : []
    }
    // Three fields an image; a path holds no NUL, and the fields are never empty.
    let fields = images.flatMap { [$0.path, $0.kind, $0.isAnomalous ? "anomalous" : "normal"] }
    let received = try communicator.broadcast(paths: fields)  // all ranks
    return stride(from: 0, to: received.count, by: 3).map {
      LabelledImage(path: received[$0], kind: received[$0 + 1], isAnomalous: received[$0 + 2] == "anomalous")
    }
  }
}
