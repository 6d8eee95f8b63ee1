import Foundation

@testable import Autoencoder

/// The autoencoder as its definition reads, in double and in plain loops: the test of the fast one.
///
/// It keeps the published order in the decoder (upsample, then the 1 x 1 convolution).
struct ReferenceNetwork {
  struct Map {
    var images: Int
    var channels: Int
    var side: Int
    var values: [Double]

    init(images: Int, channels: Int, side: Int) {
      (self.images, self.channels, self.side) = (images, channels, side)
      values = [Double](repeating: 0, count: images * channels * side * side)
    }

    subscript(plane: Int, y: Int, x: Int) -> Double {
      get { values[(plane * side + y) * side + x] }
      set { values[(plane * side + y) * side + x] = newValue }
    }
  }

  let configuration: NetworkConfiguration
  /// By PyTorch's names.
  var tensors: [String: [Double]]
  /// Use the running statistics instead of the batch's.
  var evaluates = false

  init(_ configuration: NetworkConfiguration, copying replica: Replica) {
    self.configuration = configuration
    tensors = [:]
    for tensor in replica.layout.tensors {
      switch tensor.storage {
      case .parameter(let offset):
        tensors[tensor.name] = replica.shared.parameters[offset..<offset + tensor.count].map(Double.init)
      case .statistic(let offset):
        tensors[tensor.name] = replica.shared.running[offset..<offset + tensor.count].map(Double.init)
      case .stepCount: break
      }
    }
  }

  // MARK: - The network

