import MPI
import Radiographs

// S = side of the picture that the network sees

/// Explains scores, all ranks together.
public struct Explainer {
  public let scorer: Scorer

  /// Local.
  ///
  /// - Parameter scorer: explains its own scores.
  public init(_ scorer: Scorer) { self.scorer = scorer }

  /// All ranks. Pictures explained, in their order: the same bits for any number of ranks and workers.
  ///
  /// - Parameters:
  ///   - pictures: equal on all ranks.
  ///   - count: prototypes of each model and picture, at most the K that the score looks up.
  ///   - method: of the heat maps; nil: none are made.
  ///   - badImages: what a picture that cannot be read does: end the command, or go without a score.
  ///   - title: of the progress; nil: none is shown.
  ///   - report: on all ranks, given each block of pictures once it is explained.
  /// - Throws: `SaladError` on all ranks: 65 naming a picture that cannot be read, 75 when a signal asked to stop, and what
  ///   `report` throws on any rank.
  public func explain(
    _ pictures: [Picture], nearest count: Int, method: HeatMethod?, badImages: BadImages = .fail, title: String? = nil,
    report: ([Explanation]) throws -> Void
  ) throws {
    let isDone = try scorer.look(  // all ranks
      at: pictures, rules: [scorer.rule], badImages: badImages, title: title
    ) { block in
      let scored = scorer.scored(block, pictures, nearest: count)
      let images = try images(of: block)  // all ranks
      let heatMaps = try heatMaps(of: block, scored, images, method)  // all ranks
      let explanations = scored.indices.map { place in
        Explanation(
          score: scored[place].score, prototypes: scored[place].prototypes,
          image: scored[place].score.score == nil ? nil : images[place], heatMap: heatMaps[place])
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

  /// All ranks. A heat map for each picture that has a score; equal on all ranks.
  private func heatMaps(
    of block: Scorer.Block, _ scored: [ScoredPicture], _ images: [Radiograph], _ method: HeatMethod?
  ) throws -> [HeatMap?] {
    switch method {
    case .occlusion:
      return try zip(scored, images).map { scored, image in
        try scored.score.score.map { try Occlusion(scorer).heatMap(of: image, score: $0) }  // all ranks
      }
    default: return scored.map { _ in nil }
    }
  }
}
