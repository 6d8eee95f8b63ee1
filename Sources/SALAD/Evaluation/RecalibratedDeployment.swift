import MPI
import Platform

extension Deployment {
  /// All ranks. The deployment at `source` with p-values and a scale of another place's normal images, as the folder
  /// `output`, whole or not at all; models and banks are copied.
  ///
  /// - Parameter distances: each model's, by the rule's name: n in the order of the images.
  static func recalibrate(
    _ source: ModelSource, distances: [[String: [Double]]], falseAlarmRate: Double?, selfTest: SelfTest?,
    output: String, communicator: Communicator
  ) throws {
    guard let deployment = source.deployment else {
      throw SaladError(.usage, "\(source.path): expected a deployment to calibrate, found a run: merge it first")
    }
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try write(to: output) { folder in
        var manifest = deployment.manifest
        for file in manifest.files + [manifest.localBank].compactMap({ $0 }) {
          try FileSystem.copy("\(deployment.path)/\(file.name)", to: "\(folder)/\(file.name)")
          guard try FileSystem.digest("\(folder)/\(file.name)", stopping: true).sha256 == file.sha256 else {
            throw SaladError(
              .badData, "\(deployment.path)/\(file.name): expected the bytes that were verified, found others since")
          }
        }
        manifest.calibration = manifest.calibration.judging(by: distances[0], origin: .local)
        if let falseAlarmRate { manifest.calibration.falseAlarmRate = falseAlarmRate }
        manifest.further = manifest.further.map { models in
          zip(models, distances.dropFirst()).map { model, distances in
            var model = model
            model.calibration = model.calibration.judging(by: distances, origin: .local)
            return model
          }
        }
        manifest.selfTest = selfTest
        if FileSystem.exists("\(deployment.path)/\(historyName)") {
          try FileSystem.copy("\(deployment.path)/\(historyName)", to: "\(folder)/\(historyName)")
        }
        return manifest
      }
    }
  }
}