  /// Unit rows (m, D) of images (m, S, S).
  func embeddings(_ images: [Double]) -> [Double] {
    let widths = configuration.widths
    var map = imageMap(images)
    for level in 0...6 {
      if level > 0 { map = pooled(map) }
      let name = level == 0 ? "input.conv" : "e\(level).conv.conv"
      map = double(map, name, outputs: widths[level])
    }
    let (features, dimension) = (widths[6] * map.side * map.side, configuration.embeddingDimension)
    let weights = tensors["feat.weight"]!
    var rows: [Double] = []
    for image in 0..<map.images {
      let input = map.values[image * features..<(image + 1) * features]
      var row = (0..<dimension).map { d in
        zip(input, weights[d * features..<(d + 1) * features]).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let norm = max(row.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      for d in 0..<dimension { row[d] /= norm }
      rows += row
    }
    return rows
  }

  /// (m, C, S, S) from embeddings (m, D).
  func reconstructions(_ embeddings: [Double]) -> [Double] {
    let widths = configuration.widths
    let dimension = configuration.embeddingDimension
    var map = Map(images: embeddings.count / dimension, channels: widths[6], side: configuration.deepestSide)
    let features = widths[6] * map.side * map.side
    let weights = tensors["defeat.weight"]!
    for image in 0..<map.images {
      for d in 0..<dimension {
        for f in 0..<features {
          map.values[image * features + f] += embeddings[image * dimension + d] * weights[d * features + f]
        }
      }
    }
    for level in 1...6 {
      let outputs = widths[6 - level]
      map = convolved(upsampled(map), "d\(level).up.1.weight", outputs: outputs, kernel: 1)
      map = normalised(map, "d\(level).up.2")
      map = double(map, "d\(level).conv.conv", outputs: outputs)
    }
    return convolved(map, "final.weight", outputs: configuration.channels, kernel: 1).values.map { tanh($0) }
  }

  /// weight * mean reconstruction loss + sum of embeddings * coefficients.
  func loss(_ images: [Double], kind: ReconstructionLoss, weight: Double, coefficients: [Double]) -> Double {
    let rows = embeddings(images)
    let output = reconstructions(rows)
    let target = imageMap(images).values
    let differences = zip(output, target).map { kind == .l1 ? abs($0 - $1) : ($0 - $1) * ($0 - $1) }
    return weight * differences.reduce(0, +) / Double(differences.count)
      + zip(rows, coefficients).reduce(0) { $0 + $1.0 * $1.1 }
  }

  // MARK: - Layers

  private func imageMap(_ images: [Double]) -> Map {
    let plane = configuration.size * configuration.size
    var map = Map(images: images.count / plane, channels: configuration.channels, side: configuration.size)
    for index in 0..<map.images * map.channels {
      let image = index / map.channels
      map.values.replaceSubrange(index * plane..<(index + 1) * plane, with: images[image * plane..<(image + 1) * plane])
    }
    return map
  }

  private func double(_ map: Map, _ name: String, outputs: Int) -> Map {
    var map = map
    for index in [0, 3] {
      map = convolved(map, "\(name).\(index).weight", outputs: outputs, kernel: 3)
      map = normalised(map, "\(name).\(index + 1)")
      for place in map.values.indices where map.values[place] < 0 { map.values[place] *= 0.1 }
    }
    return map
  }

  private func convolved(_ map: Map, _ name: String, outputs: Int, kernel: Int) -> Map {
    let weights = tensors[name]!
    var result = Map(images: map.images, channels: outputs, side: map.side)
    let (side, reach) = (map.side, kernel / 2)
    map.values.withUnsafeBufferPointer { input in
      result.values.withUnsafeMutableBufferPointer { output in
        for image in 0..<map.images {
          for o in 0..<outputs {
            for i in 0..<map.channels {
              for ky in 0..<kernel {
                for kx in 0..<kernel {
                  let w = weights[((o * map.channels + i) * kernel + ky) * kernel + kx]
                  let (dy, dx) = (ky - reach, kx - reach)
                  for y in max(0, -dy)..<min(side, side - dy) {
                    let from = ((image * map.channels + i) * side + y + dy) * side + dx
                    let to = ((image * outputs + o) * side + y) * side
                    for x in max(0, -dx)..<min(side, side - dx) { output[to + x] += w * input[from + x] }
                  }
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  private func normalised(_ map: Map, _ name: String) -> Map {
    var result = map
    let pixels = map.side * map.side
    for channel in 0..<map.channels {
      let planes = (0..<map.images).map { ($0 * map.channels + channel) * pixels }
      var mean = tensors[name + ".running_mean"]![channel]
      var variance = tensors[name + ".running_var"]![channel]
      if !evaluates {
        let count = Double(map.images * pixels)
        mean = planes.reduce(0) { $0 + map.values[$1..<$1 + pixels].reduce(0, +) } / count
        variance =
          planes.reduce(0) { sum, plane in
            sum + map.values[plane..<plane + pixels].reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
          } / count
      }
      let scale = tensors[name + ".weight"]![channel] / (variance + 1e-5).squareRoot()
      for plane in planes {
        for place in plane..<plane + pixels {
          result.values[place] = (map.values[place] - mean) * scale + tensors[name + ".bias"]![channel]
        }
      }
    }
    return result
  }

  private func pooled(_ map: Map) -> Map {
    var result = Map(images: map.images, channels: map.channels, side: map.side / 2)
    for plane in 0..<map.images * map.channels {
      for y in 0..<result.side {
        for x in 0..<result.side {
          result[plane, y, x] = max(
            max(map[plane, 2 * y, 2 * x], map[plane, 2 * y, 2 * x + 1]),
            max(map[plane, 2 * y + 1, 2 * x], map[plane, 2 * y + 1, 2 * x + 1]))
        }
      }
    }
    return result
  }

  private func upsampled(_ map: Map) -> Map {
    var result = Map(images: map.images, channels: map.channels, side: 2 * map.side)
    let ratio = Double(map.side - 1) / Double(2 * map.side - 1)
    func weights(_ position: Int) -> (Int, Int, Double) {
      let place = Double(position) * ratio
      let low = min(Int(place), map.side - 1)
      return (low, min(low + 1, map.side - 1), place - Double(low))
    }
    for plane in 0..<map.images * map.channels {
      for y in 0..<result.side {
        let (top, bottom, v) = weights(y)
        for x in 0..<result.side {
          let (left, right, h) = weights(x)
          result[plane, y, x] =
            (1 - v) * ((1 - h) * map[plane, top, left] + h * map[plane, top, right])
            + v * ((1 - h) * map[plane, bottom, left] + h * map[plane, bottom, right])
        }
      }
    }
    return result
  }
}
