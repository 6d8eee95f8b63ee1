import Radiographs

/// Why an image has its score: the normal images it was compared with, and where it differs.
public struct Explanation: Sendable {
  /// Path or name, and the score or why there is none.
  public let score: ImageScore
  /// Each model's nearest prototypes, the nearest first.
  public let prototypes: [[Prototype]]
  /// What the network saw, (S, S); nil where there is no score.
  public let image: Radiograph?
  /// nil where none was asked for, or there is no score.
  public let heatMap: HeatMap?

  /// The same without what was seen and where.
  public var scored: ScoredPicture { ScoredPicture(score: score, prototypes: prototypes) }
}
