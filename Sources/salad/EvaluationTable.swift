import Foundation
import Platform
import SALAD

/// An evaluation for people: metrics with their intervals, kinds of anomaly, and last of all the line that sums it up.
enum EvaluationTable {
  static func text(of evaluation: Evaluation) -> String {
    var lines = metrics(evaluation) + [""] + kinds(evaluation) + [""]
    if !evaluation.subgroups.isEmpty { lines += groups(evaluation.subgroups) + [""] }
    if let confidence = evaluation.confidence { lines += [origin(of: confidence)] }
    let source =
      if let topK = evaluation.topK, let bank = evaluation.bank {
        " from the \(topK) nearest prototypes of the \(bank.rawValue) bank"
      } else {
        ""
      }
    lines += ["scored by the \(evaluation.rule.rawValue) rule\(source)"]
    if let rates = evaluation.calibrated { lines += [line(of: rates)] }
    if let baseline = evaluation.baselineAUROC {
      lines += ["nearest neighbour in raw 32 x 32 pixels: AUROC \(three(baseline))"]
    }
    let skipped = evaluation.skipped.count
    if skipped > 0 {
      lines += [
        skipped == 1
          ? "1 test image could not be read and does not count"
          : "\(skipped) test images could not be read and do not count"
      ]
    }
    let (auroc, precision) = (evaluation.metrics[.auroc]!, evaluation.metrics[.averagePrecision]!)
    lines += [
      "AUROC \(three(auroc))  AP \(three(precision))  (\(evaluation.countNormal) normal, "
        + "\(evaluation.countAnomalous) anomalous)"
    ]
    return lines.map { $0 + "\n" }.joined()
  }

  private static func metrics(_ evaluation: Evaluation) -> [String] {
    let rows = Metric.allCases.map { metric in
      let title = metric == .bestF1 ? "best F1 (score from \(six(evaluation.bestF1Threshold)))" : metric.title
      let interval = evaluation.confidence?.intervals[metric]
      return [title, three(evaluation.metrics[metric]!), interval.map(range) ?? ""]
    }
    return aligned([["", "value", evaluation.confidence.map(heading) ?? ""]] + rows)
  }

  private static func kinds(_ evaluation: Evaluation) -> [String] {
    let rows = evaluation.kinds.map {
      [
        PlainText.of($0.kind), "\($0.count)", three($0.averagePrecision), three($0.auroc),
        $0.aurocInterval.map(range) ?? "",
      ]
    }
    return aligned(
      [["kind of anomaly", "images", "AP", "AUROC", evaluation.confidence.map(heading) ?? ""]] + rows)
  }

  private static func groups(_ groups: Subgroups) -> [String] {
    let named =
      (groups.studies.map { [("all studies", $0)] } ?? [])
      + groups.named.flatMap { title, groups in groups.map { (PlainText.of("\(title) \($0.name)"), $0) } }
    let rows = named.map { title, group in
      [
        title, "\(group.countNormal)", "\(group.countAnomalous)", group.averagePrecision.map(three) ?? "",
        group.auroc.map(three) ?? "", group.aurocInterval.map(range) ?? "",
      ]
    }
    return aligned([["by", "normal", "anomalous", "AP", "AUROC", ""]] + rows)
  }

  private static func heading(_ confidence: Evaluation.Confidence) -> String {
    String(format: "%.0f %% interval", 100 * confidence.level)
  }

  private static func origin(of confidence: Evaluation.Confidence) -> String {
    let (patients, images) = (confidence.patients, confidence.unitCount - confidence.patients)
    let units = [
      patients > 0 ? "\(patients) patients" : nil,
      images > 0 ? "\(images) images of unknown patients" : nil,
    ]
    return "intervals: \(confidence.method), \(confidence.resamples) resamples of "
      + "\(units.compactMap { $0 }.joined(separator: " and ")), seed \(confidence.seed)"
  }

  private static func line(of rates: CalibratedRates) -> String {
    func percent(_ rate: Double) -> String { String(format: "%.1f %%", 100 * rate) }
    let calibration =
      if let rate = rates.falseAlarmRate, let count = rates.calibrationCount {
        " at a false-alarm rate of \(percent(rate)), calibrated on \(count)"
      } else {
        ""
      }
    return "flagged \(percent(rates.flaggedNormalRate)) of normal and \(percent(rates.flaggedAnomalousRate)) of "
      + "anomalous images\(calibration)"
  }

  /// Columns under one another: the first flush left, the others flush right, two spaces apart.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  private static func range(_ interval: ClosedRange<Double>) -> String {
    "\(three(interval.lowerBound)) to \(three(interval.upperBound))"
  }

  private static func three(_ value: Double) -> String { String(format: "%.3f", value) }

  /// As `salad score` prints scores.
  private static func six(_ score: Double) -> String { String(format: "%.6f", score) }
}
