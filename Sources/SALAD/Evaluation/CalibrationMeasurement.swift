import MPI
import MemoryBank

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
