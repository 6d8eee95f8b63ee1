import Autoencoder
import MPI
import MemoryBank
import Platform
import Radiographs

// L = images in the local bank, N = bank rows, R = numbers in an image's maps, P = cells of all its maps, G = cells along a side

/// What is normal at each place: for each model that scores a local bank, and what its cells measure of images that are not in
/// it.
///
/// The heat of a cell is its distance to the nearest cell of the bank at its place or beside it, over the median of the same
/// distance of normal images that are left out: 1 is typical. An image's heat map is the mean over the levels, each enlarged to
/// the picture, and over the models.
///
/// After the position-wise comparison of SPADE (Cohen and Hoshen, 2020) and PaDiM (Defard et al., 2020).
public struct LocalMemory: Sendable {
  /// Cells to each side that count as the same place.
  public static let reach = 1
  /// Images in a local bank, unless another number is asked for.
  public static let defaultImages = 128
  public static let imageCounts = 2...Sharding.maximumRows
  /// Normal images that say what is typical, at most.
  static let mostLeftOut = 128

  struct Model: Sendable {
    let maps: StageMaps
    let bank: LocalBank
    /// P: the median distance of left-out images, above 0.
    let typical: [Float]
  }

  let models: [Model]
  /// L indices of the bank's images, ascending.
  public let images: [Int]

  /// All ranks. Each of `queries`' heat map; equal on all ranks.
  ///
  /// - Parameters:
  ///   - pixels: this rank's part of them.
  ///   - scorer: whose networks these banks are of.
  func heatMaps(of pixels: Embedder.Pixels, _ scorer: Scorer) throws -> [HeatMap] {
    let side = scorer.preparation.side
    var sums: [[Double]] = []
    for (model, embedder) in zip(models, scorer.models.map(\.embedder)) {
      let queries = try scorer.gather(embedder.maps(of: pixels, model.maps))  // all ranks
      let distances = try model.bank.distances(  // all ranks
        queries, reach: Self.reach, communicator: scorer.communicator)
      let cells = model.bank.cellCount
      let count = distances.count / cells
      if sums.isEmpty { sums = [[Double]](repeating: [Double](repeating: 0, count: side * side), count: count) }
      for image in 0..<count {
        let heats = zip(distances[image * cells..<(image + 1) * cells], model.typical).map { Double($0) / Double($1) }
        var first = 0
        for level in model.maps.levels {
          let enlarged = HeatMap.enlarged(Array(heats[first..<first + level.cells]), from: level.side, to: side)
          for place in enlarged.indices { sums[image][place] += enlarged[place] }
          first += level.cells
        }
      }
    }
    let terms = Double(models.reduce(0) { $0 + $1.maps.levels.count })
    return sums.map { HeatMap(method: .local, side: side, values: $0.map { Float($0 / terms) }) }
  }
}

extension Embedder {
  /// The maps that are compared.
  var stageMaps: StageMaps {
    StageMaps(compared: replica.configuration)
  }

  /// Local. (count, R). As they are: a root would make much of what is hardly there.
  func maps(of pixels: Pixels, _ maps: StageMaps) throws -> [Float] {
    try replica.maps(UnsafeBufferPointer(pixels.values), count: pixels.count, maps)
  }
}

// MARK: - Making

extension LocalMemory {
  /// Bytes of an image in the local banks of all models.
  static func imageBytes(_ scorer: Scorer) -> Int {
    scorer.models.reduce(0) { $0 + $1.embedder.stageMaps.count * MemoryLayout<Float>.stride }
  }

  /// The images of a local bank: all N, or so many of them, spread evenly.
  static func chosen(of rows: Int, most: Int) -> [Int] {
    let count = min(rows, most)
    return (0..<count).map { $0 * rows / count }
  }

