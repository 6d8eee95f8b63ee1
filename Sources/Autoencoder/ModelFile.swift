import Platform
import Safetensors

// The replica's tensors on disk, in the network's order and with PyTorch's names and shapes, so that
// `load_state_dict(strict=True)` reads the model in the published modules, and equal weights mean equal bytes.

/// What a replica has learned, as it is or as it was: weights, running statistics and Adam's moments.
public struct ReplicaState: Sendable {
  let layout: ParameterLayout
  let parameters: AlignedBuffer<Float>
  let running: AlignedBuffer<Float>
  let firstMoments: AlignedBuffer<Float>
  let secondMoments: AlignedBuffer<Float>
  let statisticSteps: Int
  let stepsTaken: Int

  /// The same in memory of its own, which later steps leave alone.
  public func copied() throws(MemoryError) -> ReplicaState {
    try ReplicaState(
      layout: layout, parameters: parameters.copied(), running: running.copied(), firstMoments: firstMoments.copied(),
      secondMoments: secondMoments.copied(), statisticSteps: statisticSteps, stepsTaken: stepsTaken)
  }

  /// Weights and running statistics.
  public func saveModel(to path: String, metadata: [String: String]) throws {
    var writer = try SafetensorsWriter(path: path, tensors: layout.tensors.map(\.description), metadata: metadata)
    for tensor in layout.tensors {
      switch tensor.storage {
      case .parameter(let offset):
        try writer.write(UnsafeRawBufferPointer(parameters[offset..<offset + tensor.count]))
      case .statistic(let offset):
        try writer.write(UnsafeRawBufferPointer(running[offset..<offset + tensor.count]))
      case .stepCount:
        try writer.write([Int64(statisticSteps)])
      }
    }
    try writer.finish()
  }

  /// Adam's moments `exp_avg.NAME` and `exp_avg_sq.NAME`, its `step`, and the caller's `extra` tensors behind them.
  public func saveOptimizer(to path: String, extra: [(TensorDescription, [Int64])]) throws {
    let moments = ["exp_avg": firstMoments, "exp_avg_sq": secondMoments].sorted { $0.key < $1.key }
    var descriptions: [TensorDescription] = []
    for (prefix, _) in moments {
      for (tensor, _) in layout.trained {
        descriptions.append(TensorDescription(name: "\(prefix).\(tensor.name)", type: .float32, shape: tensor.shape))
      }
    }
    descriptions.append(TensorDescription(name: "step", type: .int64, shape: []))
    descriptions += extra.map(\.0)
    var writer = try SafetensorsWriter(path: path, tensors: descriptions)
    for (_, buffer) in moments {
      for (tensor, offset) in layout.trained {
        try writer.write(UnsafeRawBufferPointer(buffer[offset..<offset + tensor.count]))
      }
    }
    try writer.write([Int64(stepsTaken)])
    for (_, values) in extra { try writer.write(values) }
    try writer.finish()
  }
}

extension Replica {
  /// What it has learned so far. Later steps change it: see `ReplicaState.copied`.
  public var state: ReplicaState {
    ReplicaState(
      layout: layout, parameters: shared.parameters, running: shared.running, firstMoments: firstMoments,
      secondMoments: secondMoments, statisticSteps: statisticSteps, stepsTaken: stepsTaken)
  }

  /// `ReplicaState.saveModel` of the present state.
  public func saveModel(to path: String, metadata: [String: String]) throws {
    try state.saveModel(to: path, metadata: metadata)
  }

  /// `ReplicaState.saveOptimizer` of the present state.
  public func saveOptimizer(to path: String, extra: [(TensorDescription, [Int64])]) throws {
    try state.saveOptimizer(to: path, extra: extra)
  }

  /// Throws, naming file and tensor, unless the file has exactly this network's tensors, finite and no variance negative.
  public func loadModel(_ file: SafetensorsFile) throws {
    let expected = Set(layout.tensors.map(\.name))
    if let foreign = file.tensors.first(where: { !expected.contains($0.name) }) {
      throw AutoencoderError(
        .badData,
        "\(file.path): holds a tensor \(foreign.name), which a \(configuration.architecture.rawValue) of this"
          + " configuration does not have.")
    }
    for tensor in layout.tensors {
      switch tensor.storage {
      case .parameter(let offset):
        try load(file, tensor.name, shape: tensor.shape, into: shared.parameters[offset..<offset + tensor.count])
      case .statistic(let offset):
        let statistics = shared.running[offset..<offset + tensor.count]
        try load(file, tensor.name, shape: tensor.shape, into: statistics)
        if tensor.name.hasSuffix("running_var"), statistics.contains(where: { $0 < 0 }) {
          throw AutoencoderError(.badData, "\(file.path): tensor \(tensor.name) holds a negative variance.")
        }
      case .stepCount:
        statisticSteps = Int(try file.int64s(tensor.name, shape: [])[0])
      }
    }
    parametersChanged()
  }

  /// The moments and the step; the caller reads its `extra` tensors itself.
  public func loadOptimizer(_ file: SafetensorsFile) throws {
    for (tensor, offset) in layout.trained {
      let range = offset..<offset + tensor.count
      try load(file, "exp_avg.\(tensor.name)", shape: tensor.shape, into: firstMoments[range])
      try load(file, "exp_avg_sq.\(tensor.name)", shape: tensor.shape, into: secondMoments[range])
    }
    stepsTaken = Int(try file.int64s("step", shape: [])[0])
  }

  private func load(
    _ file: SafetensorsFile, _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws {
    try file.withBytes(of: name, type: .float32, shape: shape) { bytes in
      UnsafeMutableRawBufferPointer(destination).copyMemory(from: bytes)
    }
    guard destination.allSatisfy(\.isFinite) else {
      throw AutoencoderError(.badData, "\(file.path): tensor \(name) holds a number that is not finite.")
    }
  }
}

extension ParameterLayout {
  /// The tensors that Adam moves, and where they stand.
  fileprivate var trained: [(Tensor, Int)] {
    tensors.compactMap { tensor in
      if case .parameter(let offset) = tensor.storage { (tensor, offset) } else { nil }
    }
  }
}
