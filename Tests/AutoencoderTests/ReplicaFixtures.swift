import Platform
import Radiographs

@testable import Autoencoder

/// A small network with scales, shifts and running statistics that are not 1, 0, 0 and 1, so that none goes untested.
func smallReplica(
  _ architecture: Architecture = .unet, size: Int = 64, channels: Int = 1, width: Int = 6, dimension: Int = 10,
  centre: Centre = .none, precision: Precision = .float32, microBatch: Int = 2, workers: Int = 1,
  threads: Int = 1, training: Bool = true, activationLimit: Int = 1 << 30
) throws -> Replica {
  let replica = try Replica(
    configuration: NetworkConfiguration(
      architecture: architecture, size: size, channels: channels, maximumWidth: width, embeddingDimension: dimension,
      centre: centre),
    precision: precision, microBatch: microBatch, workers: workers, threads: threads, training: training,
    activationLimit: activationLimit
  )
  replica.initialise(seed: 5)
  for tensor in replica.layout.tensors where tensor.shape.count == 1 {
    let random = CounterRandom(seed: 6, name: tensor.name)
    for index in 0..<tensor.count {
      let draw = Float(random.uniform(UInt64(index)))
      switch tensor.storage {
      case .parameter(let offset):
        replica.shared.parameters.pointer[offset + index] = tensor.name.hasSuffix("weight") ? 0.5 + draw : draw - 0.5
      case .statistic(let offset):
        replica.shared.running.pointer[offset + index] = tensor.name.hasSuffix("var") ? 0.5 + draw : draw - 0.5
      case .stepCount: break
      }
    }
  }
  replica.parametersChanged()
  return replica
}

/// Smooth random images (count, side, side) in -1...1.
func smoothImages(_ count: Int, side: Int, seed: UInt64 = 1) -> [Float] {
  var pixels: [Float] = []
  for image in 0..<count {
    let random = CounterRandom(seed, UInt64(image))
    let (a, b, c) = (random.uniform(0), random.uniform(1), random.uniform(2))
    for y in 0..<side {
      for x in 0..<side {
        let (u, v) = (Double(x) / Double(side), Double(y) / Double(side))
        let noise = random.uniform(UInt64(3 + y * side + x)) - 0.5
        pixels.append(Float(0.9 * (a * u + b * v - c * u * v) - 0.5 + 0.3 * noise))
      }
    }
  }
  return pixels
}

func batches(_ pixels: [Float], of microBatch: Int, side: Int) -> [PixelBatch] {
  let size = microBatch * side * side
  return (0..<pixels.count / size).map { index in
    PixelBatch(
      imageIndices: Array(index * microBatch..<(index + 1) * microBatch),
      pixels: Array(pixels[index * size..<(index + 1) * size]))
  }
}

extension Replica {
  /// The gradients of all parameters, from the sums.
  func gradient(_ name: String) -> [Double] {
    let tensor = layout.tensors.first { $0.name == name }!
    guard case .parameter(let offset) = tensor.storage else { return [] }
    return sums.fixedGradients[offset..<offset + tensor.count].map { Double($0) / Double(1 << 43) }
  }

  var parameterNames: [String] {
    layout.tensors.compactMap { tensor in
      if case .parameter = tensor.storage { tensor.name } else { nil }
    }
  }
}

/// One whole step of L1, whose embeddings' gradients are a tenth of the embeddings: the sums, and the parameters and running
/// statistics after it.
func states(_ replica: Replica, afterStepOf batches: [PixelBatch], images: Int) throws -> [[Int64]] {
  let rows = try replica.encode(
    batches, imagesInStep: images, microBatchesInStep: batches.count, reconstructionLoss: .l1, reconstructionWeight: 1)
  try replica.reconstructAndBackward(embeddingGradients: rows.map { $0 * 0.1 })
  let sums = Array(replica.sums.fixed)
  replica.update(gradients: nil, learningRate: 1e-3, weightDecay: 1e-6)
  return [
    sums, replica.shared.parameters.elements.map { Int64($0.bitPattern) },
    replica.shared.running.elements.map { Int64($0.bitPattern) },
  ]
}
