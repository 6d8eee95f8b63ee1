import MPI
import Radiographs

/// A test split as a model scored it, equal on all ranks.
public struct TestScores: Sendable {
  /// The folder that their paths are relative to.
  public let root: String
  /// Images that have a score.
  public let images: [LabelledImage]
  /// One an image.
  public let scores: [Double]
  /// Images that could not be read, where that is no error.
  public let skipped: [SkippedImage]
  /// What is odd about the others.
  public let remarks: ImageRemarks

  /// All ranks.
  ///
  /// - Parameters:
  ///   - listed: the test images.
  ///   - scorer: of the model.
  ///   - badImages: what an image that cannot be read does.
  ///   - observing: on all ranks, given the places of each block of images and their features under the first model,
  ///     (block, F).
  public init(
    of listed: ListedImages, by scorer: Scorer, badImages: BadImages,
    observing: (Range<Int>, [Float]) throws -> Void = { _, _ in }
  ) throws {
    let paths = listed.images.map { "\(listed.root)/\($0.path)" }
    let results = try scorer.scores(of: paths, badImages: badImages, observing: observing)  // all ranks
    root = listed.root
    images = zip(listed.images, results).filter { $0.1.score != nil }.map(\.0)
    scores = results.compactMap(\.score)
    skipped = zip(listed.images, results).compactMap { image, result in
      result.reason.map { SkippedImage(path: image.path, reason: $0) }
    }
    remarks = ImageRemarks(results)
  }

  init(root: String, images: [LabelledImage], scores: [Double], skipped: [SkippedImage] = []) {
    self.root = root
    self.images = images
    self.scores = scores
    self.skipped = skipped
    remarks = ImageRemarks([])
  }

  /// What normal, or anomalous, images score, in the order of their paths.
  func scores(anomalous: Bool) -> [Double] {
    zip(images, scores).filter { $0.0.isAnomalous == anomalous }.map(\.1)
  }

  /// A sentence for standard error where the normal ones are not what the model learnt from.
  public func drift(_ threshold: ConformalThreshold) -> String? {
    Drift.warning(ofNormal: scores(anomalous: false).map(threshold.pValue))
  }
}

extension Evaluation {
  /// - Parameters:
  ///   - tests: what was scored.
  ///   - scorer: what scored it.
  ///   - threshold: what flags; nil where scores are not calibrated.
  ///   - bootstrap: nil: no confidence intervals.
  ///   - workers: threads of the bootstrap.
  /// - Throws: `SaladError` 65 when all images are normal, or all anomalous.
  public init(
    _ tests: TestScores, by scorer: Scorer, threshold: ConformalThreshold?, bootstrap: Bootstrap?, workers: Int
  ) throws {
    try self.init(
      images: tests.images, scores: tests.scores, rule: scorer.rule, bank: scorer.bankKind, topK: scorer.topK,
      bootstrap: bootstrap, workers: workers)
    skipped = tests.skipped
    calibrated = threshold.map { CalibratedRates(images: tests.images, scores: tests.scores, threshold: $0) }
  }
}
