/// Bytes that a `Replica` takes, found without making one: from the same plan that it allocates by.
///
/// What is set aside and never touched is counted, too: the sum is the most that may become resident.
public struct ReplicaMemory: Sendable {
  /// Weights, scales, shifts and running statistics.
  public let parameters: Int
  /// `StepSums`: gradients and statistics in 64-bit fixed point.
  public let sums: Int
  /// Adam's two moments.
  public let moments: Int
  /// The weights as the convolutions want them.
  public let packedWeights: Int
  /// One micro-batch's activations that are kept from forward to backward.
  public let slot: Int
  /// Each worker's working memory, with the activations that live no longer than its turn.
  public let worker: Int
  /// Elements of the flat gradients, and of `sums`: what travels in a step.
  public let gradientElements: Int
  public let sumElements: Int
  /// Elements of the gradients that are reduced at a time.
  public let largestBucket: Int
  /// Elements of the tensors of a saved model, and of all weights that Adam trains: what a checkpoint holds.
  public let modelElements: Int
  public let trainedElements: Int

  /// Makes the convolutions' primitives, which take little, and none of the buffers.
  ///
  /// - Parameters:
  ///   - configuration: the network.
  ///   - precision: of its activations.
  ///   - microBatch: m.
  ///   - threads: T, of each worker.
  ///   - training: false for a replica that only embeds.
  public init(
    configuration: NetworkConfiguration, precision: Precision = .float32, microBatch: Int, threads: Int = 1,
    training: Bool = true
  ) throws {
    let (_, plan) = try Replica.plan(
      configuration, precision: precision, microBatch: microBatch, threads: threads, training: training)
    let layout = plan.layout
    let float = MemoryLayout<Float>.stride
    gradientElements = layout.parameterCount
    sumElements = layout.parameterCount + layout.statisticCount + StepSums.extraCount
    largestBucket = StepSums.largestBucket(of: layout.parameterCount)
    parameters = (layout.parameterCount + layout.statisticCount + plan.evaluation.count) * float
    sums = training ? sumElements * MemoryLayout<Int64>.stride : 0
    moments = training ? 2 * layout.parameterCount * float : 0
    packedWeights = plan.packed.count * float
    slot = training ? plan.encoderPart.count * float : 0
    worker = plan.sizes.byteCount(training: training)
    modelElements = layout.tensors.reduce(0) { $0 + $1.count }
    trainedElements = layout.tensors.reduce(0) { sum, tensor in
      if case .parameter = tensor.storage { sum + tensor.count } else { sum }
    }
  }

  /// Bytes of the activations that are kept at once.
  ///
  /// - Parameters:
  ///   - microBatches: of this rank in a step.
  ///   - limit: bytes that they may take.
  public func activations(microBatches: Int, workers: Int, limit: Int) -> Int {
    Replica.slots(for: microBatches, workers: workers, limit: limit, slotSize: slot).needed * slot
  }
}
