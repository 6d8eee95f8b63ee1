import Autoencoder
import Foundation
import Platform
import Radiographs
import Safetensors

// S = image side

/// The weights and images that both sides draw: `scenario.py` and `counter_random.py` again.
public enum ParityInputs {
  static let weightSeed: UInt64 = 5
  static let scaleSeed: UInt64 = 6
  static let bankSeed: UInt64 = 7
  static let orderSeed: UInt64 = 8
  /// Images that are scored, behind those that are trained on.
  static let queries = 12

  /// (count, S, S) in -1...1: eight round spots each and noise.
  static func blobImages(_ count: Int, side: Int, seed: UInt64) -> [Float] {
    var pixels: [Float] = []
    pixels.reserveCapacity(count * side * side)
    for image in 0..<count {
      let random = CounterRandom(seed, UInt64(image))
      let draws = (0..<32).map { random.uniform(UInt64($0)) }
      let spots = (0..<8).map { spot in
        let radius = 0.05 + 0.4 * draws[4 * spot + 2]
        return (
          x: draws[4 * spot], y: draws[4 * spot + 1], area: radius * radius, height: 2 * (draws[4 * spot + 3] - 0.4)
        )
      }
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = ((Double(column) + 0.5) / Double(side), (Double(row) + 0.5) / Double(side))
          var value = -0.3
          for spot in spots {
            let distance = ((x - spot.x) * (x - spot.x) + (y - spot.y) * (y - spot.y)) / spot.area
            value += spot.height * max(1 - distance, 0)
          }
          value += 0.2 * (random.uniform(UInt64(32 + row * side + column)) - 0.5)
          pixels.append(Float(min(max(value, -1), 1)))
        }
      }
    }
    return pixels
  }

  /// The micro-batches of the case's first step.
  public static func firstStep(_ parity: ParityCase) -> [PixelBatch] {
    let images = blobImages(parity.rows, side: parity.size, seed: parity.imageSeed)
    return parity.order.step(0, epoch: 0).map { pixels($0, of: images, epoch: 0, parity) }
  }

  /// The micro-batch's images, augmented where the case says so.
  static func pixels(_ images: [Int], of all: [Float], epoch: Int, _ parity: ParityCase) -> PixelBatch {
    let plane = parity.size * parity.size
    var pixels = [Float](repeating: 0, count: images.count * plane)
    let augmentation = parity.augmented ? Augmentation.standard : .none
    all.withUnsafeBufferPointer { all in
      pixels.withUnsafeMutableBufferPointer { pixels in
        for (place, image) in images.enumerated() {
          augmentation.apply(
            to: UnsafeBufferPointer(rebasing: all[image * plane..<(image + 1) * plane]), side: parity.size,
            into: UnsafeMutableBufferPointer(rebasing: pixels[place * plane..<(place + 1) * plane]), seed: orderSeed,
            epoch: epoch, imageIndex: image)
        }
      }
    }
    return PixelBatch(imageIndices: images, pixels: pixels)
  }

  /// A replica at the case's start: weights as `initialise` draws them, and scales, shifts and statistics that are not
  /// 1, 0, 0 and 1, so that none goes untested.
  public static func replica(_ parity: ParityCase, training: Bool = true) throws -> Replica {
    let replica = try Replica(
      configuration: parity.network, microBatch: parity.microBatch, workers: 2, training: training,
      activationLimit: 1 << 32)
    replica.initialise(seed: weightSeed)
    try withTemporaryFile { path in
      let drawn = try ModelState(of: replica)
      var writer = try SafetensorsWriter(path: path, tensors: drawn.file.tensors)
      for tensor in drawn.file.tensors {
        switch (tensor.type, tensor.shape.count) {
        case (.float32, 1): try writer.write(start(tensor))
        case (.float32, _): try writer.write(drawn.file.floats(tensor.name))
        default: try writer.write(drawn.file.int64s(tensor.name))
        }
      }
      try writer.finish()
      try replica.loadModel(SafetensorsFile(path: path))
    }
    return replica
  }

  /// Values of a tensor of one dimension: `STARTS` of `scenario.py`.
  private static func start(_ tensor: TensorDescription) -> [Float] {
    let (offset, width): (Float, Float) =
      switch tensor.name.split(separator: ".").last {
      case "weight": (0.5, 1)
      case "bias": (-0.5, 1)
      case "running_mean": (-0.2, 0.4)
      default: (0.1, 0.2)
      }
    let random = CounterRandom(seed: scaleSeed, name: tensor.name)
    return (0..<tensor.elementCount).map { offset + width * Float(random.uniform(UInt64($0))) }
  }
}

/// A replica's tensors as its files tell them: what others see of it.
struct ModelState {
  let file: SafetensorsFile

  init(of replica: Replica) throws {
    file = try withTemporaryFile { path in
      try replica.saveModel(to: path, metadata: [:])
      return try SafetensorsFile(path: path)
    }
  }

  /// In the network's order.
  var weights: [TensorDescription] { file.tensors.filter { $0.type == .float32 && !isStatistic($0) } }
  var statistics: [TensorDescription] { file.tensors.filter { $0.type == .float32 && isStatistic($0) } }

  private func isStatistic(_ tensor: TensorDescription) -> Bool { tensor.name.contains(".running_") }
}

/// The file is mapped by then, or not needed any more.
func withTemporaryFile<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("salad-parity-\(UUID().uuidString)").path
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}
