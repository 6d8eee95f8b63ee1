import Foundation
import RanksSupport
import Testing

@testable import SALAD

@Suite("Checkpoints that are read")
struct CheckpointHoldTests {
  private func run(steps: [Int]) throws -> (TemporaryFolder, RunDirectory) {
    let folder = try TemporaryFolder()
    for step in steps {
      let path = "\(folder.path)/\(RunDirectory.checkpointFolder(step: step))"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data("{}".utf8).write(to: URL(fileURLWithPath: path + "/manifest.json"))
    }
    return (folder, RunDirectory(path: folder.path))
  }

  @Test("One that is read is not pruned, by whoever reads, until nobody does")
  func held() throws {
    let (folder, run) = try run(steps: [1, 2, 3])
    defer { folder.remove() }
    let path = "\(folder.path)/\(RunDirectory.checkpointFolder(step: 1))"
    let first = try #require(CheckpointHold.of(path))
    let second = try #require(CheckpointHold.of(path))
    try run.prune(keep: 1)
    #expect(try run.checkpointSteps() == [1, 3])
    first.release()
    try run.prune(keep: 1)
    #expect(try run.checkpointSteps() == [1, 3])
    #expect(!second.isGone)
    second.release()
    try run.prune(keep: 1)
    #expect(try run.checkpointSteps() == [3])
    #expect(first.isGone && second.isGone)
    #expect(CheckpointHold.of(path) == nil)
  }

  @Test("One that another replaced is gone")
  func replaced() throws {
    let (folder, _) = try run(steps: [4])
    defer { folder.remove() }
    let path = "\(folder.path)/\(RunDirectory.checkpointFolder(step: 4))"
    let hold = try #require(CheckpointHold.of(path))
    try FileManager.default.moveItem(atPath: path, toPath: path + "-old")
    try FileManager.default.copyItem(atPath: path + "-old", toPath: path)
    #expect(hold.isGone)
    #expect(CheckpointHold.of(path) != nil)
  }

  @Test("A checkpoint without a manifest is pruned")
  func damaged() throws {
    let (folder, run) = try run(steps: [1, 2])
    defer { folder.remove() }
    try FileManager.default.removeItem(atPath: "\(folder.path)/\(RunDirectory.checkpointFolder(step: 1))/manifest.json")
    try run.prune(keep: 1)
    #expect(try run.checkpointSteps() == [2])
  }
}
