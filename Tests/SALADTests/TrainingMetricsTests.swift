import MemoryBank
import RanksSupport
import Safetensors
import Testing

@testable import SALAD

@Suite("Training progress")
struct TrainingProgressTests {
  @Test("An epoch's sums survive a checkpoint to the bit")
  func epochLosses() {
    var losses = EpochLosses()
    for step in 1...3 {
      losses.add(
        StepLosses(
          images: 8 * step, total: 1.0 / Double(step), reconstruction: 0.1 * Double(step),
          embedding: 1e-300 * Double(step), instance: nil, aggregation: nil),
        seconds: 1)
    }
    let restored = EpochLosses(bits: losses.bits)
    #expect(restored.images == 48)
    #expect(restored.total == losses.total)
    #expect(restored.reconstruction == losses.reconstruction)
    #expect(restored.embedding == losses.embedding)
  }

  @Test("Anchors and neighbours survive a checkpoint, none too", arguments: [0, 3])
  func anchors(count: Int) throws {
    let anchors =
      count == 0
      ? AnchorNeighbourhoods.none
      : AnchorNeighbourhoods(anchors: [1, 4, 9], neighbours: [2, 3, 5, 6, 7, 8], neighboursPerAnchor: 2)
    let progress = TrainingProgress(anchors: anchors, epochLosses: EpochLosses())

    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.path + "/optimizer.safetensors"
    var writer = try SafetensorsWriter(path: path, tensors: progress.tensors.map(\.0))
    for (_, values) in progress.tensors { try writer.write(values) }
    try writer.finish()
    #expect(try TrainingProgress(SafetensorsFile(path: path), images: 10).anchors == anchors)
  }

  @Test(
    "Anchors that no images are, and neighbours that do not go with them, are refused by the file's name",
    arguments: [
      ([1, 4, 10], [2, 3, 5, 6, 7, 8], 2), ([-1], [2], 1), ([1], [.max], 1), ([1, 4], [2, 3], 2), ([1], [2], -1),
      // The product overflows.
      ([1, 4, 5, 6], [2, 3], 1 << 62), ([], [2], 0),
    ] as [([Int64], [Int64], Int64)])
  func strangers(anchors: [Int64], neighbours: [Int64], perAnchor: Int64) throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.path + "/optimizer.safetensors"
    let tensors = [("anchors", anchors), ("neighbours", neighbours), ("neighbours_per_anchor", [perAnchor])]
    var writer = try SafetensorsWriter(
      path: path, tensors: tensors.map { TensorDescription(name: $0, type: .int64, shape: [$1.count]) })
    for (_, values) in tensors { try writer.write(values) }
    try writer.finish()
    let error = #expect(throws: SaladError.self) { try TrainingProgress(SafetensorsFile(path: path), images: 10) }
    #expect(error?.status == .badData && error?.description.hasPrefix(path) == true)
  }
}
