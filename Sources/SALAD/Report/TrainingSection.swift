import Foundation
import Pages

extension ReportPage {
  /// What was trained, on what, how long and where; and how its losses fell.
  var training: Page.Section {
    var blocks: [Block] = [.facts(networkFacts), .facts(dataFacts), .facts(workFacts)]
    if let settings = report.record?.configuration.settings {
      let rows = settings.keys.sorted().map { [Configuration.flag($0), settings[$0] ?? ""] }
      blocks.append(.details("All settings", [.table(Table("Settings", heads: ["flag", "value"], rows: rows))]))
    }
    if let history = report.history, !history.steps.isEmpty {
      blocks.append(.charts([embeddingLoss(history), reconstructionLoss(history), speed(history)]))
      if history.unreadable > 0 {
        blocks.append(
          .paragraph("\(Figures.count(history.unreadable, "line")) of its metrics.jsonl could not be read."))
      }
    } else {
      blocks.append(
        .paragraph(
          report.isRun
            ? "The run has no metrics.jsonl that could be read: there are no curves of its losses."
            : "A deployment keeps no curves of its training: a report of its run has them."))
    }
    return Page.Section(id: "training", "What was trained", blocks)
  }

  // MARK: Facts

  private var networkFacts: [Fact] {
    let scoring = report.source.scoring
    let levels =
      report.source.bankKind == .momentum || scoring.levels.isBottleneck
      ? "the bottleneck, \(scoring.embeddingDimension) numbers"
      : "levels \(scoring.levels), \(scoring.featureCount) numbers"
    var facts = [
      Fact(
        "network",
        "\(scoring.architecture.rawValue), \(scoring.size) x \(scoring.size) pixels, width \(scoring.maximumWidth)"),
      Fact("computes in", scoring.precision.rawValue),
      Fact("an image is described by", levels),
      Fact("score", "\(report.rule.rawValue) of the \(report.topK) nearest prototypes"),
      Fact("bank", report.source.bankKind.rawValue),
    ]
    if report.source.models.count > 1 {
      facts.append(Fact("models that score together", "\(report.source.models.count)"))
    }
    if let damping = scoring.exposureDamping { facts.append(Fact("exposure damping", "\(damping)")) }
    return facts
  }

  private var dataFacts: [Fact] {
    let patients = Set(report.source.patients.compactMap { $0 }).count
    var facts = [
      Fact("training images", Figures.count(report.source.imageIDs.count)),
      Fact("patients among them", patients > 0 ? Figures.count(patients) : "not known"),
      Fact("fingerprint of names and pictures", short(report.source.dataFingerprint)),
    ]
    guard let data = report.record?.data else { return facts }
    facts.insert(Fact("data set, as seen from the run", data.path), at: 0)
    if let kept = data.keptBack { facts.append(Fact("kept back for calibration", Figures.count(kept))) }
    if !data.skipped.isEmpty { facts.append(Fact("left out, unreadable", Figures.count(data.skipped.count))) }
    if let layout = data.selection?.layout { facts.append(Fact("layout", layout.rawValue)) }
    return facts
  }

  private var workFacts: [Fact] {
    var facts: [Fact] = []
    if let manifest = report.source.checkpoint?.manifest {
      facts += [
        Fact("steps, epochs", "\(Figures.count(manifest.step)), \(Figures.count(manifest.epoch))"),
        Fact("ranks that wrote the checkpoint", "\(manifest.ranks)"),
        Fact("CPUs' vector instructions", manifest.instructionSet),
        Fact("gradients summed", manifest.reduction.rawValue),
        Fact("SHA-256 of the model", short(manifest.encoderHash)),
        Fact("trained by", "salad \(manifest.saladVersion)"),
      ]
    } else if let manifest = report.source.deployment?.manifest {
      facts += [
        Fact("steps", manifest.step > 0 ? Figures.count(manifest.step) : "trained elsewhere"),
        Fact("CPUs' vector instructions", manifest.instructionSet),
        Fact("SHA-256 of the model", short(manifest.encoderHash)),
        Fact("made by", "salad \(manifest.saladVersion)"),
        Fact("tells of persons", report.source.identifying ?? "nothing"),
      ]
    }
    if let history = report.history, !history.steps.isEmpty {
      facts += [
        Fact("time in training steps", Figures.duration(history.seconds)),
        Fact("images seen", Figures.count(history.images)),
        Fact(
          "images a second",
          history.seconds > 0 ? Figures.fixed(Double(history.images) / history.seconds, 1) : "not known"),
      ]
    }
    facts.append(Fact("host's name", "not kept, so that equal runs have equal files"))
    return facts
  }

