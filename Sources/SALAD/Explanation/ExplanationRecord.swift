import MemoryBank

/// An explanation as programs read it: one JSON object on one line.
public struct ExplanationRecord: Codable, Sendable, Equatable {
  /// A normal image behind the score.
  public struct Neighbour: Codable, Sendable, Equatable {
    /// Of the models that score together, from 0.
    public var model: Int
    /// The bank's row.
    public var index: Int
    /// The image's path in the data set, or a hash.
    public var id: String
    public var distance: Double
    /// In 0...1.
    public var weight: Double
  }

  /// What a heat map says in a few numbers.
  public struct Heat: Codable, Sendable, Equatable {
    public var method: HeatMethod
    /// S: of the grid that x and y are counted on, from the upper left.
    public var side: Int
    public var hottest: Hottest
    public var mean: Double

    public struct Hottest: Codable, Sendable, Equatable {
      public var x: Int
      public var y: Int
      public var heat: Double
    }
  }

  public var path: String
  /// nil where the image could not be read: `error` says why.
  public var score: Double?
  public var rule: ScoreRule
  /// nil where scores are not judged.
  public var pValue: Double?
  public var flagged: Bool?
  public var prototypes: [Neighbour]
  /// nil where there is none.
  public var heat: Heat?
  /// Names of the files with the sheet and the overlay; nil where none were asked for.
  public var sheet: String?
  public var overlay: String?
  public var error: String?

  enum CodingKeys: String, CodingKey {
    case path, score, rule, flagged, prototypes, heat, sheet, overlay, error
    case pValue = "p_value"
  }

  /// - Parameters:
  ///   - explanation: of a picture.
  ///   - rule: of its score.
  ///   - threshold: what judges it; nil: nothing.
  public init(_ explanation: Explanation, rule: ScoreRule, threshold: ConformalThreshold?) {
    path = explanation.score.path
    score = explanation.score.score
    self.rule = rule
    pValue = score.flatMap { threshold?.pValue(of: $0) }
    flagged = score.flatMap { threshold?.flags($0) }
    error = explanation.score.reason
    prototypes = explanation.prototypes.joined().map {
      Neighbour(model: $0.model, index: $0.index, id: $0.id, distance: $0.distance, weight: $0.weight)
    }
    heat = explanation.heatMap.map { map in
      let hottest = map.hottest
      return Heat(
        method: map.method, side: map.side,
        hottest: Heat.Hottest(x: hottest.x, y: hottest.y, heat: Double(hottest.value)),
        mean: map.values.reduce(0) { $0 + Double($1) } / Double(map.values.count))
    }
  }

  /// With its line break.
  public func line() throws -> String { String(decoding: try JSONText.line(self), as: UTF8.self) }

  /// For people: a line for the image, then one for what is hottest and one for each normal image.
  public var text: String {
    guard let score else { return "no score  \(path): \(error ?? "")\n" }
    var head = "\(ShortNumber.text(score))  "
    if let pValue, let flagged { head += "p \(ShortNumber.text(pValue))\(flagged ? ", flagged" : "")  " }
    var lines = [head + path]
    if let heat {
      lines.append(
        "  hottest \(ShortNumber.text(heat.hottest.heat)) at \(heat.hottest.x), \(heat.hottest.y) of \(heat.side) x "
          + "\(heat.side), \(ShortNumber.text(heat.mean)) in the mean (\(heat.method.rawValue))")
    }
    let several = Set(prototypes.map(\.model)).count > 1
    for prototype in prototypes {
      lines.append(
        "  \(several ? "model \(prototype.model + 1)  " : "")distance \(ShortNumber.text(prototype.distance))  weight "
          + "\(ShortNumber.text(prototype.weight))  \(prototype.id)")
    }
    if let sheet { lines.append("  drawn in \(sheet)") }
    return lines.joined(separator: "\n") + "\n"
  }
}
