import Autoencoder
import MPI
import MemoryBank
import Platform

// F = features of an image, K = prototypes looked up

extension Scorer {
  /// Some pictures, looked up.
  struct Block {
    let places: Range<Int>
    /// This rank's part of them.
    let pixels: Embedder.Pixels
    /// (block, F) under the first model, equal on all ranks.
    let features: [Float]
    /// Each model's prototypes of each picture: K, the nearest first.
    var nearest: [[[Neighbour]]]
    /// Each model's distances under each rule; those of bad pictures mean nothing.
    var distances: [[ScoreRule: [Double]]]
    /// What is wrong with the pictures that cannot be read, by their places.
    var bad: [Int: String]
    /// What is odd about the others, likewise.
    var remarks: [Int: Set<ImageRemark>]

    /// What became of a picture.
    func result(_ place: Int, path: String, score: Double) -> ImageScore {
      ImageScore(
        path: path, score: bad[place] == nil ? score : nil, reason: bad[place], remarks: remarks[place] ?? [])
    }
  }

  /// All ranks. Gives `body` the pictures block by block, embedded and looked up.
  ///
  /// - Parameters:
  ///   - pictures: equal on all ranks.
  ///   - rules: under which distances are wanted.
  ///   - badImages: what a picture that cannot be read does.
  ///   - title: of the progress; nil: none is shown.
  ///   - heedsSignals: whether a signal ends it.
  ///   - body: all ranks.
  /// - Returns: false on all ranks when a signal asked to stop.
  func look(
    at pictures: [Picture], rules: [ScoreRule], badImages: BadImages, title: String?, heedsSignals: Bool = true,
    body: (Block) throws -> Void
  ) throws -> Bool {
    let progress = title.map {
      ProgressDisplay($0, unit: "images", total: pictures.count, isShown: communicator.isRoot)
    }
    for places in Share.blocks(of: pictures.indices, size: try imagesPerBlock()) {  // all ranks
      watchdog.enter("embedding images", step: nil)
      let read = try reader.read(pictures[places], badImages)  // all ranks
      let pixels = read.pixels
      let features = try models.map { try $0.embedder.features(of: pixels) }  // mine
      let queries = try features.map { try gather($0) }  // all ranks
      watchdog.enter("looking up prototypes", step: nil)
      var block = Block(
        places: places, pixels: pixels, features: queries[0], nearest: [], distances: models.map { _ in [:] },
        bad: read.bad, remarks: read.remarks)
      for (index, model) in models.enumerated() {
        let nearest = try model.bank.nearest(  // all ranks
          queries[index], k: topK, excluding: nil, by: .euclidean, communicator: communicator)
        for rule in rules {
          block.distances[index][rule] = try model.bank.distances(  // all ranks
            queries[index], nearest: nearest, aggregation(model, rule), communicator)
        }
        // After the search: before it, rows could still change until they are read.
        try agree(communicator) { try model.bank.checkUnchanged() }  // all ranks
        block.nearest.append(nearest)
      }
      try body(block)
      if try heedsSignals && Signals.anyRankReceivedOne(communicator) { return false }  // all ranks
      progress?.show(places.upperBound)
    }
    return true
  }

  func aggregation(_ model: Model, _ rule: ScoreRule) -> Aggregation {
    Aggregation(
      rule: rule, k: topK, temperature: scoring.scoreTemperature, squaredScale: model.calibration.squaredScale)
  }

  var reader: PictureReader {
    PictureReader(
      embedder: models[0].embedder, preparation: scoring.preparation, typical: typical, communicator: communicator)
  }

  /// All ranks. How many images to score at once.
  private func imagesPerBlock() throws -> Int {
    Int(try communicator.allReduce(Int64(models[0].embedder.imagesPerBlock), .sum))  // all ranks
  }

  /// All ranks. Features of a whole block, (count, F), equal on all ranks.
  func gather(_ features: [Float]) throws -> [Float] {
    try communicator.allGatherV(features).flatMap { $0 }  // all ranks
  }
}
