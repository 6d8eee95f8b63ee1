import MPI
import Pages
import Radiographs

/// Finds the images that a report shows, and what they were compared with.
struct ExampleImages {
  let data: ReportData
  let source: ModelSource
  let scorer: Scorer
  let threshold: ConformalThreshold?
  let host: HostResources
  let communicator: Communicator
  let log: Log

  /// Prototypes of an image.
  private static let prototypes = 3

  /// All ranks; rank 0's result counts.
  ///
  /// - Parameters:
  ///   - tests: nil: there are none.
  ///   - leftOut: N scores of the training images.
  ///   - hasPictures: whether pictures are wanted.
  func find(tests: TestScores?, leftOut: [Double], hasPictures: Bool) throws -> ReportExamples {
    var examples = ReportExamples()
    let pictures =
      hasPictures
      ? ExamplePictures(
        preparation: scorer.preparation, trainingRoot: absence == nil ? data.root : nil, ids: source.imageIDs,
        shows: source.pictures) : nil
    if let tests {
      let order = Self.order(tests.scores)
      let count = min(ReportExamples.most, order.count)
      let chosen = Array(order.prefix(count)) + order.suffix(min(count, order.count - count)).reversed()
      let (explainer, method) = hasPictures ? try explainer() : (Explainer(scorer), nil)  // all ranks
      examples.method = method
      let explained = try explain(  // all ranks
        chosen.map { "\(tests.root)/\(tests.images[$0].path)" }, explainer, method)
      if communicator.isRoot {
        let cards = zip(chosen, explained).map { card(tests, $0, $1, pictures) }
        examples.mostAnomalous = Array(cards.prefix(count))
        examples.mostNormal = Array(cards.dropFirst(count))
      }
    }
    guard communicator.isRoot else { return examples }
    examples.absence = absence
    examples.oddest = Self.order(leftOut).prefix(ReportExamples.most).map { row in
      Card(
        title: source.imageIDs[row], facts: [Fact("score, left out", Figures.fixed(leftOut[row], 6))],
        pictures: [pictures?.training(row, caption: "training image")].compactMap { $0 })
    }
    return examples
  }

  /// Places by score, the highest first, of equal ones the first.
  private static func order(_ scores: [Double]) -> [Int] {
    scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
  }

  /// Why training images cannot be shown.
  private var absence: String? {
    if source.hasHashedIDs { return "\(source.path) keeps hashes in place of their names" }
    return data.root == nil ? "the data set is not there" : nil
  }

  /// All ranks. What makes heat maps: place by place against normal images where they are at hand, or by occlusion.
  private func explainer() throws -> (Explainer, HeatMethod?) {
    let local = try ReportData.unlessMissing { () -> Explainer? in
      guard let normal = try NormalImages.find(source, data.request, communicator: communicator, note: { _ in })
      else { return nil }
      let memory = try LocalMemory(  // all ranks
        scorer, images: normal, most: LocalMemory.defaultImages, patients: source.patients, host: host, log: log)
      return Explainer(scorer, local: memory, normal: normal)
    }
    switch local {
    case .success(let explainer?): return (explainer, .local)
    case .success: return (Explainer(scorer), .occlusion)
    case .failure(let reason):
      log.note("heat maps by occlusion, as no normal images are at hand: \(reason.sentence)")
      return (Explainer(scorer), .occlusion)
    }
  }

  /// All ranks. The images with their nearest prototypes and heat maps, in order.
  ///
  /// - Parameter method: nil: no heat maps.
  private func explain(_ paths: [String], _ explainer: Explainer, _ method: HeatMethod?) throws -> [Explanation] {
    var explained: [Explanation] = []
    try explainer.explain(  // all ranks
      paths.map(Picture.file), nearest: Self.prototypes, method: method, title: "explaining"
    ) { explained += $0 }
    return explained
  }

  private func card(
    _ tests: TestScores, _ place: Int, _ explanation: Explanation, _ pictures: ExamplePictures?
  ) -> Card {
    let (image, score) = (tests.images[place], tests.scores[place])
    let label = image.isAnomalous ? image.kinds.joined(separator: ", ") : "normal"
    var facts = [Fact("score", Figures.fixed(score, 6))]
    if let threshold {
      facts.append(Fact("p-value", Figures.fixed(threshold.pValue(of: score), 4)))
      facts.append(Fact("flagged", threshold.flags(score) ? "yes" : "no"))
    }
    facts.append(Fact("label", label))
    // Of several models the first one's: the others' are much the same.
    let nearest = explanation.prototypes.first ?? []
    let own = [
      pictures?.test("\(tests.root)/\(image.path)", caption: "this image"), pictures?.heatMap(explanation),
    ]
    let comparisons = nearest.enumerated().map { rank, prototype in
      pictures?.training(
        prototype.index,
        caption: "normal no. \(rank + 1): distance \(Figures.fixed(prototype.distance, 3)), weight "
          + Figures.percent(prototype.weight))
    }
    let shown = comparisons.compactMap { $0 }
    // Where pictures tell the distances, names are enough.
    let names = nearest.map { shown.isEmpty ? "\($0.id) (distance \(Figures.fixed($0.distance, 3)))" : $0.id }
    return Card(
      title: image.path, facts: facts, pictures: own.compactMap { $0 }, comparisons: shown,
      note: names.isEmpty ? nil : "Nearest normal images: \(names.joined(separator: ", "))")
  }
}
