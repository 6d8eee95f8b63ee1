import Foundation

/// Whether images come from where the model's normal images come from, by p-values that should be even in 0...1 for normal
/// ones: another exposure, device or positioning moves all of them.
public enum Drift {
  /// Fewer images say little.
  static let fewest = 20

  /// A sentence for standard error where a batch of images, nobody knows which are normal, hardly reaches into the more
  /// normal half; nil where all seems well.
  ///
  /// Of normal images half have a p-value above 0.5. Where less than a tenth of all images has, either four in five of them
  /// are anomalous, or they are not what the model learnt from.
  public static func warning(ofUnlabelled pValues: [Double]) -> String? {
    warning(aboveMiddle: pValues.count { $0 > middle }, of: pValues.count)
  }

  /// Half of the normal images have a p-value above it.
  public static let middle = 0.5

  /// The same, of so many images with a p-value above the middle.
  public static func warning(aboveMiddle normal: Int, of count: Int) -> String? {
    guard count >= fewest, 10 * normal < count else { return nil }
    return
      "only \(normal) of \(count) images score below the middle of the training images: unless most of them "
      + "are anomalous, they differ in exposure, device or positioning, and p-values and thresholds do not hold: calibrate "
      + "on normal images of their kind by salad calibrate"
  }

  /// The same where the images are known to be normal: their mean p-value, 0.5 for images like the training's with a
  /// deviation of 1 / sqrt(12 n), is more than four deviations and a tenth away from it.
  public static func warning(ofNormal pValues: [Double]) -> String? {
    guard pValues.count >= fewest else { return nil }
    let mean = pValues.reduce(0, +) / Double(pValues.count)
    let deviations = (mean - 0.5) * (12 * Double(pValues.count)).squareRoot()
    guard abs(deviations) > 4, abs(mean - 0.5) > 0.1 else { return nil }
    let direction = mean < 0.5 ? "higher" : "lower"
    return
      "normal test images score \(direction) than the training images do (mean p-value \(mean.rounded(toPlaces: 3)), "
      + "not 0.5): they differ in exposure, device or positioning, and p-values and thresholds do not hold: calibrate on "
      + "normal images of their kind by salad calibrate"
  }
}
