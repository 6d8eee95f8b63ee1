import Foundation
import Platform

// S = side of the square image

/// Strengths of the random changes to a training image; all zero and no flip is `none`.
///
/// In this order: mirrored left to right (half of the time), turned and scaled about the centre, and shifted, in one
/// bilinear affine whose outside is black; then `x * c + b` clamped to -1...1; then a gamma curve; then noise, clamped.
/// What is drawn depends on (seed, epoch, image index) alone, and switching one change on leaves the others' draws alone.
public struct Augmentation: Codable, Sendable, Equatable {
  public var flip: Bool
  /// Degrees: the angle is uniform in +-`rotation`.
  public var rotation: Double
  /// A fraction below 1: the scale is uniform in 1 +- `scale`.
  public var scale: Double
  /// A fraction of the side: both shifts are uniform in +-`shift`.
  public var shift: Double
  /// c is uniform in 1 +- `contrast`.
  public var contrast: Double
  /// b is uniform in +-`brightness`, on the -1...1 scale.
  public var brightness: Double
  /// On the 0...1 scale, the pixel's exponent is exp(u) with u uniform in +-`gamma`: darkening and brightening are
  /// equally likely. 0: off.
  public var gamma: Double
  /// Standard deviation of each pixel's normal noise, on the -1...1 scale. 0: off.
  public var noise: Double

  public init(
    flip: Bool, rotation: Double, scale: Double, shift: Double, contrast: Double, brightness: Double, gamma: Double,
    noise: Double
  ) {
    self.flip = flip
    self.rotation = rotation
    self.scale = scale
    self.shift = shift
    self.contrast = contrast
    self.brightness = brightness
    self.gamma = gamma
    self.noise = noise
  }

  public static let none = Augmentation(
    flip: false, rotation: 0, scale: 0, shift: 0, contrast: 0, brightness: 0, gamma: 0, noise: 0)
  public static let flip = Augmentation(
    flip: true, rotation: 0, scale: 0, shift: 0, contrast: 0, brightness: 0, gamma: 0, noise: 0)
  public static let standard = Augmentation(
    flip: true, rotation: 8, scale: 0.10, shift: 0.035, contrast: 0.25, brightness: 0.17, gamma: 0, noise: 0)

  /// Augments one image; every draw is a function of (seed, epoch, image index).
  ///
  /// - Parameters:
  ///   - image: (S, S) in -1...1.
  ///   - destination: (S, S), written in -1...1; must not overlap `image`.
  ///   - epoch: the global epoch, counted from 0 through all rounds.
  public func apply(
    to image: UnsafeBufferPointer<Float>, side: Int, into destination: UnsafeMutableBufferPointer<Float>, seed: UInt64,
    epoch: Int, imageIndex: Int
  ) {
    precondition(
      side >= 1 && image.count == side * side && destination.count == side * side,
      "an image of \(image.count) pixels was to be augmented into \(destination.count) at side \(side)")
    let random = CounterRandom(seed: seed, name: "augmentation", UInt64(epoch), UInt64(imageIndex))
    let change = ImageChange(of: self, random)
    change.move(image, side: side, into: destination)
    change.adjustIntensity(destination)
    if noise > 0 { addNoise(to: destination, random) }
  }

  private func addNoise(to pixels: UnsafeMutableBufferPointer<Float>, _ random: CounterRandom) {
    let clamp = { (x: Double) in Float(min(max(x, -1), 1)) }
    for first in stride(from: 0, to: pixels.count, by: 2) {
      let (a, b) = random.normalPair(ImageChange.drawCount + UInt64(first / 2))
      pixels[first] = clamp(Double(pixels[first]) + noise * a)
      if first + 1 < pixels.count { pixels[first + 1] = clamp(Double(pixels[first + 1]) + noise * b) }
    }
  }
}

/// What was drawn for one image of one epoch.
struct ImageChange: Equatable {
  var mirrored = false
  /// Radians.
  var angle = 0.0
  var scale = 1.0
  /// Fractions of the side, to the right and downwards.
  var shiftX = 0.0
  var shiftY = 0.0
  var contrast = 1.0
  var brightness = 0.0
  var exponent = 1.0

  /// Counters below this one belong to `init(of:_:)`; noise draws from it on.
  static let drawCount: UInt64 = 16

