import MemoryBank
import Pages

/// All that a page of a model shows: gathered by `Reporter`, written by `ReportPage`.
struct Report: Sendable {
  /// As it was named.
  let path: String
  let source: ModelSource
  let record: RunRecord?
  /// Of a run whose log could be read.
  let history: TrainingHistory?
  /// nil where the bank's rows span no plane.
  let map: EmbeddingMap?
  let rule: ScoreRule
  let topK: Int
  /// What makes scores of distances.
  let scale: ScoreScale
  /// nil where scores are not calibrated.
  let threshold: ConformalThreshold?
  let tests: TestScores?
  /// Why there are no test images.
  let absence: String?
  /// nil without test images of both classes, or with images of one class alone.
  let evaluation: Evaluation?
  let bands: CurveBands?
  let examples: ReportExamples
  /// Whether pictures were wanted.
  let hasPictures: Bool
  /// What was said on standard error, for the page's reader.
  let notes: [String]

  /// N scores of the training images, each left out.
  let leftOut: [Double]

  var isRun: Bool { if case .run = source.kind { true } else { false } }

  var normalScores: [Double] { tests?.scores(anomalous: false) ?? [] }
  var anomalousScores: [Double] { tests?.scores(anomalous: true) ?? [] }
}

/// Images that are shown: the most normal and the most anomalous of the test split, and the oddest of the training images.
struct ReportExamples: Sendable {
  var mostAnomalous: [Card] = []
  var mostNormal: [Card] = []
  var oddest: [Card] = []
  /// Why there are no pictures of training images, in a sentence.
  var absence: String?
  /// Of the heat maps; nil where there are none.
  var method: HeatMethod?

  /// Of each kind.
  static let most = 6
}
