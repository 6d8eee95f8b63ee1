import Pages
import Platform

/// The page of a report: its sections, each in a file of its own.
struct ReportPage {
  let report: Report

  var page: Page {
    Page(
      title: "Report on \(Files.name(of: report.path))", lead: lead,
      sections: [
        overview, training, curves, scores, calibration, images, map, subgroups, caveats,
      ], closing: closing)
  }

  private var lead: String {
    let what = report.isRun ? "a training run" : "a deployment"
    let rows = Figures.count(report.leftOut.count, "normal image")
    guard let tests = report.tests else {
      return "What \(what) of SALAD learned from \(rows). There are no test images to judge it by."
    }
    return
      "How \(what) of SALAD, which learned from \(rows) alone, scores \(Figures.count(tests.images.count, "test image")). "
      + "A score says how far an image lies from its nearest normal ones; it does not say what is wrong with it."
  }

  private var closing: String {
    "Made by salad \(saladVersion). This file needs no network and no other file, and runs no script. "
      + "Not a medical device: for research."
  }

  // MARK: At a glance

  private var overview: Page.Section {
    var facts: [Fact] = []
    if let evaluation = report.evaluation {
      for metric in [Metric.auroc, .averagePrecision, .sensitivityAt90Specificity] {
        facts.append(Fact(metric.title, valueWithInterval(metric, evaluation)))
      }
    }
    if let tests = report.tests {
      let (normal, anomalous) = (report.normalScores.count, report.anomalousScores.count)
      facts.append(Fact("test images", "\(Figures.count(normal)) normal, \(Figures.count(anomalous)) anomalous"))
      if !tests.skipped.isEmpty {
        facts.append(Fact("test images that could not be read", Figures.count(tests.skipped.count)))
      }
    }
    facts.append(Fact("training images, all normal", Figures.count(report.leftOut.count)))
    if let history = report.history, !history.steps.isEmpty {
      facts.append(Fact("time in training steps", Figures.duration(history.seconds)))
    }
    if let threshold = report.threshold {
      facts.append(
        Fact("flagged above a score of", threshold.value.map { Figures.fixed($0, 6) } ?? "none is ever flagged"))
      facts.append(Fact("false-alarm rate wished for", Figures.percent(threshold.falseAlarmRate)))
    }
    if let rates = report.evaluation?.calibrated {
      facts.append(Fact("normal test images flagged", Figures.percent(rates.flaggedNormalRate)))
      facts.append(Fact("anomalous test images flagged", Figures.percent(rates.flaggedAnomalousRate)))
    }
    var blocks: [Block] = [.facts(facts)]
    if let absence = report.absence { blocks.append(.notice("There are no test images: \(absence).")) }
    if let tests = report.tests, report.evaluation == nil {
      blocks.append(
        .notice(
          "All test images are \(tests.images.first?.isAnomalous == true ? "anomalous" : "normal")"
            + " or none could be read: AUROC and its like need both classes."))
    }
    if let threshold = report.threshold, let drift = report.tests?.drift(threshold) {
      blocks.append(.notice("\(drift.prefix(1).uppercased())\(drift.dropFirst())."))
    }
    blocks += report.notes.map { .notice("\($0).") }
    return Page.Section(id: "overview", "At a glance", blocks)
  }

  /// "0.951 (0.931 to 0.968)".
  func valueWithInterval(_ metric: Metric, _ evaluation: Evaluation) -> String {
    let interval = evaluation.confidence?.intervals[metric].map { " (\(Figures.range($0)))" } ?? ""
    return Figures.fixed(evaluation.metrics[metric] ?? 0, 3) + interval
  }
}
