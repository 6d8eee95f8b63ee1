#if Server
  import MemoryBank
  import Radiographs
  import SALAD

  /// A deployment in memory, and what answers say of it.
  ///
  /// Unchecked: one thread loads it and hands it to the one that scores, which alone uses the scorer.
  public struct ServedModel: @unchecked Sendable {
    let source: ModelSource
    let scorer: Scorer
    /// nil: scores are not judged.
    let threshold: ConformalThreshold?
    /// SHA-256 of what scores depend on.
    let identity: String

    /// - Parameters:
    ///   - source: a deployment.
    ///   - scorer: of it.
    ///   - threshold: judges its scores; nil where they are not calibrated.
    /// - Throws: `SaladError` 64 where it is a run, whose files a training takes away.
    public init(_ source: ModelSource, _ scorer: Scorer, _ threshold: ConformalThreshold?) throws {
      guard source.kind == .deployment else {
        throw SaladError(.usage, "\(source.path): expected a deployment to serve, found a run: merge it first")
      }
      (self.source, self.scorer, self.threshold) = (source, scorer, threshold)
      identity = try source.identity()
    }

    /// What of the deployment may tell of persons, in words; nil: nothing.
    public var identifying: String? { source.identifying }

    var preparation: Preparation { scorer.preparation }

    /// What `GET /v1/model` says.
    var description: ModelAnswer {
      let scoring = source.scoring
      return ModelAnswer(
        model: identity, rule: scorer.rule.rawValue, threshold: threshold?.value,
        falseAlarmRate: threshold?.falseAlarmRate, calibration: threshold.map(\.origin.rawValue),
        calibrationImages: threshold?.count, images: source.imageIDs.count, models: source.models.count,
        topK: scorer.topK, size: scoring.size, fit: scoring.fit.rawValue, architecture: scoring.architecture.rawValue,
        levels: "\(scoring.levels)", features: scoring.featureCount, precision: scorer.precision.rawValue,
        formats: ImageFile.names, saladVersion: saladVersion)
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

    enum CodingKeys: String, CodingKey {
      case model, rule, threshold, calibration, images, models, size, fit, architecture, levels, features, precision
      case formats
      case falseAlarmRate = "false_alarm_rate"
      case calibrationImages = "calibration_images"
      case topK = "top_k"
      case saladVersion = "salad_version"
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
