import Foundation
import Platform
import Safetensors
import Testing

@testable import ExactSum
@testable import MemoryBank

@Suite("Rows in memory and in a mapped file")
struct ShardStorageTests {
  /// As `shards`, mapped from a file that is gone by then.
  private func mappedShards(_ values: [Float], dimension: Int, ranks: Int, workers: Int = 1) throws -> [MemoryBank] {
    let path = FileManager.default.temporaryDirectory.appending(path: "salad-\(UUID().uuidString)").path
    let shape = [values.count / dimension, dimension]
    var writer = try SafetensorsWriter(
      path: path, tensors: [TensorDescription(name: "bank", type: .float32, shape: shape)])
    try writer.write(values)
    try writer.finish()
    defer { unlink(path) }
    let mapped = try #require(try SafetensorsFile(path: path).mappedFloats("bank", shape: shape))
    return (0..<ranks).map { rank in
      MemoryBank(
        sharding: Sharding(rows: shape[0], ranks: ranks), rank: rank, dimension: dimension, mapped: mapped,
        workers: Workers(count: workers))
    }
  }

  // The last has more ranks than rows, the others have ranks without rows.
  @Test(
    "Mapped rows answer as those in memory do, to the bit",
    arguments: [(300, 1, 1), (300, 2, 2), (300, 3, 1), (70, 7, 2), (3, 5, 1)], [13, 200])
  func equalAnswers(layout: (rows: Int, ranks: Int, workers: Int), dimension: Int) throws {
    let (rows, ranks, workers) = layout
    let values = unitRows(rows, dimension)
    let queries = unitRows(9, dimension, seed: 2)
    let mapped = try mappedShards(values, dimension: dimension, ranks: ranks, workers: workers)
    for (mapped, owned) in zip(mapped, shards(values, dimension: dimension, ranks: ranks, workers: workers)) {
      #expect(mapped.shard == owned.shard)
      for count in [1, 9] {
        let asked = queries[..<(count * dimension)]
        for excluding in [nil, (0..<count).map { $0 % rows }] {
          for metric in [SearchMetric.dotProduct, .euclidean] {
            let found = mapped.candidates(asked, k: 10, excluding: excluding?[...], by: metric)
            #expect(found.packed == owned.candidates(asked, k: 10, excluding: excluding?[...], by: metric).packed)
            let clear = asked.withUnsafeBufferPointer {
              mapped.clearCandidates($0, k: min(10, mapped.ownedRows.count), excluding: excluding, by: metric)
            }
            #expect(found.packed == clear.packed)
          }
        }
      }
      let nearest = [[0, rows - 1, rows / 2].map { Neighbour(similarity: -0.1 - 0.001 * Double($0), index: $0) }]
      let aggregation = Aggregation(rule: .weighted, k: 3, temperature: 1, squaredScale: 1)
      #expect(mapped.weightedRows(nearest, aggregation).elements == owned.weightedRows(nearest, aggregation).elements)
    }
  }

  @Test("Mapped values that are not finite are counted")
  func faults() throws {
    var values = unitRows(40, 5)
    values[7] = .nan
    values[199] = .infinity
    let bank = try mappedShards(values, dimension: 5, ranks: 1)[0]
    #expect(bank.candidates(unitRows(1, 5)[...], k: 3, excluding: nil, by: .euclidean).faults == 2)
  }

  @Test("Who changes mapped rows changes a copy of its own")
  func change() throws {
    let values = unitRows(20, 2)
    let bank = try mappedShards(values, dimension: 2, ranks: 1)[0]
    var changed = bank
    changed.replace(imageIndices: [19], rows: [3, 4])
    #expect(changed.shard == values[..<38] + [3, 4])
    #expect(bank.shard == values)
  }
}
