import MemoryBank

// N = bank rows, n = images that calibrate, D = the median of what the bank's rows score with themselves left out

/// What makes scores and p-values of a bank's distances; a checkpoint's manifest and a deployment's carry it.
///
/// Distances are kept, not scores: those of several models can be averaged, and those of another hospital's images replace
/// them (`salad calibrate`).
public struct Calibration: Codable, Sendable, Equatable {
  /// Whose distances p-values come from.
  public enum Origin: String, Codable, Sendable {
    /// The bank's own rows, each with itself and its patient left out.
    case leftOut = "left-out"
    /// Normal images that training never saw.
    case keptBack = "kept-back"
    /// Normal images of another place: `salad calibrate`.
    case local
  }

  /// The bank, K and tau_s that the distances were measured with: those of another setting are another scale.
  public var bank: BankKind
  public var topK: Int
  public var scoreTemperature: Double
  /// alpha, unless a verb is told another.
  public var falseAlarmRate: Double
  /// D0^2, for the weights: the bank's median squared distance of a row to its 10th nearest other.
  public var squaredScale: Double
  /// F numbers: the direction in which exposures move features, of which the bank's rows have lost a part
  /// (`ScoringConfiguration.exposureDamping`), as images to be scored must; nil where they have not.
  public var exposureAxis: [Double]?
  /// D by the rule's name: a distance of D scores 0.5.
  public var medians: [String: Double]
  /// The bank's rows', by the rule's name: N in row order.
  public var leftOut: [String: [Double]]
  /// What p-values come from where that is not `leftOut`, by the rule's name: n in the order of the images.
  public var reference: [String: [Double]]?
  public var origin: Origin

  enum CodingKeys: String, CodingKey {
    case bank, medians, reference, origin
    case topK = "top_k"
    case scoreTemperature = "score_temperature"
    case falseAlarmRate = "false_alarm_rate"
    case squaredScale = "squared_scale"
    case exposureAxis = "exposure_axis"
    case leftOut = "left_out"
  }

  /// What the bank says of itself.
  public init(_ leftOut: LeftOutDistances, bank: BankKind, topK: Int, scoreTemperature: Double, falseAlarmRate: Double)
  {
    self.bank = bank
    self.topK = topK
    self.scoreTemperature = scoreTemperature
    self.falseAlarmRate = falseAlarmRate
    squaredScale = leftOut.squaredScale
    self.leftOut = Dictionary(uniqueKeysWithValues: leftOut.distances.map { ($0.rawValue, $1) })
    medians = self.leftOut.mapValues(LeftOutDistances.median)
    origin = .leftOut
  }

  /// The same with p-values from other images.
  ///
  /// - Parameter distances: n by the rule's name.
  func judging(by distances: [String: [Double]], origin: Origin) -> Calibration {
    var calibration = self
    calibration.reference = distances
    calibration.origin = origin
    // Another place's images have a scale of their own; those kept back are of the bank's.
    if origin == .local { calibration.medians = distances.mapValues(LeftOutDistances.median) }
    return calibration
  }

  /// What distances p-values under `rule` come from; nil where the rule was not calibrated.
  func judges(_ rule: ScoreRule) -> [Double]? { (reference ?? leftOut)[rule.rawValue] }

  /// The rules that make sense of a bank's rows.
  static func rules(unitRows: Bool) -> [ScoreRule] { ScoreRule.allCases.filter { unitRows || !$0.isAngular } }

  /// What is wrong with it where it comes from a file: the sentence without the path.
  func check(rows: Int, scoring: ScoringConfiguration) throws(Manifest.Fault) {
    let features = bank == .refreshed && scoring.exposureDamping != nil ? scoring.featureCount : nil
    guard exposureAxis?.count == features, exposureAxis?.allSatisfy({ abs($0) <= 1 }) ?? true else {
      throw Manifest.Fault(
        sentence:
          "expected an axis of exposure of \(features ?? 0) numbers in -1...1, found \(exposureAxis?.count ?? 0)")
    }
    guard falseAlarmRate > 0, falseAlarmRate < 1 else {
      throw Manifest.Fault(sentence: "expected a false-alarm rate above 0 and below 1, found \(falseAlarmRate)")
    }
    guard topK > 0, scoreTemperature > 0, squaredScale.isFinite, squaredScale >= 0 else {
      throw Manifest.Fault(
        sentence: "expected a calibration of settings that can be, found K \(topK), tau_s \(scoreTemperature), D0^2 "
          + "\(squaredScale)")
    }
    for (rule, distances) in Array(leftOut) + Array(reference ?? [:]) {
      guard !distances.isEmpty, distances.allSatisfy({ $0.isFinite && $0 >= 0 }), let median = medians[rule],
        median.isFinite, median >= 0, leftOut[rule]?.count == rows
      else { throw Manifest.Fault(sentence: "expected distances and a median that calibrate \(rule), found others") }
    }
  }
}

