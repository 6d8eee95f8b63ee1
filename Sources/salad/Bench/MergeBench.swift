import Autoencoder
import Foundation
import MPI
import MemoryBank
import Platform
import Radiographs
import SALAD

/// Merging a run's sharded bank into a deployment: verify, copy the model, join the shards, digest, force to the disk.
struct MergeBench: BenchSubject {
  static let name = "merge"

  func measure(_ bench: BenchSession) throws -> BenchRecord {
    let communicator = bench.communicator
    let folder = try scratch(communicator)  // all ranks
    defer { if communicator.isRoot { try? Files.remove(folder) } }
    let run = "\(folder)/run"
    try writeRun(run, bench)  // all ranks

    var outputs = 0
    let times = try bench.times {  // all ranks
      outputs += 1
      _ = try Deployment.merge(  // all ranks
        runs: [run], output: "\(folder)/deploy-\(outputs)", bank: nil, workers: bench.workers,
        communicator: communicator, calibration: { $0.models[0].calibration! }, selfTest: { _ in nil })
    }

    var record = BenchRecord()
    let spread = Spread(times)
    record["milliseconds"] = 1000 * spread.median
    record["fastest"] = 1000 * spread.least
    record["slowest"] = 1000 * spread.most
    record["rows"] = Double(bench.rows)
    if communicator.isRoot {
      let bytes = try Folder.entries(of: "\(folder)/deploy-1").entries
        .map { try FileStatus("\(folder)/deploy-1/\($0.name)").size }
        .reduce(0, +)
      record["bytes"] = Double(bytes)
      record["gigabytes_per_second"] = Double(bytes) / spread.median / 1e9
    }
    return record
  }

  /// All ranks. A name for a folder that all see, made by rank 0.
  private func scratch(_ communicator: Communicator) throws -> String {
    let name = Folder.temporary("salad-bench")
    return String(decoding: try communicator.broadcast(bytes: Array(name.utf8), root: 0), as: UTF8.self)  // all ranks
  }

  /// All ranks. A run with one checkpoint: random weights, a random bank in a shard a rank, images that do not exist.
  private func writeRun(_ path: String, _ bench: BenchSession) throws {
    let (configuration, communicator) = (bench.configuration, bench.communicator)
    let replica = try agree(communicator) {  // all ranks
      try Replica(
        configuration: configuration.network, microBatch: configuration.microBatch, workers: bench.workers,
        training: true, activationLimit: 0)
    }
    replica.initialise(seed: configuration.seed)
    let bank = MemoryBank(
      rows: bench.rows, dimension: configuration.embeddingDimension, seed: configuration.seed,
      workers: replica.workers, communicator: communicator)
    let features = MemoryBank(
      rows: bench.rows, dimension: configuration.scoring.featureCount, seed: configuration.seed,
      workers: replica.workers, communicator: communicator)
    let distances = (0..<bench.rows).map { 1 + Double($0) / Double(bench.rows) }
    let calibration = Calibration(
      LeftOutDistances(squaredScale: 1, distances: [.weightedDistance: distances, .weighted: distances]),
      bank: .refreshed, topK: configuration.topK, scoreTemperature: configuration.scoreTemperature,
      falseAlarmRate: ConformalThreshold.defaultFalseAlarmRate)
    let pictures = (0..<bench.rows).compactMap { index in
      PictureHash(hexadecimal: String(repeating: "0", count: 128) + String(format: "%016x", index))
    }
    let description = Checkpoint.Description(
      step: 1, epoch: 1, saladVersion: saladVersion, instructionSet: OneDNN.instructionSet,
      dataFingerprint: String(repeating: "0", count: 64),
      imageIDs: (0..<bench.rows).map { String(format: "train/good/%08d_%03d.png", $0 / 4, $0 % 4) },
      pictures: pictures, scoring: configuration.scoring, calibration: calibration)
    let directory = try RunDirectory.create(path, communicator: communicator)  // all ranks
    // Nobody else has it, and `write` returns when all is written.
    nonisolated(unsafe) let saved = replica
    try Checkpoint.write(  // all ranks
      description, to: directory, keep: 1, momentum: bank, refreshed: features, communicator: communicator,
      model: { try saved.saveModel(to: $0, metadata: [:]) },
      optimizer: { try saved.saveOptimizer(to: $0, extra: []) })
  }
}
