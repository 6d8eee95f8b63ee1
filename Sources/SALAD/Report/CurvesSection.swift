import Pages

extension ReportPage {
  /// How well anomalous test images are told from normal ones.
  var curves: Page.Section {
    guard let tests = report.tests, let evaluation = report.evaluation,
      let curve = try? OperatingCurve(scores: tests.scores, anomalous: tests.images.map(\.isAnomalous))
    else {
      return Page.Section(
        id: "curves", "Telling anomalous from normal",
        [.paragraph("This needs normal and anomalous test images: see the note at the top.")])
    }
    return Page.Section(
      id: "curves", "Telling anomalous from normal",
      [
        .charts([roc(curve, evaluation), precisionRecall(curve, evaluation)]),
        .table(metrics(evaluation)),
        .table(kinds(evaluation)),
        .paragraph(origin(evaluation)),
      ])
  }

  private func roc(_ curve: OperatingCurve, _ evaluation: Evaluation) -> Chart {
    let points = zip(curve.flaggedNormal, curve.flaggedAnomalous).map {
      Layer.Point(Double($0) / Double(curve.countNormal), Double($1) / Double(curve.countAnomalous))
    }
    var layers: [Layer] = [.diagonal(.quiet, name: "chance"), .line(points, .first, name: "this model")]
    if let bands = report.bands { layers.insert(band(bands.sensitivity, from: 0), at: 0) }
    if let rates = evaluation.calibrated {
      layers.append(
        .marks([Layer.Point(rates.flaggedNormalRate, rates.flaggedAnomalousRate)], .second, name: "at the threshold"))
    }
    return Chart(
      Plot(
        id: "roc", title: "ROC",
        description: "Sensitivity over false-alarm rate; AUROC \(valueWithInterval(.auroc, evaluation)).",
        x: Axis("normal images flagged", 0...1), y: Axis("anomalous images flagged", 0...1), layers: layers, height: 400
      ),
      caption: "AUROC \(valueWithInterval(.auroc, evaluation)). Each point is what one threshold does.",
      numbers: bandTable(
        "ROC", "normal flagged, at most", "anomalous flagged", curve.sensitivities(atFalseAlarmRates: CurveBands.grid),
        report.bands?.sensitivity))
  }

  private func precisionRecall(_ curve: OperatingCurve, _ evaluation: Evaluation) -> Chart {
    let flagged = zip(curve.flaggedNormal, curve.flaggedAnomalous).dropFirst()
    let points = flagged.map {
      Layer.Point(Double($1) / Double(curve.countAnomalous), Double($1) / Double(max(1, $0 + $1)))
    }
    let share = Double(curve.countAnomalous) / Double(curve.countAnomalous + curve.countNormal)
    var layers: [Layer] = [
      .horizontal(share, .quiet, name: "chance: share of anomalous images"), .line(points, .first, name: "this model"),
    ]
    // Its first place has no image flagged.
    if let bands = report.bands { layers.insert(band(bands.precision, from: 1), at: 0) }
    return Chart(
      Plot(
        id: "precision", title: "Precision and sensitivity",
        description: "Precision over sensitivity; AP \(valueWithInterval(.averagePrecision, evaluation)).",
        x: Axis("anomalous images flagged (sensitivity)", 0...1), y: Axis("flagged images that are anomalous", 0...1),
        layers: layers, height: 400),
      caption:
        "AP \(valueWithInterval(.averagePrecision, evaluation)). Precision depends on how many images are anomalous: "
        + "\(Figures.percent(share)) here, far fewer in most clinics.",
      numbers: bandTable(
        "Precision", "anomalous flagged, at least", "precision", curve.precisions(atSensitivities: CurveBands.grid),
        report.bands?.precision))
  }

  private func band(_ intervals: [ClosedRange<Double>], from first: Int) -> Layer {
    let spans = zip(CurveBands.grid, intervals).dropFirst(first).map { Layer.Span($0, $1.lowerBound, $1.upperBound) }
    return .band(spans, .first, name: "95 % band, pointwise")
  }

  private func bandTable(
    _ caption: String, _ across: String, _ up: String, _ values: [Double], _ bands: [ClosedRange<Double>]?
  ) -> Table {
    let rows = stride(from: 0, to: values.count, by: 5).map { place in
      [Figures.fixed(CurveBands.grid[place], 2), Figures.fixed(values[place], 3)]
        + (bands.map { [Figures.range($0[place])] } ?? [])
    }
    return Table(caption, heads: [across, up] + (bands == nil ? [] : ["95 % interval"]), rows: rows)
  }

  private func metrics(_ evaluation: Evaluation) -> Table {
    let rows = Metric.allCases.map { metric in
      let title =
        metric == .bestF1
        ? "\(metric.title), by hindsight (score from \(Figures.fixed(evaluation.bestF1Threshold, 6)))" : metric.title
      return [
        title, Figures.fixed(evaluation.metrics[metric] ?? 0, 3),
        evaluation.confidence?.intervals[metric].map(Figures.range) ?? "",
      ]
    }
    return Table("Measures", heads: ["measure", "value", "95 % interval"], rows: rows)
  }

  private func kinds(_ evaluation: Evaluation) -> Table {
    Table(
      "Each kind of anomaly against all normal images",
      heads: ["kind", "images", "AP", "AUROC", "95 % interval of AUROC"],
      rows: evaluation.kinds.map {
        [
          $0.kind, Figures.count($0.count), Figures.fixed($0.averagePrecision, 3), Figures.fixed($0.auroc, 3),
          $0.aurocInterval.map(Figures.range) ?? "",
        ]
      })
  }

  private func origin(_ evaluation: Evaluation) -> String {
    guard let confidence = evaluation.confidence else { return "No intervals were asked for." }
    let images = confidence.unitCount - confidence.patients
    let units = [
      confidence.patients > 0 ? Figures.count(confidence.patients, "patient") : nil,
      images > 0 ? "\(Figures.count(images, "image")) of unknown patients" : nil,
    ].compactMap { $0 }.joined(separator: " and ")
    return
      "Intervals and bands: \(confidence.method), \(Figures.count(confidence.resamples)) resamples of \(units), seed "
      + "\(confidence.seed). The bands are pointwise: a whole curve leaves them more often than once in twenty times."
  }
}
