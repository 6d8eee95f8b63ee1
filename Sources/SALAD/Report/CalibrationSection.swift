import Foundation
import Pages

extension ReportPage {
  /// Whether p-values and false-alarm rates are what they say they are.
  var calibration: Page.Section {
    guard let threshold = report.threshold else {
      return Page.Section(
        id: "calibration", "Calibration and drift",
        [
          .paragraph(
            "Scores computed with another precision than the model's are not calibrated: there are no p-values.")
        ])
    }
    var blocks: [Block] = [.paragraph(judges(threshold))]
    if let words = agreement { blocks.append(.paragraph(words)) }
    let (normal, anomalous) = (
      report.normalScores.map(threshold.pValue), report.anomalousScores.map(threshold.pValue)
    )
    if !normal.isEmpty {
      blocks.append(.charts([uniformity(normal, anomalous)]))
      blocks.append(.table(rates(threshold, normal, anomalous)))
      blocks.append(.paragraph(drift(threshold, normal)))
    } else {
      blocks.append(.paragraph("Whether that holds for new images, normal test images would tell: there are none."))
    }
    return Page.Section(id: "calibration", "Calibration and drift", blocks)
  }

  /// What p-values come from, and what is flagged.
  private func judges(_ threshold: ConformalThreshold) -> String {
    let images =
      switch threshold.origin {
      case .leftOut: "the \(Figures.count(threshold.count, "training image")), each left out"
      case .keptBack: "\(Figures.count(threshold.count, "image")) kept back"
      case .local: "\(Figures.count(threshold.count, "normal image")) of this place"
      }
    let words = "Judged by \(images). A p-value says how many of them score as high as an image does"
    guard let value = threshold.value else {
      return
        "\(words). They are too few for a false-alarm rate of \(threshold.falseAlarmRate): nothing is ever flagged."
    }
    return "\(words); flagged is what scores above \(Figures.fixed(value, 6)), where a false-alarm rate of "
      + "\(Figures.percent(threshold.falseAlarmRate)) is to be expected, give or take \(Figures.percent(threshold.deviation))."
  }

  /// How images kept back compare with the training images left out.
  private var agreement: String? {
    guard let disagreement = report.scale.disagreement else { return nil }
    return "Images kept back score \(Figures.fixed(abs(disagreement), 1)) standard deviations "
      + "\(disagreement < 0 ? "below" : "above") the training images left out; beyond \(ScoreScale.surprising) chance is no "
      + "explanation."
  }

  /// (places, share of values at or below each).
  private func distribution(_ values: [Double]) -> [Layer.Point] {
    let sorted = values.sorted()
    var points = [Layer.Point(0, 0)]
    for (place, value) in sorted.enumerated() where place + 1 == sorted.count || sorted[place + 1] != value {
      points.append(Layer.Point(value, Double(place + 1) / Double(sorted.count)))
    }
    return points + [Layer.Point(1, 1)]
  }

  private func uniformity(_ normal: [Double], _ anomalous: [Double]) -> Chart {
    // Dvoretzky, Kiefer and Wolfowitz with Massart's constant: the whole curve leaves it once in twenty times.
    let reach = (log(2 / 0.05) / (2 * Double(normal.count))).squareRoot()
    let band = [0.0, reach, 0.5, 1 - reach, 1].sorted().filter { (0...1).contains($0) }.map {
      Layer.Span($0, max(0, $0 - reach), min(1, $0 + reach))
    }
    let distance = Self.distance(normal)
    var layers: [Layer] = [
      .band(band, .quiet, name: "95 % band of evenness"), .diagonal(.quiet, name: "even"),
      .steps(distribution(normal), .first, name: "normal test images"),
    ]
    if !anomalous.isEmpty { layers.append(.steps(distribution(anomalous), .second, name: "anomalous test images")) }
    return Chart(
      Plot(
        id: "p-values", title: "p-values",
        description:
          "Share of images with a p-value of at most x; normal ones lie at most \(Figures.fixed(distance, 3)) "
          + "from the diagonal.",
        x: Axis("p-value, or false-alarm rate wished for", 0...1), y: Axis("share of images at or below it", 0...1),
        layers: layers, height: 400),
      caption:
        "For normal images like the training's the curve follows the diagonal: a false-alarm rate of x flags x of "
        + "them. Above it there are more false alarms than wished for, below it fewer. Largest distance "
        + "\(Figures.fixed(distance, 3)); by chance at most \(Figures.fixed(reach, 3)) in 19 of 20 cases.")
  }

  /// Kolmogorov's: how far the distribution of values in 0...1 lies from evenness.
  static func distance(_ values: [Double]) -> Double {
    let (sorted, n) = (values.sorted(), Double(values.count))
    return sorted.enumerated().reduce(0.0) { largest, item in
      max(largest, abs(Double(item.offset + 1) / n - item.element), abs(Double(item.offset) / n - item.element))
    }
  }

  private func rates(_ threshold: ConformalThreshold, _ normal: [Double], _ anomalous: [Double]) -> Table {
    let wished = Set([0.01, 0.05, 0.1, 0.2, threshold.falseAlarmRate]).sorted()
    let rows = wished.map { rate in
      let hits = normal.count { $0 <= rate }
      let found = anomalous.isEmpty ? 0 : Double(anomalous.count { $0 <= rate }) / Double(anomalous.count)
      let interval = ShareInterval.wilson(hits, of: normal.count)
      return [
        "\(rate)" + (rate == threshold.falseAlarmRate ? " (the model's)" : ""),
        Figures.percent(Double(hits) / Double(normal.count)),
        "\(Figures.percent(interval.lowerBound)) to \(Figures.percent(interval.upperBound))",
        anomalous.isEmpty ? "" : Figures.percent(found),
      ]
    }
    return Table(
      "False-alarm rates, wished for and found",
      heads: ["wished for", "normal images flagged", "95 % interval (Wilson)", "anomalous images flagged"], rows: rows)
  }

  private func drift(_ threshold: ConformalThreshold, _ normal: [Double]) -> String {
    let mean = normal.reduce(0, +) / Double(normal.count)
    let words =
      "The mean p-value of the \(Figures.count(normal.count, "normal test image")) is \(Figures.fixed(mean, 3)); "
      + "of images like the training's it is 0.5, give or take \(Figures.fixed(1 / (12 * Double(normal.count)).squareRoot(), 3))"
    if let warning = report.tests?.drift(threshold) { return "\(words). Drift: \(warning)." }
    return normal.count < Drift.fewest
      ? "\(words). Fewer than \(Drift.fewest) images say little of drift." : "\(words): no drift is to be seen."
  }
}
