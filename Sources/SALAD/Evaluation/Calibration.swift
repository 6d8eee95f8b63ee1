import MPI
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

extension Calibration {
  /// All ranks. Scores the images kept back as `salad score` would, under every rule.
  ///
  /// - Parameters:
  ///   - paths: of the images, at least 1, equal on all ranks.
  ///   - scorer: with the refreshed bank.
  /// - Returns: nil on all ranks when a signal asked to stop.
  static func measure(
    _ paths: [String], scorer: Scorer, falseAlarmRate: Double, communicator: Communicator
  ) throws -> Calibration? {
    let rules = ScoreRule.allCases
    let progress = ProgressDisplay(
      "calibrating", unit: "images", total: paths.count, isShown: communicator.isRoot)
    var scores = rules.map { _ in [Double]() }
    for block in Share.blocks(of: paths.indices, size: try scorer.imagesPerBlock()) {  // all ranks
      let ofBlock = try scorer.scores(ofBlock: Array(paths[block]), rules: rules)  // all ranks
      for rule in rules.indices { scores[rule] += ofBlock[rule] }
      if try Signals.anyRankReceivedOne(communicator) { return nil }  // all ranks
      progress.show(block.upperBound)
    }
    return Calibration(
      topK: scorer.topK, temperature: scorer.temperature, falseAlarmRate: falseAlarmRate,
      scores: Dictionary(uniqueKeysWithValues: zip(rules.map(\.rawValue), scores.map { $0.sorted() })))
  }
}
