import Radiographs

/// How heat looks: matplotlib's inferno, whose steps look alike, to people who are colour-blind as well, and which gets
/// brighter all the way. It shines through the picture more as heat rises; what is normal leaves the picture as it is.
public struct HeatColours: Sendable, Equatable {
  /// What is not coloured at all, and what is coloured most.
  public let range: ClosedRange<Float>
  /// Whether `range` is the same for all images, so that colours of two of them may be compared.
  public let isShared: Bool

  /// A local heat map's colours run from 1, what is typical, to five times that: normal images seldom reach half of
  /// the way, the anomalies of phantoms all of it. Other methods have no unit: to the hottest.
  ///
  /// - Parameter heatMap: what is to be coloured.
  public init(_ heatMap: HeatMap) {
    switch heatMap.method {
    case .local: (range, isShared) = (1...5, true)
    case .gradient, .occlusion, .difference:
      let hottest = heatMap.hottest.value
      (range, isShared) = (0...(hottest > 0 && hottest.isFinite ? hottest : 1), false)
    }
  }

  /// In 0...1: where a heat lies between what is not coloured and what is coloured most.
  func place(of heat: Float) -> Float {
    min(max(0, (heat - range.lowerBound) / (range.upperBound - range.lowerBound)), 1)
  }

  /// - Parameters:
  ///   - heat: any.
  ///   - gray: the picture's pixel beneath.
  func colour(_ heat: Float, over gray: UInt8) -> ColourPicture.Colour {
    let place = place(of: heat)
    let colour = Self.inferno(place)
    // The scale begins with black, which must not show before its colours do; and the picture never goes.
    let strength = 0.75 * min(1, 2 * place)
    func mixed(_ sample: UInt8) -> UInt8 { UInt8((Float(gray) * (1 - strength) + Float(sample) * strength).rounded()) }
    return ColourPicture.Colour(mixed(colour.red), mixed(colour.green), mixed(colour.blue))
  }

  /// The colour at a place of the scale, 0...1.
  static func inferno(_ place: Float) -> ColourPicture.Colour {
    let position = place * Float(stops.count - 1)
    let low = min(Int(position), stops.count - 2)
    let share = position - Float(low)
    func sample(_ shift: Int) -> UInt8 {
      let (from, to) = (Float(stops[low] >> shift & 0xFF), Float(stops[low + 1] >> shift & 0xFF))
      return UInt8((from + share * (to - from)).rounded())
    }
    return ColourPicture.Colour(sample(16), sample(8), sample(0))
  }

  /// Nine of its 256, evenly spaced; straight lines between them are less than a step of a screen's colours off.
  private static let stops = [
    0x000004, 0x210C4A, 0x57106E, 0x8A226A, 0xBC3754, 0xE45A31, 0xF98C0A, 0xF9CB35, 0xFCFFA4,
  ]
}

extension Explanation {
  /// The picture with its heat over it, each pixel of what the network saw as a square.
  ///
  /// - Parameter factor: pixels along that square's side.
  /// - Returns: nil where there is no heat map.
  public func overlay(enlarged factor: Int = 1) -> ColourPicture? {
    guard let image, let heatMap else { return nil }
    let colours = HeatColours(heatMap)
    var picture = ColourPicture(image)
    for y in 0..<picture.height {
      for x in 0..<picture.width {
        picture[x, y] = colours.colour(heatMap.values[y * heatMap.side + x], over: picture[x, y].red)
      }
    }
    return picture.enlarged(factor)
  }
}
