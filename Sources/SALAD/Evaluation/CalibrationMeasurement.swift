import MemoryBank

extension Calibration {
  /// All ranks. The same, judging by normal images that training never saw: scored as `salad score` would, under every rule
  /// that it has.
  ///
  /// - Parameters:
  ///   - paths: of the images, at least 1, equal on all ranks.
  ///   - scorer: of the one model whose calibration this is.
  /// - Returns: nil on all ranks when a signal asked to stop.
  func judging(by paths: [String], scorer: Scorer) throws -> Calibration? {
    let rules = ScoreRule.allCases.filter { leftOut[$0.rawValue] != nil }
    let distances = try scorer.distances(of: paths, rules: rules, title: "calibrating")  // all ranks
    return distances.map { judging(by: $0[0].byName, origin: .keptBack) }
  }
}

extension [ScoreRule: [Double]] {
  /// As files have it.
  var byName: [String: [Double]] { Dictionary<String, [Double]>(uniqueKeysWithValues: map { ($0.rawValue, $1) }) }
}