  /// All ranks. The local banks of a model's training images, each rank reading the images that it owns.
  ///
  /// - Parameters:
  ///   - scorer: whose networks make them.
  ///   - source: the training images, from their files.
  ///   - most: L at most.
  ///   - patients: N, whose images they are: a left-out image is compared with those of others; nil where that is unknown.
  ///   - host: what this rank may use.
  ///   - log: is told what it takes.
  /// - Throws: `SaladError` on all ranks: 64 where there are fewer than two images or one rank's memory does not suffice, 65
  ///   naming an image that cannot be read, 75 when a signal asked to stop.
  public init(
    _ scorer: Scorer, images source: NormalImages, most: Int, patients: [String?], host: HostResources, log: Log
  ) throws {
    let communicator = scorer.communicator
    let chosen = Self.chosen(of: source.ids.count, most: most)
    guard chosen.count > 1 else {
      throw SaladError(
        .usage, "expected 2 training images or more to say what is normal at a place, found \(chosen.count)")
    }
    let sharding = Sharding(rows: chosen.count, ranks: communicator.size)
    let bytes = Self.imageBytes(scorer)
    let embedder = scorer.models[0].embedder
    let need = MemoryNeed(
      work: "a local bank of \(chosen.count) images",
      items: [
        MemoryItem(name: "local bank", bytes: sharding.range(of: 0).count * bytes),
        MemoryItem(name: "maps of a block", bytes: 2 * embedder.imagesPerBlock * communicator.size * bytes),
      ], cure: "fewer --local-images")
    try agree(communicator) { try need.require(of: host) }  // all ranks
    log.note(
      "maps of \(chosen.count == source.ids.count ? "all " : "")\(chosen.count) training images say what is normal at a place: "
        + ByteText.of(chosen.count * bytes))

    let title = "reading normal images"
    scorer.watchdog.enter(title, step: nil)
    let progress = ProgressDisplay(title, unit: "images", total: chosen.count, isShown: communicator.isRoot)
    let mine = sharding.range(of: communicator.rank)
    let blocks = Share.blocks(of: mine, size: embedder.imagesPerBlock)
    let mostBlocks = try communicator.allReduce(Int64(blocks.count), .max)  // all ranks
    let maps = scorer.models.map(\.embedder.stageMaps)
    var shards = maps.map { maps in
      var shard: [Float] = []
      shard.reserveCapacity(mine.count * maps.count)
      return shard
    }
    var done = 0
    for number in 0..<Int(mostBlocks) {
      let block = number < blocks.count ? Array(blocks[number]) : []
      try agree(communicator) {  // all ranks
        let pixels = try embedder.read(block.count) { try source.image(chosen[block[$0]]) }
        for (index, model) in scorer.models.enumerated() {
          shards[index] += try model.embedder.maps(of: pixels, maps[index])
        }
      }
      try Signals.throwIfAnyRankReceivedOne(communicator, "while normal images were read")  // all ranks
      scorer.watchdog.progress()
      done += Int(try communicator.allReduce(Int64(block.count), .sum))  // all ranks
      progress.show(done)
    }
    let groups = LeftOutPass.groups(chosen.map { patients[$0] })
    models = try zip(maps, shards).map { maps, shard in
      let faults = try communicator.allReduce(Int64(shard.count { !$0.isFinite }), .sum)  // all ranks
      guard faults == 0 else {
        throw SaladError(.internalError, "the maps of the training images hold \(faults) numbers that are not finite")
      }
      let bank = LocalBank(
        maps.grids, rows: chosen.count, shard: shard, workers: embedder.replica.workers, communicator: communicator)
      let typical = try Self.typical(bank, groups: groups, communicator, scorer.watchdog)  // all ranks
      return Model(maps: maps, bank: bank, typical: typical)
    }
    self.images = chosen
  }

  /// All ranks. P: what a cell of a normal image that is not in the bank is from the nearest, in the median.
  static func typical(
    _ bank: LocalBank, groups: [Int], _ communicator: Communicator, _ watchdog: Watchdog
  ) throws -> [Float] {
    let title = "leaving normal images out"
    watchdog.enter(title, step: nil)
    let (rows, cells) = (bank.sharding.rows, bank.cellCount)
    let leftOut = chosen(of: rows, most: mostLeftOut)
    let progress = ProgressDisplay(
      title, unit: "images", total: leftOut.count, isShown: communicator.isRoot)
    var found: [Float] = []
    for block in Share.blocks(of: leftOut.indices, size: Sharding.granule) {
      let places = leftOut[block]
      let queries = try bank.rows(at: places, communicator)  // all ranks
      let distances = try bank.distances(  // all ranks
        queries, reach: reach, groups: groups, excluding: places.map { groups[$0] }, communicator: communicator)
      found += distances
      try Signals.throwIfAnyRankReceivedOne(communicator, "while normal images were left out")  // all ranks
      watchdog.progress()
      progress.show(block.upperBound)
    }
    return typical(found, cells: cells, grids: bank.grids)
  }

  /// Local. Each cell's median over the images, and no less than a tenth of its level's: where all images are black, a distance
  /// is rounding.
  ///
  /// - Parameter distances: (images, P); infinite ones, of an image whose patient has all others, do not count.
  static func typical(_ distances: [Float], cells: Int, grids: [CellGrid]) -> [Float] {
    var typical = (0..<cells).map { cell in
      LeftOutDistances.median(
        stride(from: cell, to: distances.count, by: cells).map { Double(distances[$0]) }.filter(\.isFinite))
    }
    var first = 0
    for grid in grids {
      let places = first..<first + grid.cells
      let least = LeftOutDistances.median(Array(typical[places])) * leastShare
      // A level that is the same in all images has no scale of its own.
      for place in places { typical[place] = max(typical[place], least > 0 ? least : 1) }
      first += grid.cells
    }
    return typical.map { Float($0) }
  }

  private static let leastShare = 0.1
}

extension StageMaps {
  /// The maps that are compared: of the first three stages, whatever scores. Deeper ones see an anomaly from afar, and mark what
  /// lies around it: docs/explain.md has the trials.
  init(compared configuration: NetworkConfiguration) {
    self.init(Levels(Array(configuration.architecture.stages.prefix(3))), of: configuration)
  }

  /// For the bank that compares them.
  var grids: [CellGrid] {
    levels.map { CellGrid(side: $0.side, channels: $0.channels, offset: $0.offset) }
  }
}