  private func short(_ hash: String) -> String { hash.isEmpty ? "not known" : "\(hash.prefix(16))..." }

  // MARK: Curves

  private func loss(
    _ history: TrainingHistory, id: String, title: String, of step: (TrainingHistory.Step) -> Double,
    _ epoch: (TrainingHistory.Epoch) -> Double, reference: (value: Double, name: String)?, caption: String
  ) -> Chart {
    let steps = history.curve(step).map { Layer.Point($0.step, $0.value) }
    let epochs = history.epochs.filter { epoch($0).isFinite }.map { Layer.Point(Double($0.step), epoch($0)) }
    let last = epochs.last.map { "\(title) \(Figures.fixed($0.y, 3)) in the last epoch" } ?? title
    var layers: [Layer] = [.line(steps, .quiet, name: "steps"), .line(epochs, .first, name: "mean of an epoch")]
    layers.append(.marks(epochs.count > 60 ? [] : epochs, .first))
    if let reference { layers.append(.horizontal(reference.value, .second, name: reference.name)) }
    layers += roundLines(history)
    let y = Axis(
      title, over: steps.map(\.y) + epochs.map(\.y), including: [0] + (reference.map { [$0.value] } ?? []))
    return Chart(
      Plot(
        id: id, title: title, description: "\(last), over \(history.steps.count) steps.",
        x: Axis("step", 0...Double(max(1, history.steps.last?.step ?? 1))), y: y, layers: layers),
      caption: caption,
      numbers: Table(
        "\(title) by epoch", heads: ["epoch", "step", "anchors", "loss"],
        rows: history.epochs.enumerated().map {
          ["\($0 + 1)", Figures.count($1.step), Figures.count($1.anchors), Figures.fixed(epoch($1), 4)]
        }))
  }

  private func roundLines(_ history: TrainingHistory) -> [Layer] {
    let starts = history.roundStarts
    guard starts.count <= 20 else { return [] }
    return starts.enumerated().map { place, start in
      .vertical(Double(start.step), .quiet, name: place == 0 ? "a round begins" : nil)
    }
  }

  private func embeddingLoss(_ history: TrainingHistory) -> Chart {
    let chance = log(Double(max(1, report.source.imageIDs.count)))
    return loss(
      history, id: "embedding-loss", title: "embedding loss", of: \.embeddingLoss, \.embeddingLoss,
      reference: (chance, "chance: ln \(Figures.count(report.source.imageIDs.count)) = \(Figures.fixed(chance, 2))"),
      caption:
        "Minus the logarithm of the probability by which an image finds its own prototype among all; from round 1 on "
        + "anchors may find a neighbour's instead. Chance is what an encoder would reach that knows nothing.")
  }

  private func reconstructionLoss(_ history: TrainingHistory) -> Chart {
    loss(
      history, id: "reconstruction-loss", title: "reconstruction loss", of: \.reconstructionLoss, \.reconstructionLoss,
      reference: nil,
      caption: "How far the decoder's pictures lie from what it was to draw, in the pixels' scale of -1 to 1.")
  }

  private func speed(_ history: TrainingHistory) -> Chart {
    let points = history.curve { $0.seconds > 0 ? Double($0.images) / $0.seconds : .nan }
      .map { Layer.Point($0.step, $0.value) }
    return Chart(
      Plot(
        id: "speed", title: "images a second", description: "Training speed over the steps, over all ranks.",
        x: Axis("step", 0...Double(max(1, history.steps.last?.step ?? 1))),
        y: Axis("images a second", over: points.map(\.y), including: [0]), layers: [.line(points, .first)]),
      caption:
        "Over all ranks, by the clock of the job that took the step. Dips are checkpoints, other users, or a file "
        + "system that keeps the job waiting.")
  }
}
