import Foundation
import MemoryBank

@testable import Autoencoder
@testable import SALAD

extension Target {
  /// The first byte says which file the others are: a checkpoint's manifest, a deployment's, or a run's configuration.
  static let json = Target(
    name: "json",
    seeds: jsonSeeds,
    run: { bytes, folder in
      guard let kind = bytes.first else { return }
      let text = Array(bytes.dropFirst())
      switch kind {
      case UInt8(ascii: "c"): readConfiguration(text)
      case UInt8(ascii: "d"):
        replace(folder + "/manifest.json", by: text)
        readDeployment(folder)
      default:
        replace(folder + "/manifest.json", by: text)
        readCheckpoint(folder)
      }
    })

  private static func readCheckpoint(_ folder: String) {
    guard let manifest = try? Manifest.read(folder: folder) else { return }
    precondition(manifest.imageIDs.count == manifest.rows && manifest.scoring.featureCount == manifest.featureCount)
    precondition(writesAndReads(manifest))
    if let calibration = manifest.calibration { use([calibration], manifest.scoring.scoreRule) }
  }

  private static func readDeployment(_ folder: String) {
    guard let manifest = try? DeploymentManifest.read(folder: folder) else { return }
    precondition(manifest.imageIDs.count == manifest.rows)
    precondition(writesAndReads(manifest))
    use(manifest.calibrations, manifest.scoring.scoreRule)
    try? manifest.selfTest?.check(
      SelfTest(features: [0, 1, 2, 3], scores: [0.25, 0.75]), withScores: true, precision: .float32, path: "deploy")
  }

  private static func readConfiguration(_ text: [UInt8]) {
    guard let record = try? RunRecord.read(text, path: "config.json") else { return }
    precondition(writesAndReads(record))
    _ = record.dataPath(run: "/nowhere/run")
    _ = record.configuration.differences(from: Configuration())
    try? record.validateResume(as: Configuration(), run: "run")
    guard (try? record.configuration.validate()) != nil, (try? record.execution.validate()) != nil else { return }
    // What a resume asks of it before anything is compared with the data.
    let schedule = Schedule(configuration: record.configuration, imageCount: record.data.imageCount)
    precondition(schedule.steps > 0 && schedule.round(of: schedule.steps - 1) == record.configuration.rounds)
    precondition(schedule.images(before: schedule.steps) > 0 && record.configuration.scoring.featureCount > 0)
  }

  /// What scores are made with.
  private static func use(_ calibrations: [Calibration], _ rule: ScoreRule) {
    guard let scale = ScoreScale(calibrations, rule: rule), calibrations[0].judges(rule) != nil else { return }
    let threshold = scale.threshold()
    let score = scale.score(calibrations.map { _ in 0.5 })
    precondition((0...1).contains(score) || rule.isAngular, "a score of \(score)")
    precondition(threshold.flags(score) == (threshold.pValue(of: score) <= threshold.falseAlarmRate))
    _ = (threshold.sentence, scale.leftOut, scale.warning)
  }

  /// Whether the value's JSON is the value again.
  private static func writesAndReads<T: Codable & Equatable>(_ value: T) -> Bool {
    guard let text = try? JSONText.pages(value) else { return false }
    return (try? JSONText.decode(T.self, from: text, path: "again")) == value
  }

  // MARK: Seeds

  @Sendable private static func jsonSeeds() throws -> [String: [UInt8]] {
    var configuration = Configuration()
    configuration.maximumWidth = 16
    configuration.embeddingDimension = 4
    let hash = String(repeating: "a", count: 64)
    func file(_ name: String) -> Manifest.File { Manifest.File(name: name, bytes: 1, sha256: hash) }
    let momentum = Manifest.Shard.name(.momentum, index: 0, of: 1)
    let refreshed = Manifest.Shard.name(.refreshed, index: 0, of: 1)
    let distances = LeftOutDistances(squaredScale: 0.1, distances: [.weightedDistance: [0.5, 0.25]])
    let calibration = Calibration(
      distances, bank: .refreshed, topK: 2, scoreTemperature: 1, falseAlarmRate: 0.25)
    let manifest = Manifest(
      saladVersion: "0.2.0", step: 7, epoch: 3, ranks: 2, instructionSet: "avx2", reduction: .exact,
      dataFingerprint: hash, encoderHash: hash, rows: 2, dimension: 4, featureCount: configuration.scoring.featureCount,
      scoring: configuration.scoring,
      files: [refreshed, Manifest.modelName, momentum, Manifest.optimizerName].map(file),
      shards: [
        Manifest.Shard(name: refreshed, kind: .refreshed, firstRow: 0, endRow: 2),
        Manifest.Shard(name: momentum, kind: .momentum, firstRow: 0, endRow: 2),
      ],
      imageIDs: ["train/good/a.png", "train/good/\u{FC}.png"],
      imageHashes: [String](repeating: String(repeating: "0f", count: 72), count: 2), calibration: calibration)
    let files = [Deployment.bankName(0), Deployment.modelName(0)].map(file)
    var deployment = DeploymentManifest(manifest, bank: .refreshed, calibration: calibration, files: files)
    deployment.selfTest = SelfTest(features: [0, 1, 2, 3], scores: [0.25, 0.75])
    var ensemble = deployment
    ensemble.files += [Deployment.bankName(1), Deployment.modelName(1)].map(file)
    ensemble.further = [
      DeploymentManifest.FurtherModel(
        encoderHash: hash, step: 7, calibration: calibration.judging(by: calibration.leftOut, origin: .leftOut))
    ]
    let record = RunRecord(
      configuration: configuration, execution: Execution(),
      data: RunRecord.DataRecord(
        path: "../data", fingerprint: hash, imageCount: 64, keptBack: 3,
        skipped: [SkippedImage(path: "train/good/b.png", reason: "b.png: expected a PNG, found text.")]),
      initialWeights: RunRecord.WeightsRecord(path: "../weights.safetensors", sha256: hash))
    return try [
      "checkpoint": Array("m".utf8) + JSONText.line(manifest),
      "deployment": Array("d".utf8) + JSONText.line(deployment),
      "ensemble": Array("d".utf8) + JSONText.line(ensemble),
      "configuration": Array("c".utf8) + JSONText.line(record),
    ]
  }
}
