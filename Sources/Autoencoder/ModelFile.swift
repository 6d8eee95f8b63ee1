import Safetensors

// The replica's tensors on disk, in the network's order and with PyTorch's names and shapes, so that
// `load_state_dict(strict=True)` reads the model in the published modules, and equal weights mean equal bytes.

extension Replica {
  /// Weights and running statistics.
  public func saveModel(to path: String, metadata: [String: String]) throws {
    var writer = try SafetensorsWriter(path: path, tensors: layout.tensors.map(\.description), metadata: metadata)
    for tensor in layout.tensors {
      switch tensor.storage {
      case .parameter(let offset):
        try writer.write(UnsafeRawBufferPointer(shared.parameters[offset..<offset + tensor.count]))
      case .statistic(let offset):
        try writer.write(UnsafeRawBufferPointer(shared.running[offset..<offset + tensor.count]))
      case .stepCount:
        try writer.write([Int64(statisticSteps)])
      }
    }
    try writer.finish()
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

  /// Adam's moments `exp_avg.NAME` and `exp_avg_sq.NAME`, its `step`, and the caller's `extra` tensors behind them.
  public func saveOptimizer(to path: String, extra: [(TensorDescription, [Int64])]) throws {
    let moments = ["exp_avg": firstMoments, "exp_avg_sq": secondMoments].sorted { $0.key < $1.key }
    var descriptions: [TensorDescription] = []
    for (prefix, _) in moments {
      for (tensor, _) in trained {
        descriptions.append(TensorDescription(name: "\(prefix).\(tensor.name)", type: .float32, shape: tensor.shape))
      }
    }
    descriptions.append(TensorDescription(name: "step", type: .int64, shape: []))
    descriptions += extra.map(\.0)
    var writer = try SafetensorsWriter(path: path, tensors: descriptions)
    for (_, buffer) in moments {
      for (tensor, offset) in trained {
        try writer.write(UnsafeRawBufferPointer(buffer[offset..<offset + tensor.count]))
      }
    }
    try writer.write([Int64(stepsTaken)])
    for (_, values) in extra { try writer.write(values) }
    try writer.finish()
  }

  /// The moments and the step; the caller reads its `extra` tensors itself.
  public func loadOptimizer(_ file: SafetensorsFile) throws {
    for (tensor, offset) in trained {
      let range = offset..<offset + tensor.count
      try load(file, "exp_avg.\(tensor.name)", shape: tensor.shape, into: firstMoments[range])
      try load(file, "exp_avg_sq.\(tensor.name)", shape: tensor.shape, into: secondMoments[range])
    }
    stepsTaken = Int(try file.int64s("step", shape: [])[0])
  }

  private var trained: [(ParameterLayout.Tensor, Int)] {
    layout.tensors.compactMap { tensor in
      if case .parameter(let offset) = tensor.storage { (tensor, offset) } else { nil }
    }
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
