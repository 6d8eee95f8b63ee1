/// The same picture as another detector, voltage or window would have shown it: gray levels changed, nothing moved.
public struct Exposure: Sendable {
  private let change: ImageChange

  /// - Parameters:
  ///   - contrast: c of `x * c + b` on the -1...1 scale, clamped.
  ///   - brightness: b.
  ///   - exponent: of a gamma curve on the 0...1 scale, after it.
  public init(contrast: Double = 1, brightness: Double = 0, exponent: Double = 1) {
    var change = ImageChange()
    change.contrast = contrast
    change.brightness = brightness
    change.exponent = exponent
    self.change = change
  }

  /// As far as hospitals differ: a tenth of the range darker and brighter, less and more contrast, two gamma curves.
  public static let others = [
    Exposure(brightness: -0.2), Exposure(brightness: 0.2), Exposure(contrast: 0.8), Exposure(contrast: 1.25),
    Exposure(exponent: 0.8), Exposure(exponent: 1.25),
  ]

  /// - Parameter pixels: in -1...1.
  public func apply(to pixels: UnsafeMutableBufferPointer<Float>) { change.adjustIntensity(pixels) }
}
