import Platform

/// One synthetic chest X-ray: a function of its seed, split and index alone.
struct Phantom: Sendable {
  /// The part of the data set, whose images are numbered from 0 each.
  enum Split: UInt64, Sendable { case train, testNormal, testAnomalous }

  var radiograph: Radiograph
  /// (size, size), 255 where the anomaly is; nil without one.
  var mask: Radiograph?

  /// - Parameter anomaly: what to add to the chest; exposure, pose, anatomy and noise do not depend on it.
  init(seed: UInt64, split: Split, index: Int, size: Int, anomaly: Anomaly?) {
    // Each purpose has its own stream, so that one more draw for the heart does not move the noise.
    func stream(_ purpose: String) -> CounterRandom {
      CounterRandom(seed: seed, name: "phantom \(purpose)", split.rawValue, UInt64(index))
    }
    var body = Draws(stream("anatomy"))
    let anatomy = Anatomy(&body, details: stream("vessels"))
    var stance = Draws(stream("pose"))
    // Drawn fine enough for the edges, then averaged over each pixel.
    let factor = (192 + size - 1) / size
    var chest = Chest(anatomy: anatomy, pose: Pose(&stance), side: size * factor)
    if let anomaly {
      var draws = Draws(stream("anomaly"))
      let added = anomaly.add(to: &chest, &draws)
      mask = Self.mask(of: added, size: size, factor: factor)
    }
    var exposure = Draws(stream("exposure"))
    let film = Film(&exposure, noise: stream("noise"))
    radiograph = Radiograph(
      width: size, height: size, pixels: .eightBit(film.develop(chest.attenuation, size: size)))
  }

  // A pixel belongs to the anomaly where it adds, on average, more than this to the attenuation: about a gray value or two.
  private static let visible = 0.02

  private static func mask(of added: [Double], size: Int, factor: Int) -> Radiograph {
    var sums = [Double](repeating: 0, count: size * size)
    for row in 0..<size * factor {
      for column in 0..<size * factor {
        sums[row / factor * size + column / factor] += added[row * size * factor + column]
      }
    }
    let threshold = visible * Double(factor * factor)
    return Radiograph(width: size, height: size, pixels: .eightBit(sums.map { $0 > threshold ? 255 : 0 }))
  }
}
