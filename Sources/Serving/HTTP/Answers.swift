#if Server
  import Foundation
  import SALAD

  /// What `POST /v1/score` says.
  struct ScoreAnswer: Codable, Sendable {
    /// In the order in which they came.
    var images: [ImageAnswer]
  }

  /// What became of one image.
  struct ImageAnswer: Codable, Sendable {
    /// As the request called it; nil where it did not.
    var name: String?
    /// In 0...1, higher is more anomalous.
    var score: Double?
    /// How rare so high a score is among normal images, in 0...1.
    var pValue: Double?
    var flagged: Bool?
    var rule: String?
    /// The hash of the model.
    var model: String?
    var nearest: [PrototypeAnswer]?
    /// Why there is no score.
    var error: String?

    enum CodingKeys: String, CodingKey {
      case name, score, flagged, rule, model, nearest, error
      case pValue = "p_value"
    }

    init(name: String?, _ outcome: ImageWork.Outcome) {
      self.name = name
      switch outcome {
      case .failure(let fault): error = fault.sentence
      case .success(let image):
        (score, pValue, flagged) = (image.score, image.pValue, image.flagged)
        (rule, model) = (image.rule, image.model)
        nearest = image.nearest.map { PrototypeAnswer($0, isOneOfSeveral: image.models > 1) }
      }
    }
  }

  /// A normal image behind a score.
  struct PrototypeAnswer: Codable, Sendable {
    var id: String
    /// Its row in the bank, by which `GET /v1/normal` shows it.
    var row: Int
    var distance: Double
    /// Of all that the score is made of, in 0...1.
    var weight: Double
    /// Which of the models that score together, from 0; nil where there is one.
    var network: Int?

    init(_ prototype: Prototype, isOneOfSeveral: Bool) {
      (id, row, distance, weight) = (prototype.id, prototype.index, prototype.distance, prototype.weight)
      network = isOneOfSeveral ? prototype.model : nil
    }
  }

  /// What `POST /v1/explain` says: where an image differs.
  struct HeatAnswer: Codable, Sendable {
    var score: Double
    var model: String
    /// How places were judged.
    var method: String
    /// The same for people.
    var meaning: String
    /// S.
    var side: Int
    /// The heat that is not coloured, and the one from which on it is coloured most.
    var coloured: [Float]
    /// Whether `coloured` is the same for all images of the model: then their colours may be compared.
    var isComparable: Bool
    /// What the network saw: (S, S) bytes, 0 black, Base64.
    var image: String
    /// (S, S) floats, little-endian, higher is odder, Base64.
    var heatMap: String

    enum CodingKeys: String, CodingKey {
      case score, model, method, meaning, side, coloured, image
      case isComparable = "comparable"
      case heatMap = "heat_map"
    }

    init(_ image: ScoredImage, _ heat: ScoredImage.Heat) {
      (score, model, method, side) = (image.score, image.model, heat.map.method.rawValue, heat.map.side)
      let colours = HeatColours(heat.map)
      (coloured, isComparable) = ([colours.range.lowerBound, colours.range.upperBound], colours.isShared)
      meaning =
        switch heat.map.method {
        case .local: "How odd each place is beside the same place of normal images, where 1 is typical"
        case .gradient: "How fast the score falls as a place moves towards what is normal"
        case .occlusion: "How much the score falls when a place is painted over"
        case .difference: "How far each place is from that of the nearest normal image"
        }
      self.image = Data(heat.image.grays).base64EncodedString()
      heatMap = heat.map.values.withUnsafeBytes { Data($0) }.base64EncodedString()
    }
  }

  /// What is said instead of an answer.
  struct ErrorAnswer: Codable, Sendable {
    var error: String
  }

  /// What `GET /health` says.
  struct HealthAnswer: Codable, Sendable {
    /// Whether the process runs.
    var live = true
    /// Whether it can score now.
    var ready: Bool
    /// Why it is not ready.
    var reason: String?
    /// The hash of the model that scores.
    var model: String?
  }
#endif
