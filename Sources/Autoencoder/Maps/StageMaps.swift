import CNetworkKernels

// m = images in a micro-batch, G = cells along a side of a map, C = its channels, R = numbers in an image's maps

/// Where a network's maps stand in a row of R numbers: level after level, cell after cell from the top left, each cell's
/// channels side by side.
public struct StageMaps: Sendable, Equatable {
  /// One level's map.
  public struct Level: Sendable, Equatable {
    /// As `Levels` has it.
    public let name: String
    /// G.
    public let side: Int
    /// C.
    public let channels: Int
    /// Of the first cell in a row.
    public let offset: Int

    /// G x G.
    public var cells: Int { side * side }
    /// G x G x C.
    public var count: Int { cells * channels }
  }

  public let levels: [Level]
  /// R.
  public let count: Int
  /// By stage of the architecture; nil where its map is not asked for.
  private let places: [Int?]

  /// - Parameter levels: that the network has, and not the bottleneck, which has no map.
  public init(_ levels: Levels, of configuration: NetworkConfiguration) {
    precondition(
      !levels.isBottleneck && configuration.architecture.has(levels), "a network without maps of \(levels)")
    var (found, places, offset) = ([Level](), [Int?](), 0)
    for (stage, name) in configuration.architecture.stages.enumerated() {
      guard levels.names.contains(name) else {
        places.append(nil)
        continue
      }
      places.append(found.count)
      let level = Level(
        name: name, side: configuration.stageSide(stage), channels: configuration.stageWidths[stage], offset: offset)
      found.append(level)
      offset += level.count
    }
    self.levels = found
    self.places = places
    count = offset
  }

  /// Whether a stage's map is asked for.
  func isAskedFor(_ stage: Int) -> Bool { places[stage] != nil }

  /// The deepest stage asked for: evaluation goes no further.
  var last: Int { places.lastIndex { $0 != nil }! }

  /// Copies a stage's map, (m, C, G, G) blocked, to its place in rows of R.
  func copy(
    _ blocked: UnsafeRawPointer, of stage: Int, images: Int, layout: Int64, into rows: UnsafeMutablePointer<Float>
  ) {
    guard let place = places[stage] else { preconditionFailure("stage \(stage) is not asked for") }
    let level = levels[place]
    withUnsafeTemporaryAllocation(of: Float.self, capacity: images * level.count) { room in
      let plain = room.baseAddress!
      ck_from_blocked(blocked, Int64(images), Int64(level.channels), Int64(level.cells), layout, plain)
      for image in 0..<images {
        let (source, destination) = (plain + image * level.count, rows + image * count + level.offset)
        for cell in 0..<level.cells {
          for channel in 0..<level.channels {
            destination[cell * level.channels + channel] = source[channel * level.cells + cell]
          }
        }
      }
    }
  }
}

extension NetworkConfiguration {
  /// The side of a stage's map, before any maximum: both architectures halve it from stage to stage.
  fileprivate func stageSide(_ stage: Int) -> Int { size >> (stage + 1) }
}

extension Replica {
  /// Maps of clean images with the running statistics, by the encoder alone: those whose means `embed` returns. Local.
  ///
  /// - Parameters:
  ///   - images: (count, S, S) in -1...1, cut into micro-batches of m, the last one filled up with black images.
  ///   - count: any number.
  ///   - maps: of this network.
  /// - Returns: (count, R); a row depends neither on the images beside it nor on its place.
  public func maps(_ images: UnsafeBufferPointer<Float>, count: Int, _ maps: StageMaps) throws -> [Float] {
    try evaluate(images, count: count, rowCount: maps.count) { network, pixels, rows, shared, worker in
      network.evaluate(pixels, maps: maps, into: rows, shared: shared, worker: worker)
    }
  }
}
