import Autoencoder
import MPI
import MemoryBank
import Safetensors

extension ModelSource {
  /// All ranks. What makes of images what a model's rows are.
  ///
  /// - Parameters:
  ///   - model: one of `models`.
  ///   - precision: of the encoder; nil: what the model remembers.
  ///   - workers: threads of this rank.
  ///   - communicator: of the ranks that take part.
  func embedder(
    of model: Model, precision: Precision? = nil, workers: Int, communicator: Communicator
  ) throws -> Embedder {
    let replica = try agree(communicator) {  // all ranks
      let replica = try Replica(
        configuration: scoring.network, precision: precision ?? scoring.precision, microBatch: scoring.microBatch,
        workers: workers, training: false, activationLimit: 0)
      try replica.loadModel(SafetensorsFile(path: model.path))
      return replica
    }
    return Embedder(
      replica: replica, microBatch: scoring.microBatch, workers: workers,
      levels: bankKind == .refreshed ? scoring.levels : .bottleneck, scale: scoring.featureScale,
      exposure: exposure(of: model))
  }

  /// What the rows of a model's bank have lost.
  func exposure(of model: Model) -> ExposureDirection? {
    guard bankKind == .refreshed, let axis = model.calibration?.exposureAxis, let damping = scoring.exposureDamping
    else { return nil }
    return ExposureDirection(axis: axis, damping: damping)
  }
}
