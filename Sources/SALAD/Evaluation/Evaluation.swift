import MPI
import MemoryBank
import Radiographs

/// How well a model tells a data set's anomalous test images from its normal ones.
public struct Evaluation: Sendable, Equatable {
  public var metrics: [Metric: Double]
  /// The score from which an image must be flagged to reach the best F1: known only with hindsight.
  public var bestF1Threshold: Double
  public var countNormal: Int
  public var countAnomalous: Int
  /// Each kind of anomaly against all normal images, in the order of their names' bytes.
  public var kinds: [KindOfAnomaly]
  /// Absent when nobody asked.
  public var confidence: Confidence?
  /// What the model's threshold does to these images; absent where it has none.
  public var calibrated: CalibratedRates?
  /// AUROC of the nearest training image in raw 32 x 32 pixels; absent when nobody asked.
  public var baselineAUROC: Double?
  /// Studies, views, ages and so on, as far as the data set tells them.
  public var subgroups: Subgroups
  /// Test images that could not be read, where that is no error: they do not count.
  public var skipped: [SkippedImage] = []

  public var rule: ScoreRule
  /// The bank that scored; nil where only the scores are known.
  public var bank: BankKind?
  /// K, prototypes looked up; nil where only the scores are known.
  public var topK: Int?

  public struct KindOfAnomaly: Encodable, Sendable, Equatable {
    /// The name of its folder.
    public var kind: String
    /// Images.
    public var count: Int
    public var auroc: Double
    public var averagePrecision: Double
    /// Over the resamples that hold the kind at all.
    public var aurocInterval: ClosedRange<Double>?

    enum CodingKeys: String, CodingKey {
      case kind, count, auroc
      case averagePrecision = "average_precision"
      case aurocInterval = "auroc_interval"
    }
  }

  /// Where the metrics lie, and how that was found.
  public struct Confidence: Encodable, Sendable, Equatable {
    public var level = Bootstrap.level
    public var method = "percentile bootstrap"
    public var resamples: Int
    public var seed: UInt64
    /// What was drawn: "patients" (and images of unknown patients), or "images" where no patient is known.
    public var units: String
    /// Units: known patients, and images of unknown ones.
    public var unitCount: Int
    /// Known patients.
    public var patients: Int
    public var intervals: [Metric: ClosedRange<Double>]

    enum CodingKeys: String, CodingKey {
      case level, method, resamples, seed, units, patients, intervals
      case unitCount = "unit_count"
    }
  }

  /// - Parameters:
  ///   - images: what was scored, in the order of the scores.
  ///   - scores: one an image.
  ///   - rule: how distances became scores.
  ///   - bank: which of the banks scored; nil: nobody knows.
  ///   - topK: K, prototypes looked up; nil: nobody knows.
  ///   - bootstrap: nil: no confidence intervals.
  ///   - workers: threads of the bootstrap.
  /// - Throws: `SaladError` 65 when all images are normal, or all anomalous.
  public init(
    images: [LabelledImage], scores: [Double], rule: ScoreRule, bank: BankKind?, topK: Int?, bootstrap: Bootstrap?,
    workers: Int
  ) throws {
    precondition(images.count == scores.count, "\(scores.count) scores of \(images.count) images")
    let curve = try OperatingCurve(scores: scores, anomalous: images.map(\.isAnomalous))
    metrics = Dictionary(uniqueKeysWithValues: Metric.allCases.map { ($0, $0.value(of: curve)) })
    bestF1Threshold = curve.bestF1.threshold
    countNormal = curve.countNormal
    countAnomalous = curve.countAnomalous
    // As bytes: Unicode calls names equal that are those of two folders.
    var imagesOfKind: [[UInt8]: [Int]] = [:]
    // An image with several findings counts in each.
    for (index, image) in images.enumerated() where image.isAnomalous {
      for kind in image.kinds { imagesOfKind[Array(kind.utf8), default: []].append(index) }
    }
    let names = imagesOfKind.keys.sorted { $0.lexicographicallyPrecedes($1) }
    kinds = names.compactMap { name -> KindOfAnomaly? in
      var weights = images.map { $0.isAnomalous ? 0 : 1 }
      for index in imagesOfKind[name]! { weights[index] = 1 }
      return curve.counting(weights).map {
        KindOfAnomaly(
          kind: String(decoding: name, as: UTF8.self), count: $0.countAnomalous, auroc: $0.areaUnderROC,
          averagePrecision: $0.averagePrecision)
      }
    }
    self.rule = rule
    self.bank = bank
    self.topK = topK
    subgroups = try Subgroups(images: images, scores: scores, bootstrap: bootstrap, workers: workers)

    guard let bootstrap else { return }
    let units = ResamplingUnits(patients: images.map(\.facts.patient))
    let groups = names.map { imagesOfKind[$0]! }
    let intervals = try bootstrap.intervals(of: curve, units: units, workers: workers) { resample in
      Metric.allCases.map { $0.value(of: resample) } + groups.map(resample.areaUnderROC(of:))
    }
    confidence = Confidence(
      resamples: bootstrap.resamples, seed: bootstrap.seed, units: units.patients > 0 ? "patients" : "images",
      unitCount: units.count, patients: units.patients,
      intervals: Dictionary(uniqueKeysWithValues: zip(Metric.allCases, intervals.compactMap { $0 })))
    for (index, interval) in intervals.dropFirst(Metric.allCases.count).enumerated() {
      kinds[index].aurocInterval = interval
    }
  }
}

extension Evaluation: Encodable {
  enum CodingKeys: String, CodingKey {
    case confidence, rule, bank, skipped
    case bestF1Threshold = "best_f1_threshold"
    case countNormal = "count_normal"
    case countAnomalous = "count_anomalous"
    case kinds = "by_kind"
    case baselineAUROC = "baseline_auroc"
    case topK = "top_k"
  }

  /// One object: metrics and rates under their names, beside all else.
  public func encode(to encoder: any Encoder) throws {
    try metrics.encode(to: encoder)
    try calibrated?.encode(to: encoder)
    try subgroups.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(bestF1Threshold, forKey: .bestF1Threshold)
    try container.encode(countNormal, forKey: .countNormal)
    try container.encode(countAnomalous, forKey: .countAnomalous)
    try container.encode(kinds, forKey: .kinds)
    try container.encodeIfPresent(confidence, forKey: .confidence)
    try container.encodeIfPresent(baselineAUROC, forKey: .baselineAUROC)
    try container.encode(rule, forKey: .rule)
    try container.encodeIfPresent(bank, forKey: .bank)
    try container.encodeIfPresent(topK, forKey: .topK)
    if !skipped.isEmpty { try container.encode(skipped, forKey: .skipped) }
  }
}