/// Turns the distances of one model, or of several that score together, into scores and p-values.
///
/// A distance d is taken relative to its model's median D: u = d / D, averaged over the models, and the score is
/// u / (1 + u), which for one model is d / (d + D): 0.5 for a typical training image, towards 0 the nearer all its
/// prototypes are, towards 1 far away. Angles are scores already, and are averaged.
public struct ScoreScale: Sendable {
  public let rule: ScoreRule
  private let models: [Calibration]
  private let medians: [Double]

  /// nil where a model is not calibrated for the rule.
  public init?(_ models: [Calibration], rule: ScoreRule) {
    self.rule = rule
    self.models = models
    medians = models.compactMap { $0.medians[rule.rawValue] }
    if medians.count < models.count || models.isEmpty { return nil }
  }

  /// - Parameter distances: one of each model.
  func score(_ distances: [Double]) -> Double {
    if rule.isAngular { return distances.reduce(0, +) / Double(distances.count) }
    var sum = 0.0
    for (distance, median) in zip(distances, medians) {
      // Where all rows are equal, so that D is 0, only their copies are not far away.
      sum += distance == 0 ? 0 : distance / median
    }
    let relative = sum / Double(distances.count)
    return relative.isFinite ? relative / (1 + relative) : 1
  }

  /// Scores of images whose distances each model gives in the same order.
  public func scores(_ distances: [[Double]]) -> [Double] {
    distances[0].indices.map { image in score(distances.map { $0[image] }) }
  }

  /// N scores of the training images, each with itself left out.
  public var leftOut: [Double] { scores(models.map { $0.leftOut[rule.rawValue]! }) }

  public var origin: Calibration.Origin { models[0].origin }

  /// How scores are judged.
  ///
  /// - Parameters:
  ///   - falseAlarmRate: nil: what the model remembers.
  ///   - rows: the bank's rows, each left out, that judge: one site's; nil: whatever the model is calibrated by.
  public func threshold(falseAlarmRate: Double? = nil, judgedBy rows: Range<Int>? = nil) -> ConformalThreshold {
    let judges = rows.map { Array(leftOut[$0]) } ?? scores(models.map { $0.judges(rule)! })
    return ConformalThreshold(
      scores: judges.sorted(), falseAlarmRate: falseAlarmRate ?? models[0].falseAlarmRate,
      origin: rows == nil ? origin : .leftOut)
  }

  /// How far the images kept back score above (or, where it is negative, below) the training images left out, in standard
  /// deviations; nil where none were kept back.
  public var disagreement: Double? {
    guard origin == .keptBack else { return nil }
    return RankSum.deviation(of: scores(models.map { $0.judges(rule)! }), from: leftOut)
  }

  /// From so many standard deviations on, chance is no explanation: 3 happen once in 370 times.
  public static let surprising = 3.0

  /// A sentence for standard error where images kept back do not score as the training images left out do.
  public var warning: String? {
    guard let disagreement, abs(disagreement) > Self.surprising else { return nil }
    let (direction, cause) =
      disagreement > 0
      ? ("above", "single images are memorised") : ("below", "the training images are of more kinds than those")
    return "the images kept back score \(abs(disagreement).rounded(toPlaces: 1)) standard deviations \(direction) the "
      + "training images with themselves left out: \(cause), so p-values of the training images are not to be trusted; "
      + "those of the images kept back are used"
  }
}

/// The rank-sum test of two samples (Mann and Whitney, "On a Test of whether one of Two Random Variables is Stochastically
/// Larger than the Other", Annals of Mathematical Statistics 1947), ties counted half.
enum RankSum {
  /// How far U of `sample` lies above its mean under equal distributions, in its standard deviations (with the correction
  /// for ties); 0 where all values are equal.
  static func deviation(of sample: [Double], from other: [Double]) -> Double {
    let (m, n) = (Double(sample.count), Double(other.count))
    let all = (sample.map { ($0, true) } + other.map { ($0, false) }).sorted { $0.0 < $1.0 }
    var (rankSum, ties, start) = (0.0, 0.0, 0)
    while start < all.count {
      var end = start + 1
      while end < all.count, all[end].0 == all[start].0 { end += 1 }
      let size = Double(end - start)
      let rank = Double(start + end + 1) / 2
      rankSum += rank * Double(all[start..<end].count { $0.1 })
      ties += size * size * size - size
      start = end
    }
    let u = rankSum - m * (m + 1) / 2
    let total = m + n
    let variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    return variance > 0 ? (u - m * n / 2) / variance.squareRoot() : 0
  }
}
