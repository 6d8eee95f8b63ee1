// What TensorBoard draws of a training: the numbers of metrics.jsonl.

extension StepMetrics {
  /// What is drawn of a step.
  func scalars(learningRate: Double) -> [EventRecord.Scalar] {
    let named: [(String, Double?)] = [
      ("loss", loss), ("reconstruction_loss", reconstructionLoss), ("embedding_loss", embeddingLoss),
      ("instance_loss", instanceLoss), ("aggregation_loss", aggregationLoss), ("learning_rate", learningRate),
      ("images_per_second", timing.imagesPerSecond),
    ]
    return named.compactMap { name, value in
      value.map { EventRecord.Scalar(tag: "step/\(name)", value: Float($0)) }
    }
  }
}

extension EpochMetrics {
  /// What is drawn of an epoch.
  var scalars: [EventRecord.Scalar] {
    let named = [
      ("loss", loss), ("reconstruction_loss", reconstructionLoss), ("embedding_loss", embeddingLoss),
      ("anchors", Double(anchors)),
    ]
    return named.map { EventRecord.Scalar(tag: "epoch/\($0)", value: Float($1)) }
  }
}
