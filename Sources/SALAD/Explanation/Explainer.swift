import MPI
import Radiographs

// S = side of the picture that the network sees

/// Explains scores, all ranks together.
public struct Explainer {
  public let scorer: Scorer
  /// What is normal at each place; nil where nobody has the training images, and no heat map of `HeatMethod.local` is to be had.
  public let local: LocalMemory?
  /// The pictures of the training images; nil where they are not at hand.
  public let normal: NormalImages?

  /// Local.
  ///
  /// - Parameters:
  ///   - scorer: explains its own scores.
  ///   - local: of the same models.
  ///   - normal: of the same models.
  public init(_ scorer: Scorer, local: LocalMemory? = nil, normal: NormalImages? = nil) {
    precondition(
      local.map { $0.models.count == scorer.models.count } ?? true,
      "\(local?.models.count ?? 0) local banks for \(scorer.models.count) models")
    self.scorer = scorer
    self.local = local
    self.normal = normal
  }

  /// All ranks. Pictures explained, in their order: the same bits for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - pictures: equal on all ranks.
  ///   - count: prototypes of each model and picture, at most the K that the score looks up.
  ///   - method: of the heat maps; nil: none are made. `local` wants a `LocalMemory`, `difference` wants
  ///     `NormalImages`.
  ///   - badImages: what a picture that cannot be read does: end the command, or go without a score.
  ///   - title: of the progress; nil: none is shown.
  ///   - heedsSignals: whether a signal ends it: not where who asked is answered first.
  ///   - report: on all ranks, given each block of pictures once it is explained.
  /// - Throws: `SaladError` on all ranks: 65 naming a picture that cannot be read, 75 when a signal asked to stop, and what
  ///   `report` throws on any rank.
  public func explain(
    _ pictures: [Picture], nearest count: Int, method: HeatMethod?, badImages: BadImages = .fail, title: String? = nil,
    heedsSignals: Bool = true, report: ([Explanation]) throws -> Void
  ) throws {
    precondition(method != .local || local != nil, "local heat maps without a local bank")
    precondition(method != .difference || normal != nil, "differences from normal images that are not at hand")
    let isDone = try scorer.look(  // all ranks
      at: pictures, rules: [scorer.rule], badImages: badImages, title: title, heedsSignals: heedsSignals
    ) { block in
      let scored = scorer.scored(block, pictures, nearest: max(1, count))
      let images = try images(of: block)  // all ranks
      let heatMaps = try heatMaps(of: block, scored, images, method, heedsSignals)  // all ranks
      let explanations = scored.indices.map { place in
        Explanation(
          score: scored[place].score, prototypes: scored[place].prototypes,
          image: scored[place].score.score == nil ? nil : images[place],
          heatMap: scored[place].score.score == nil ? nil : heatMaps?[place])
      }
      // On all ranks: they wait for the one whose reader takes its time.
      try scorer.watchdog.waiting("writing the result") {
        try agree(scorer.communicator) { try report(explanations) }  // all ranks
      }
    }
    guard isDone else { throw SaladError(.interrupted, "a signal asked to stop") }
  }

  /// All ranks. What the network saw of a block's pictures, with pixels in 0...1; equal on all ranks.
  private func images(of block: Scorer.Block) throws -> [Radiograph] {
    let side = scorer.preparation.side
    let pixels = try scorer.gather(Array(block.pixels.values))  // all ranks
    return block.places.indices.map { place in
      let start = (place - block.places.lowerBound) * side * side
      return Radiograph(
        width: side, height: side, pixels: .float(pixels[start..<start + side * side].map { ($0 + 1) / 2 }))
    }
  }

  /// All ranks. A heat map for each picture; equal on all ranks.
  private func heatMaps(
    of block: Scorer.Block, _ scored: [ScoredPicture], _ images: [Radiograph], _ method: HeatMethod?,
    _ heedsSignals: Bool
  ) throws -> [HeatMap?]? {
    switch method {
    case nil: return nil
    case .local: return try local?.heatMaps(of: block.pixels, scorer)  // all ranks
    case .occlusion:
      return try zip(scored, images).map { scored, image in
        try scored.score.score.map { try Occlusion(scorer, heedsSignals).heatMap(of: image, score: $0) }  // all ranks
      }
    case .gradient:
      return try images.enumerated().map { place, image in
        guard scored[place].score.score != nil else { return nil }
        let nearest = block.nearest[0][place].prefix(PixelSlope.normals).map(\.index)
        return try PixelSlope(scorer).heatMap(of: image, towards: mean(of: nearest))  // all ranks
      }
    case .difference: return try differences(of: images, scored)  // all ranks
    }
  }

  /// All ranks. The mean of normal images, (S, S) in 0...1; nil where they are not at hand.
  private func mean(of indices: [Int]) throws -> [Float]? {
    guard let normal, !indices.isEmpty else { return nil }
    return try agree(scorer.communicator) {  // all ranks
      let read = try scorer.models[0].embedder.read(indices.count) { try normal.image(indices[$0]) }
      let pixels = read.values.count / indices.count
      return (0..<pixels).map { pixel in
        let sum = indices.indices.reduce(Float(0)) { $0 + read.values[$1 * pixels + pixel] }
        return (sum / Float(indices.count) + 1) / 2
      }
    }
  }

  /// All ranks. How far each pixel is from the nearest prototype's of the first model; the ranks share the reading.
  private func differences(of images: [Radiograph], _ scored: [ScoredPicture]) throws -> [HeatMap?] {
    let (side, communicator) = (scorer.preparation.side, scorer.communicator)
    let mine = Share.range(of: communicator.rank, ranks: communicator.size, count: images.count)
    let embedder = scorer.models[0].embedder
    let pixels = try agree(communicator) { () -> [Float] in  // all ranks
      guard let normal else { return [] }
      let read = try embedder.read(mine.count) { place in
        guard let nearest = scored[mine.lowerBound + place].prototypes.first?.first else {
          return images[mine.lowerBound + place]
        }
        return try normal.image(nearest.index)
      }
      return Array(read.values)
    }
    let all = try scorer.gather(pixels)  // all ranks
    return images.enumerated().map { place, image in
      guard case .float(let values) = image.pixels, scored[place].score.score != nil else { return nil }
      let others = all[place * side * side..<(place + 1) * side * side]
      return HeatMap(
        method: .difference, side: side, values: zip(values, others).map { abs($0 - ($1 + 1) / 2) })
    }
  }
}