  init() {}

  init(of strengths: Augmentation, _ random: CounterRandom) {
    precondition((0..<1).contains(strengths.scale), "a scale of 1 +- \(strengths.scale) is not positive")
    func draw(_ counter: UInt64, within strength: Double) -> Double {
      strength * random.uniform(counter, in: -1...1)
    }
    mirrored = strengths.flip && random.uniform(0) < 0.5
    angle = draw(1, within: strengths.rotation) * .pi / 180
    scale = 1 + draw(2, within: strengths.scale)
    shiftX = draw(3, within: strengths.shift)
    shiftY = draw(4, within: strengths.shift)
    contrast = 1 + draw(5, within: strengths.contrast)
    brightness = draw(6, within: strengths.brightness)
    exponent = exp(draw(7, within: strengths.gamma))
  }

  /// Mirrors, turns, scales and shifts. A change that moves no pixel off its grid copies exactly.
  func move(_ image: UnsafeBufferPointer<Float>, side: Int, into destination: UnsafeMutableBufferPointer<Float>) {
    if angle == 0 && scale == 1 && shiftX == 0 && shiftY == 0 {
      if mirrored {
        for row in stride(from: 0, to: side * side, by: side) {
          for x in 0..<side { destination[row + x] = image[row + side - 1 - x] }
        }
      } else {
        _ = destination.update(fromContentsOf: image)
      }
    } else {
      resample(image, side: side, into: destination)
    }
  }

  /// The affine map, bilinear, outside black.
  ///
  /// A source point p goes to c + shift + scale R(angle) F (p - c), where c is the image's centre and F mirrors; each
  /// destination pixel is looked up at the inverse.
  private func resample(
    _ image: UnsafeBufferPointer<Float>, side: Int, into destination: UnsafeMutableBufferPointer<Float>
  ) {
    let centre = Double(side - 1) / 2
    let cosine = cos(angle) / scale
    let sine = sin(angle) / scale
    let mirror = mirrored ? -1.0 : 1.0
    // One black column and row before the image and two behind it: the loop below needs no test for the border.
    let stride = side + 3
    let columnStep = (x: Float(mirror * cosine), y: Float(-sine))
    let limit = Float(side + 1)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: stride * stride) { padded in
      padded.initialize(repeating: -1)
      for y in 0..<side {
        _ = padded[(y + 1) * stride + 1..<(y + 1) * stride + 1 + side]
          .update(fromContentsOf: image[y * side..<(y + 1) * side])
      }
      let source = UnsafeBufferPointer(padded)
      for y in 0..<side {
        // Where the row's first pixel comes from, in the padded image's coordinates.
        let fromX = -centre - shiftX * Double(side)
        let fromY = Double(y) - centre - shiftY * Double(side)
        let startX = Float(mirror * (cosine * fromX + sine * fromY) + centre + 1)
        let startY = Float(cosine * fromY - sine * fromX + centre + 1)
        for x in 0..<side {
          // Beyond the border all is black, as on it: clamped points see the same as free ones.
          let u = min(max(startX + Float(x) * columnStep.x, 0), limit)
          let v = min(max(startY + Float(x) * columnStep.y, 0), limit)
          let (column, row) = (Int(u), Int(v))
          let (right, down) = (u - Float(column), v - Float(row))
          let corner = row * stride + column
          let upper = source[corner] + right * (source[corner + 1] - source[corner])
          let below = corner + stride
          let lower = source[below] + right * (source[below + 1] - source[below])
          destination[y * side + x] = upper + down * (lower - upper)
        }
      }
    }
  }

  /// Contrast and brightness, clamped; then gamma.
  func adjustIntensity(_ pixels: UnsafeMutableBufferPointer<Float>) {
    if contrast != 1 || brightness != 0 {
      let (c, b) = (Float(contrast), Float(brightness))
      for index in 0..<pixels.count { pixels[index] = min(max(pixels[index] * c + b, -1), 1) }
    }
    if exponent != 1 {
      for index in 0..<pixels.count {
        let unit = min(max((Double(pixels[index]) + 1) / 2, 0), 1)
        pixels[index] = Float(2 * pow(unit, exponent) - 1)
      }
    }
  }
}
