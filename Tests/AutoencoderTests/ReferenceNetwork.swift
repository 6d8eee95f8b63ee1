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
    let map = trunk(imageMap(images))
    switch configuration.architecture {
    case .unet: return unitRows(map, weights: "feat.weight")
    case .resnet18: return unitRows(mean(map), weights: "encoder.fc.weight", bias: "encoder.fc.bias")
    }
  }

  /// (m, C, S, S) of images (m, S, S).
  func reconstructions(_ images: [Double]) -> [Double] {
    let map =
      switch configuration.architecture {
      case .unet: unetDecoder(embeddings(images))
      case .resnet18: resnetDecoder(trunk(imageMap(images)))
      }
    return map.values.map { tanh($0) }
  }

  /// - Parameter stage: is told of each level's map.
  private func trunk(_ image: Map, stage: (String, Map) -> Void = { _, _ in }) -> Map {
    switch configuration.architecture {
    case .unet:
      let widths = configuration.widths
      return (0...6).reduce(image) { map, level in
        let name = level == 0 ? "input.conv" : "e\(level).conv.conv"
        let result = double(level == 0 ? map : pooled(map), name, outputs: widths[level])
        if level > 0 { stage("e\(level)", result) }
        return result
      }
    case .resnet18:
      let widths = [64, 128, 256, 512].map { min($0, configuration.maximumWidth) }
      let first = convolved(image, "encoder.conv1.weight", outputs: widths[0], kernel: 7, stride: 2)
      var map = leaky(normalised(first, "encoder.bn1"), 0)
      for (layer, width) in widths.enumerated() {
        for block in 0...1 {
          let name = "encoder.layer\(layer + 1).\(block)"
          let stride = layer > 0 && block == 0 ? 2 : 1
          var inner = convolved(map, "\(name).conv1.weight", outputs: width, kernel: 3, stride: stride)
          inner = leaky(normalised(inner, "\(name).bn1"), 0)
          inner = normalised(convolved(inner, "\(name).conv2.weight", outputs: width, kernel: 3), "\(name).bn2")
          if stride == 2 {
            let shortcut = convolved(map, "\(name).downsample.0.weight", outputs: width, kernel: 1, stride: 2)
            map = normalised(shortcut, "\(name).downsample.1")
          }
          map = leaky(sum(inner, map), 0)
        }
        stage("layer\(layer + 1)", map)
      }
      return map
    }
  }

  private func unitRows(_ map: Map, weights: String, bias: String? = nil) -> [Double] {
    let (features, dimension) = (map.channels * map.side * map.side, configuration.embeddingDimension)
    let weights = tensors[weights]!
    var rows: [Double] = []
    for image in 0..<map.images {
      let input = map.values[image * features..<(image + 1) * features]
      let row = (0..<dimension).map { d in
        zip(input, weights[d * features..<(d + 1) * features]).reduce(bias.map { tensors[$0]![d] } ?? 0) {
          $0 + $1.0 * $1.1
        }
      }
      rows += row
    }
    if configuration.centre == .batch { centre(&rows) }
    for image in 0..<map.images {
      let row = image * dimension..<(image + 1) * dimension
      let norm = max(rows[row].reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      for place in row { rows[place] /= norm }
    }
    return rows
  }

  /// Batch normalisation without scale and shift over D, of (m, D).
  private func centre(_ rows: inout [Double]) {
    let dimension = configuration.embeddingDimension
    for d in 0..<dimension {
      let places = stride(from: d, to: rows.count, by: dimension)
      let column = places.map { rows[$0] }
      let own = column.reduce(0, +) / Double(column.count)
      let mean = evaluates ? tensors["feat_norm.running_mean"]![d] : own
      let variance =
        evaluates
        ? tensors["feat_norm.running_var"]![d]
        : column.reduce(0) { $0 + ($1 - own) * ($1 - own) } / Double(column.count)
      for place in places { rows[place] = (rows[place] - mean) / (variance + 1e-5).squareRoot() }
    }
  }

  /// (m, F): means over positions of some levels' maps, one level after another, by running statistics.
  func features(_ images: [Double], levels: [String]) -> [Double] {
    var maps: [(name: String, map: Map)] = []
    _ = trunk(imageMap(images)) { maps.append(($0, $1)) }
    let count = maps[0].map.images
    return (0..<count).flatMap { image in
      maps.filter { levels.contains($0.name) }.flatMap { _, map in
        (0..<map.channels).map { channel in
          let (pixels, plane) = (map.side * map.side, image * map.channels + channel)
          return map.values[plane * pixels..<(plane + 1) * pixels].reduce(0, +) / Double(pixels)
        }
      }
    }
  }

  private func unetDecoder(_ embeddings: [Double]) -> Map {
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
    return convolved(map, "final.weight", outputs: configuration.channels, kernel: 1)
  }

  private func resnetDecoder(_ map: Map) -> Map {
    let widths = [512, 512, 256, 256, 128, 128, 64, 64].map { min($0, configuration.maximumWidth) }
    var map = map
    for (index, width) in widths.enumerated() {
      let name = "decoder.decoder.\(index)"
      var first: Map
      var identity = map
      if [2, 4, 6].contains(index) {
        first = convolved(upsampled(map), "\(name).upsampleLayer.1.weight", outputs: width, kernel: 1)
        first = normalised(first, "\(name).upsampleLayer.2")
        identity = first
      } else {
        first = convolved(map, "\(name).conv1.0.weight", outputs: width, kernel: 3)
        first = normalised(first, "\(name).conv1.1")
      }
      let second = convolved(leaky(first, 0), "\(name).conv2.weight", outputs: width, kernel: 3)
      map = leaky(sum(normalised(second, "\(name).bnrm"), identity), 0)
    }
    return convolved(upsampled(map), "decoder.output.1.weight", outputs: configuration.channels, kernel: 1)
  }

  /// weight * mean reconstruction loss + sum of embeddings * coefficients.
  func loss(_ images: [Double], kind: ReconstructionLoss, weight: Double, coefficients: [Double]) -> Double {
    let rows = embeddings(images)
    let output = reconstructions(images)
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
    [0, 3].reduce(map) { map, index in
      let values = convolved(map, "\(name).\(index).weight", outputs: outputs, kernel: 3)
      return leaky(normalised(values, "\(name).\(index + 1)"), 0.1)
    }
  }

  private func leaky(_ map: Map, _ slope: Double) -> Map {
    var result = map
    for place in map.values.indices where map.values[place] < 0 { result.values[place] *= slope }
    return result
  }

  private func sum(_ a: Map, _ b: Map) -> Map {
    var result = a
    for place in b.values.indices { result.values[place] += b.values[place] }
    return result
  }

  private func mean(_ map: Map) -> Map {
    var result = Map(images: map.images, channels: map.channels, side: 1)
    let pixels = map.side * map.side
    for plane in result.values.indices {
      result.values[plane] = map.values[plane * pixels..<(plane + 1) * pixels].reduce(0, +) / Double(pixels)
    }
    return result
  }

  private func convolved(_ map: Map, _ name: String, outputs: Int, kernel: Int, stride: Int = 1) -> Map {
    let weights = tensors[name]!
    var result = Map(images: map.images, channels: outputs, side: map.side / stride)
    let (side, reach, resultSide) = (map.side, kernel / 2, map.side / stride)
    map.values.withUnsafeBufferPointer { input in
      result.values.withUnsafeMutableBufferPointer { output in
        for image in 0..<map.images {
          for o in 0..<outputs {
            for i in 0..<map.channels {
              for ky in 0..<kernel {
                for kx in 0..<kernel {
                  let w = weights[((o * map.channels + i) * kernel + ky) * kernel + kx]
                  let (dy, dx) = (ky - reach, kx - reach)
                  for y in 0..<resultSide where (0..<side).contains(y * stride + dy) {
                    let from = ((image * map.channels + i) * side + y * stride + dy) * side + dx
                    let to = ((image * outputs + o) * resultSide + y) * resultSide
                    let first = dx < 0 ? (stride - 1 - dx) / stride : 0
                    let end = min(resultSide, max(side - dx + stride - 1, 0) / stride)
                    for x in first..<max(first, end) {
                      output[to + x] += w * input[from + x * stride]
                    }
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
