import Foundation

/// Where the patient stands before the detector: body coordinates to image coordinates and back.
///
/// Body coordinates: the midline is x = 0, x grows to the right of the image (the patient's left), y grows
/// downwards; lungs span about 1.4 across. Image coordinates: -1...1 across the picture.
struct Pose: Sendable {
  /// Radians, clockwise on the picture.
  var rotation: Double
  var scale: Double
  var shiftX: Double
  var shiftY: Double
  private let cosine: Double
  private let sine: Double

  init(rotation: Double, scale: Double, shiftX: Double, shiftY: Double) {
    (self.rotation, self.scale, self.shiftX, self.shiftY) = (rotation, scale, shiftX, shiftY)
    (cosine, sine) = (cos(rotation), sin(rotation))
  }

  init(_ draws: inout Draws) {
    self.init(
      rotation: draws.uniform(-4.2, 4.2) * .pi / 180, scale: draws.uniform(0.946, 1.054),
      shiftX: draws.uniform(-0.042, 0.042), shiftY: draws.uniform(-0.042, 0.042))
  }

  func image(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    (scale * (cosine * x - sine * y) + shiftX, scale * (sine * x + cosine * y) + shiftY)
  }

  func body(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let (x, y) = ((x - shiftX) / scale, (y - shiftY) / scale)
    return (cosine * x + sine * y, cosine * y - sine * x)
  }
}
