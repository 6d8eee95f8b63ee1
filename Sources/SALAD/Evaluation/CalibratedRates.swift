import Radiographs

/// What a threshold does to a test split: the rates that it really has there.
public struct CalibratedRates: Encodable, Sendable, Equatable {
  /// alpha, the rate wished for; nil where only the flags are known.
  public var falseAlarmRate: Double?
  /// Scores above it are flagged; absent where none ever is.
  public var threshold: Double?
  /// n, the images kept back that it comes from; nil where only the flags are known.
  public var calibrationCount: Int?
  /// Fractions of the normal and of the anomalous test images that are flagged, in 0...1.
  public var flaggedNormalRate: Double
  public var flaggedAnomalousRate: Double

  /// - Parameters:
  ///   - images: of the test split.
  ///   - scores: one an image; both classes are there.
  ///   - threshold: what flags.
  public init(images: [LabelledImage], scores: [Double], threshold: ConformalThreshold) {
    self.init(images: images, flags: scores.map(threshold.flags))
    falseAlarmRate = threshold.falseAlarmRate
    self.threshold = threshold.value
    calibrationCount = threshold.count
  }

  /// - Parameters:
  ///   - images: of the test split.
  ///   - flags: one an image; both classes are there.
  public init(images: [LabelledImage], flags: [Bool]) {
    precondition(images.count == flags.count, "\(flags.count) flags of \(images.count) images")
    func rate(anomalous: Bool) -> Double {
      let flags = zip(images, flags).filter { $0.0.isAnomalous == anomalous }.map(\.1)
      return Double(flags.count { $0 }) / Double(flags.count)
    }
    flaggedNormalRate = rate(anomalous: false)
    flaggedAnomalousRate = rate(anomalous: true)
  }

  enum CodingKeys: String, CodingKey {
    case threshold
    case falseAlarmRate = "false_alarm_rate"
    case calibrationCount = "calibration_count"
    case flaggedNormalRate = "flagged_normal_rate"
    case flaggedAnomalousRate = "flagged_anomalous_rate"
  }
}
