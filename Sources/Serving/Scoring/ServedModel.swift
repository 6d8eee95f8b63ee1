#if Server
  import MemoryBank
  import Radiographs
  import SALAD

  /// A deployment in memory, and what answers say of it.
  ///
  /// Unchecked: one thread loads it and hands it to the one that scores, which alone uses the scorer, and to the one that
  /// explains, which alone uses the explainer and its scorer.
  public struct ServedModel: @unchecked Sendable {
    let source: ModelSource
    let scorer: Scorer
    /// With a scorer of its own.
    let explainer: Explainer
    /// nil: scores are not judged.
    let threshold: ConformalThreshold?
    /// nil: the pictures of normal images are not at hand.
    let normal: NormalFiles?
    /// SHA-256 of what scores depend on.
    let identity: String

    /// - Parameters:
    ///   - source: a deployment.
    ///   - scorer: of it.
    ///   - explainer: with another scorer of it, and a communicator of its own.
    ///   - threshold: judges its scores; nil where they are not calibrated.
    ///   - normal: the pictures of its training images; nil: they are not at hand.
    /// - Throws: `SaladError` 64 where it is a run, whose files a training takes away.
    public init(
      _ source: ModelSource, _ scorer: Scorer, _ explainer: Explainer, _ threshold: ConformalThreshold?,
      _ normal: NormalFiles?
    ) throws {
      guard source.kind == .deployment else {
        throw SaladError(.usage, "\(source.path): expected a deployment to serve, found a run: merge it first")
      }
      (self.source, self.scorer, self.explainer) = (source, scorer, explainer)
      (self.threshold, self.normal) = (threshold, normal)
      identity = try source.identity()
    }

    /// What of the deployment may tell of persons, in words; nil: nothing.
    public var identifying: String? { source.identifying }

    var preparation: Preparation { scorer.preparation }

    /// How heat maps can be made, the best first.
    var methods: [HeatMethod] { explainer.local == nil ? [.occlusion] : [.local, .occlusion] }

    /// The method that was asked for, or the best that there is.
    func method(_ asked: HeatMethod?) -> HeatMethod { asked.flatMap { methods.contains($0) ? $0 : nil } ?? methods[0] }

    /// What `GET /v1/model` says.
    var description: ModelAnswer {
      let scoring = source.scoring
      return ModelAnswer(
        model: identity, rule: scorer.rule.rawValue, threshold: threshold?.value,
        falseAlarmRate: threshold?.falseAlarmRate, calibration: threshold.map(\.origin.rawValue),
        calibrationImages: threshold?.count, images: source.imageIDs.count, models: source.models.count,
        topK: scorer.topK, size: scoring.size, fit: scoring.fit.rawValue, architecture: scoring.architecture.rawValue,
        levels: "\(scoring.levels)", features: scoring.featureCount, precision: scorer.precision.rawValue,
        formats: ImageFile.names, saladVersion: saladVersion, heatMaps: methods.map(\.rawValue),
        showsNormalImages: normal != nil)
    }

    /// What an explained picture is answered with.
    func answer(_ explanation: Explanation) -> ScoredImage? {
      var image = answer(explanation.scored)
      guard let picture = explanation.image, let map = explanation.heatMap else { return nil }
      image?.heat = ScoredImage.Heat(image: picture, map: map)
      return image
    }

    /// What a looked-up picture is answered with.
    func answer(_ picture: ScoredPicture) -> ScoredImage? {
      guard let score = picture.score.score else { return nil }
      return ScoredImage(
        score: score, pValue: threshold?.pValue(of: score), flagged: threshold?.flags(score),
        rule: scorer.rule.rawValue,
        model: identity, nearest: picture.prototypes.flatMap { $0 }, models: source.models.count)
    }
  }

  /// A model, for programs.
  struct ModelAnswer: Codable, Sendable {
    /// Its hash.
    var model: String
    var rule: String
    var threshold: Double?
    var falseAlarmRate: Double?
    var calibration: String?
    var calibrationImages: Int?
    /// N.
    var images: Int
    var models: Int
    var topK: Int
    var size: Int
    var fit: String
    var architecture: String
    var levels: String
    var features: Int
    var precision: String
    var formats: String
    var saladVersion: String
    /// How `POST /v1/explain` can make heat maps, the default first.
    var heatMaps: [String]
    /// Whether `GET /v1/normal` has pictures.
    var showsNormalImages: Bool

    enum CodingKeys: String, CodingKey {
      case model, rule, threshold, calibration, images, models, size, fit, architecture, levels, features, precision
      case formats
      case falseAlarmRate = "false_alarm_rate"
      case calibrationImages = "calibration_images"
      case topK = "top_k"
      case saladVersion = "salad_version"
      case heatMaps = "heat_maps"
      case showsNormalImages = "shows_normal_images"
    }
  }

  /// An image with its score.
  struct ScoredImage: Sendable {
    var score: Double
    var pValue: Double?
    var flagged: Bool?
    var rule: String
    var model: String
    /// Each model's nearest prototypes, the nearest first.
    var nearest: [Prototype]
    /// How many models score together.
    var models: Int
    /// Where the score comes from, where that was asked for.
    var heat: Heat?

    struct Heat: Sendable {
      /// What the network saw, (S, S).
      var image: Radiograph
      var map: HeatMap
    }
  }
#endif
