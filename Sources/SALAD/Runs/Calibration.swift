import MemoryBank

/// What the finished model makes of the normal images kept back; a checkpoint's manifest and a deployment's carry it.
public struct Calibration: Codable, Sendable, Equatable {
  /// The bank, K and tau that the scores were made with: those of another setting are another scale.
  public var bank = BankKind.refreshed
  public var topK: Int
  public var temperature: Double
  /// alpha, unless a verb is told another.
  public var falseAlarmRate: Double
  /// Each rule's scores, ascending, by the rule's name: n of each.
  public var scores: [String: [Double]]

  enum CodingKeys: String, CodingKey {
    case bank, temperature, scores
    case topK = "top_k"
    case falseAlarmRate = "false_alarm_rate"
  }

  /// How scores under `rule` are judged; nil where the rule was not calibrated.
  ///
  /// - Parameter falseAlarmRate: nil: what the model remembers.
  public func threshold(rule: ScoreRule, falseAlarmRate: Double? = nil) -> ConformalThreshold? {
    scores[rule.rawValue].map {
      ConformalThreshold(scores: $0, falseAlarmRate: falseAlarmRate ?? self.falseAlarmRate)
    }
  }

  /// What is wrong with it where it comes from a file: the sentence without the path.
  func check() throws(Manifest.Fault) {
    guard falseAlarmRate > 0, falseAlarmRate < 1 else {
      throw Manifest.Fault(sentence: "expected a false-alarm rate above 0 and below 1, found \(falseAlarmRate)")
    }
    for (rule, scores) in scores {
      let isSound = !scores.isEmpty && scores.allSatisfy(\.isFinite) && zip(scores, scores.dropFirst()).allSatisfy(<=)
      guard isSound else { throw Manifest.Fault(sentence: "expected ascending calibration scores for \(rule)") }
    }
  }
}
