import Safetensors

/// What `Replica.loadInitialWeights` made of a file: every tensor of file and network is in one of the lists.
public struct InitialWeights: Sendable, Equatable {
  /// The network's names of the tensors that came from the file.
  public var used: [String] = []
  /// The file's names of the tensors that the network has no use for.
  public var left: [String] = []
  /// The network's names of the tensors that the file lacks: they keep their random start.
  public var missing: [String] = []
}

extension Replica {
  /// Weights and running statistics to start training from, as far as the file has them.
  ///
  /// A tensor is looked for under the network's own name and under torchvision's (`conv1.weight` for
  /// `encoder.conv1.weight`), so that both a salad model and ImageNet weights serve. With one channel the first
  /// convolution of three is summed over its inputs, which on a gray image is the same. A classifier `fc` of another
  /// number of classes is left, and so are counts of steps: those begin at 0.
  ///
  /// - Throws: `AutoencoderError`, naming file and tensor, when another tensor's shape is not the network's, a number is
  ///   not finite, or nothing fits.
  public func loadInitialWeights(_ file: SafetensorsFile) throws -> InitialWeights {
    let inFile = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    var result = InitialWeights()
    var taken: Set<String> = []
    for tensor in layout.tensors where tensor.storage != .stepCount {
      let names = [tensor.name, Self.torchvisionName(of: tensor.name)]
      guard let found = names.lazy.compactMap({ inFile[$0] }).first, !isOtherClassifier(found, tensor) else {
        result.missing.append(tensor.name)
        continue
      }
      try load(file, found, into: tensor)
      taken.insert(found.name)
      result.used.append(tensor.name)
    }
    result.left = file.tensors.map(\.name).filter { !taken.contains($0) }
    // Every centred network has statistics of that name: they say nothing of which network it is.
    guard result.used.contains(where: { !$0.hasPrefix(Centring.name) }) else {
      let names = file.tensors.prefix(3).map(\.name).joined(separator: ", ")
      throw AutoencoderError(
        .badData,
        "\(file.path): expected weights of a \(configuration.architecture.rawValue), found none among its "
          + "\(file.tensors.count) tensors (\(names) ...).")
    }
    parametersChanged()
    return result
  }

  /// `conv1.weight` of `encoder.conv1.weight`.
  private static func torchvisionName(of name: String) -> String {
    name.hasPrefix("encoder.") ? String(name.dropFirst("encoder.".count)) : name
  }

  private func isOtherClassifier(_ found: TensorDescription, _ tensor: ParameterLayout.Tensor) -> Bool {
    tensor.name.hasPrefix("encoder.fc.") && found.shape != tensor.shape
  }

  private func load(_ file: SafetensorsFile, _ found: TensorDescription, into tensor: ParameterLayout.Tensor) throws {
    let values: [Float]
    if configuration.channels == 1, tensor.name == "encoder.conv1.weight", found.shape == [tensor.shape[0], 3, 7, 7] {
      values = Self.summedOverInputs(try file.floats(found.name, shape: found.shape), inputs: 3, taps: 49)
    } else {
      values = try file.floats(found.name, shape: tensor.shape)
    }
    guard values.allSatisfy(\.isFinite), !tensor.name.hasSuffix("running_var") || values.allSatisfy({ $0 >= 0 }) else {
      throw AutoencoderError(
        .badData, "\(file.path): tensor \(found.name) holds a number that is not finite, or a negative variance.")
    }
    switch tensor.storage {
    case .parameter(let offset): _ = shared.parameters[offset..<offset + tensor.count].update(fromContentsOf: values)
    case .statistic(let offset): _ = shared.running[offset..<offset + tensor.count].update(fromContentsOf: values)
    case .stepCount: break
    }
  }

  /// (O, I, taps) to (O, 1, taps).
  private static func summedOverInputs(_ weights: [Float], inputs: Int, taps: Int) -> [Float] {
    (0..<weights.count / inputs).map { place in
      let (output, tap) = (place / taps, place % taps)
      return (0..<inputs).reduce(0) { $0 + weights[(output * inputs + $1) * taps + tap] }
    }
  }
}
