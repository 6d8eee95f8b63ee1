import Testing

@testable import Autoencoder

@Suite("Maps of stages")
struct StageMapsTests {
  @Test(
    "Their means over the cells are the features",
    arguments: [
      (Architecture.unet, Precision.float32), (.resnet18, .float32), (.unet, .bfloat16), (.resnet18, .bfloat16),
    ])
  func means(architecture: Architecture, precision: Precision) throws {
    guard precision.isSupported else { return }
    let replica = try smallReplica(architecture, width: 24, precision: precision, training: false)
    let levels = Levels(Array(architecture.stages.prefix(3)))
    let maps = StageMaps(levels, of: replica.configuration)
    let images = smoothImages(3, side: 64)
    let (rows, features) = try images.withUnsafeBufferPointer {
      try (replica.maps($0, count: 3, maps), replica.embed($0, count: 3, levels: levels))
    }
    #expect(rows.count == 3 * maps.count && rows.allSatisfy(\.isFinite))
    var place = 0
    for image in 0..<3 {
      for level in maps.levels {
        for channel in 0..<level.channels {
          let sum = (0..<level.cells).reduce(0.0) { sum, cell in
            sum + Double(rows[image * maps.count + level.offset + cell * level.channels + channel])
          }
          let mean = sum / Double(level.cells)
          // Means are taken before a map is rounded to bfloat16.
          let tolerance = precision == .float32 ? 1e-5 : 2e-2
          #expect(abs(mean - Double(features[place])) < tolerance * max(1, abs(mean)), "\(level.name) \(channel)")
          place += 1
        }
      }
    }
    #expect(place == features.count)
  }

  @Test("A row depends neither on the images beside it nor on its place")
  func company() throws {
    let replica = try smallReplica(width: 16, training: false)
    let maps = StageMaps(Levels(["e2", "e4"]), of: replica.configuration)
    #expect(maps.levels.map(\.side) == [16, 4] && maps.levels.map(\.channels) == [16, 16])
    let images = smoothImages(3, side: 64)
    let all = try images.withUnsafeBufferPointer { try replica.maps($0, count: 3, maps) }
    let last = try Array(images[2 * 64 * 64..<3 * 64 * 64]).withUnsafeBufferPointer {
      try replica.maps($0, count: 1, maps)
    }
    #expect(Array(all[2 * maps.count..<3 * maps.count]) == last)
  }
}
