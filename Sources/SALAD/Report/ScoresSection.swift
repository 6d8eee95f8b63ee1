import Pages

extension ReportPage {
  /// How scores are spread: of the training images left out, of normal and of anomalous test images.
  var scores: Page.Section {
    let groups = [
      ("training-scores", "training images, each left out", report.leftOut, Tone.quiet),
      ("normal-scores", "normal test images", report.normalScores, .first),
      ("anomalous-scores", "anomalous test images", report.anomalousScores, .second),
    ].filter { !$0.2.isEmpty }
    let all = groups.flatMap(\.2) + (report.threshold?.value.map { [$0] } ?? [])
    let axis = Axis("score", over: all)
    let binned = groups.map { Self.bins($0.2, axis.range) }
    let highest =
      zip(binned, groups).map { counts, group in
        Double(counts.max() ?? 0) / Double(group.2.count)
      }.max() ?? 1
    let charts = zip(groups, binned).map { group, counts in
      histogram(group.0, group.1, group.2, counts, axis, highest: highest, group.3)
    }
    return Page.Section(
      id: "scores", "Scores",
      [
        .paragraph(
          "0.5 is as far from the bank as a typical training image is from the others, 0 a copy of one, towards 1 far away. "
            + "The scales are the same, so that the histograms can be compared; of each kind of images the share is shown."
        ),
        .charts(charts),
      ])
  }

  private static let binCount = 40

  /// Images in each of `binCount` bins over the range.
  static func bins(_ scores: [Double], _ range: ClosedRange<Double>) -> [Int] {
    var counts = [Int](repeating: 0, count: binCount)
    let width = (range.upperBound - range.lowerBound) / Double(binCount)
    for score in scores { counts[min(binCount - 1, max(0, Int((score - range.lowerBound) / width)))] += 1 }
    return counts
  }

  private func histogram(
    _ id: String, _ title: String, _ scores: [Double], _ counts: [Int], _ axis: Axis, highest: Double, _ tone: Tone
  ) -> Chart {
    let (low, width) = (axis.range.lowerBound, (axis.range.upperBound - axis.range.lowerBound) / Double(counts.count))
    func edge(_ bin: Int) -> Double { low + Double(bin) * width }
    let bars = counts.enumerated().map { bin, count in
      Layer.Bar(
        edge(bin), edge(bin + 1), height: 100 * Double(count) / Double(scores.count),
        title: "\(Figures.fixed(edge(bin), 3)) to \(Figures.fixed(edge(bin + 1), 3)): \(Figures.count(count, "image"))")
    }
    let sorted = scores.sorted()
    let median = sorted[sorted.count / 2]
    var layers: [Layer] = [.bars(bars, tone)]
    var above = ""
    if let threshold = report.threshold, let value = threshold.value {
      layers.append(.vertical(value, .third, name: "threshold \(Figures.fixed(value, 3))"))
      let flagged = scores.count { threshold.flags($0) }
      above = ", \(Figures.percent(Double(flagged) / Double(scores.count))) flagged"
    }
    let words = "\(Figures.count(scores.count, "image")), median \(Figures.fixed(median, 3))\(above)."
    return Chart(
      Plot(
        id: id, title: title, description: words, x: axis, y: Axis("share of them in %", 0...(105 * highest)),
        layers: layers, height: 250),
      caption: words,
      numbers: Table(
        title, heads: ["score from", "to", "images"],
        rows: counts.enumerated().filter { $1 > 0 }.map { bin, count in
          [Figures.fixed(edge(bin), 3), Figures.fixed(edge(bin + 1), 3), Figures.count(count)]
        }))
  }
}
