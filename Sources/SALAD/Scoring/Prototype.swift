import MemoryBank
import Radiographs

// K = prototypes looked up

/// A normal image behind a score.
public struct Prototype: Sendable, Equatable {
  /// Which of the models that score together found it, from 0.
  public let model: Int
  /// The bank's row: the image's index.
  public let index: Int
  /// As the bank names the image: its path in the data set, or a hash.
  public let id: String
  /// Euclidean, between the features of the two images; of unit vectors it is the chord.
  public let distance: Double
  /// What it counts for in the model's distance, in 0...1; those of all K add up to 1.
  public let weight: Double
}

/// What became of one picture, and the normal images behind it.
public struct ScoredPicture: Sendable, Equatable {
  public let score: ImageScore
  /// Each model's nearest prototypes, the nearest first; none where there is no score.
  public var prototypes: [[Prototype]]
}

extension Scorer {
  /// What the network sees of a picture: `preparation(Radiograph(contentsOf: path))` is `Picture.prepared`'s.
  public var preparation: Preparation { scoring.preparation }

  /// Images that this rank embeds together: a few micro-batches for each worker.
  public var imagesPerBlockHere: Int { models[0].embedder.imagesPerBlock }

  /// All ranks. What became of pictures in their order, each with its nearest prototypes: the same bits for any number of
  /// ranks and workers, and the scores of `scores(of:)`.
  ///
  /// Of a deployment call `checkSelf` once before.
  ///
  /// - Parameters:
  ///   - pictures: equal on all ranks.
  ///   - count: prototypes of each model and picture, at most K.
  ///   - badImages: what a picture that cannot be read does: end the command, or go without a score.
  ///   - title: of the progress; nil: none is shown.
  ///   - heedsSignals: whether a signal ends it: not where who asked is answered first.
  /// - Throws: `SaladError` on all ranks: 65 naming a picture that cannot be read, 75 when a signal asked to stop.
  public func look(
    at pictures: [Picture], nearest count: Int, badImages: BadImages = .fail, title: String? = nil,
    heedsSignals: Bool = true
  ) throws -> [ScoredPicture] {
    var results: [ScoredPicture] = []
    let isDone = try look(  // all ranks
      at: pictures, rules: [rule], badImages: badImages, title: title, heedsSignals: heedsSignals
    ) { block in
      results += scored(block, pictures, nearest: count)
    }
    guard isDone else { throw SaladError(.interrupted, "a signal asked to stop") }
    return results
  }

  /// Local. A block's pictures with their nearest prototypes.
  func scored(_ block: Block, _ pictures: [Picture], nearest count: Int) -> [ScoredPicture] {
    let scores = scale.scores(block.distances.map { $0[rule]! })
    return block.places.enumerated().map { place, picture in
      let score = block.result(picture, path: pictures[picture].name, score: scores[place])
      guard score.reason == nil else { return ScoredPicture(score: score, prototypes: []) }
      return ScoredPicture(
        score: score,
        prototypes: models.indices.map { prototypes(block.nearest[$0][place], of: $0, count: count) })
    }
  }

  private func prototypes(_ neighbours: [Neighbour], of model: Int, count: Int) -> [Prototype] {
    let weights = aggregation(models[model], rule).shares(neighbours)
    return zip(neighbours, weights).prefix(count).map { neighbour, weight in
      Prototype(
        model: model, index: neighbour.index, id: imageIDs.isEmpty ? "" : imageIDs[neighbour.index],
        distance: neighbour.squaredDistance.squareRoot(), weight: weight)
    }
  }
}
