import Foundation
import Platform

/// How the picture was taken: tube, detector and the radiographer's choice of window.
struct Film: Sendable {
  /// The attenuation that the detector's curve makes middle gray, and its slope there in gray per unit of attenuation.
  var level: Double
  var slope: Double
  /// The window chosen for display: contrast around middle gray, then brightness, on the scale of -1...1.
  var contrast: Double
  var brightness: Double
  /// Photons that an unattenuated beam leaves in a pixel's width at 256 pixels.
  var photons: Double
  /// Scattered light, as a fraction of the unattenuated beam.
  var scatter: Double
  /// Attenuation added from one edge to the other: the anode's heel and a tilted detector.
  var heelX: Double
  var heelY: Double
  /// Of the focal spot and the detector, in image coordinates: standard deviation.
  var blur: Double
  let noise: CounterRandom

  init(_ draws: inout Draws, noise: CounterRandom) {
    level = draws.uniform(2.45, 2.75)
    slope = draws.uniform(0.31, 0.37)
    contrast = draws.uniform(0.675, 1.275)
    brightness = draws.uniform(-0.25, 0.25)
    photons = exp(draws.uniform(9.0, 10.2))
    scatter = draws.uniform(0.002, 0.006)
    heelX = draws.uniform(-0.045, 0.045)
    heelY = draws.uniform(-0.036, 0.036)
    blur = draws.uniform(0.003, 0.007)
    self.noise = noise
  }

  /// (size, size) gray values of an attenuation map whose side is a multiple of `size`.
  func develop(_ map: AttenuationMap, size: Int) -> [UInt8] {
    let factor = map.side / size
    var beam = [Double](repeating: 0, count: size * size)
    let share = 1 / Double(factor * factor)
    for row in 0..<map.side {
      for column in 0..<map.side {
        beam[row / factor * size + column / factor] += share * exp(-map.values[row * map.side + column])
      }
    }
    blurred(&beam, size: size)
    // A larger pixel catches more photons.
    let perPixel = photons * (256 / Double(size)) * (256 / Double(size))
    let step = 2 / Double(size)
    var gray = [UInt8](repeating: 0, count: size * size)
    for row in 0..<size {
      let heel = heelY * ((Double(row) + 0.5) * step - 1)
      for column in 0..<size {
        let index = row * size + column
        let arrived = (beam[index] + scatter) * perPixel
        // Photons arrive one by one: Poisson's law, of which a normal is the limit.
        let counted = max(arrived + arrived.squareRoot() * noise.normal(UInt64(index)), 1)
        let attenuation = -log(counted / perPixel) + heel + heelX * ((Double(column) + 0.5) * step - 1)
        let curve = 2 / (1 + exp(-4 * slope * (attenuation - level))) - 1
        let shown = min(max(contrast * curve + brightness, -1), 1)
        gray[index] = UInt8(127.5 * (shown + 1) + 0.5)
      }
    }
    return gray
  }

  /// Gaussian blur, rows then columns; beyond the edge the edge goes on.
  private func blurred(_ beam: inout [Double], size: Int) {
    let deviation = max(blur * Double(size) / 2, 0.05)
    let reach = max(1, Int((3 * deviation).rounded(.up)))
    var weights = (0...reach).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
    let sum = weights[0] + 2 * weights.dropFirst().reduce(0, +)
    for index in weights.indices { weights[index] /= sum }
    var other = beam
    for row in 0..<size {
      for column in 0..<size {
        var value = weights[0] * beam[row * size + column]
        for offset in 1...reach {
          let (before, after) = (max(column - offset, 0), min(column + offset, size - 1))
          value += weights[offset] * (beam[row * size + before] + beam[row * size + after])
        }
        other[row * size + column] = value
      }
    }
    for row in 0..<size {
      for column in 0..<size {
        var value = weights[0] * other[row * size + column]
        for offset in 1...reach {
          let (before, after) = (max(row - offset, 0), min(row + offset, size - 1))
          value += weights[offset] * (other[before * size + column] + other[after * size + column])
        }
        beam[row * size + column] = value
      }
    }
  }
}
