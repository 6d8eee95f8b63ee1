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
    #expect(try TrainingProgress(SafetensorsFile(path: path)).anchors == anchors)
  }
}
