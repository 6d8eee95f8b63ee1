import MPI
import Radiographs

// S = side of the picture that the network sees, G = places along a side

/// How fast the score rises or falls as a place grows brighter: its gradient with respect to the pixels, place by place.
///
/// By central differences: a tent of light, two cells of S/G wide, is added to each of G x G places and taken away
/// from it, and both pictures are scored. That is the derivative of the score along G x G directions, which overlap and add up
/// to the whole picture; it needs no way back through the network, works for every score rule and for several models, and
/// says the same for a run as for a deployment.
struct PixelSlope {
  let scorer: Scorer

  init(_ scorer: Scorer) { self.scorer = scorer }

  /// G.
  static let places = 16
  /// Of the tent, of pixels in 0...1: a few steps of 8 bits, small beside what an image shows, large beside rounding.
  private static let height: Float = 0.02

  /// All ranks.
  ///
  /// - Parameter image: (S, S), pixels in 0...1, equal on all ranks.
  func heatMap(of image: Radiograph) throws -> HeatMap {
    guard case .float(let pixels) = image.pixels else { preconditionFailure("an image that is not of floats") }
    let side = image.width
    let pictures = (0..<2 * Self.places * Self.places).map { number in
      let place = number / 2
      return Picture.prepared(
        Radiograph(
          width: side, height: side,
          pixels: .float(
            Self.lifted(
              pixels, side: side, x: place % Self.places, y: place / Self.places,
              by: number % 2 == 0 ? Self.height : -Self.height))),
        name: "brighter")
    }
    let scores = try scorer.look(at: pictures, nearest: 0).map { $0.score.score ?? 0 }  // all ranks
    let slopes = stride(from: 0, to: scores.count, by: 2).map { number in
      // Pixels in -1...1 move by twice as much.
      abs(scores[number] - scores[number + 1]) / (4 * Double(Self.height))
    }
    return HeatMap(
      method: .gradient, side: side,
      values: HeatMap.enlarged(slopes, from: Self.places, to: side).map { Float($0) })
  }

  /// The image with a tent at a place.
  static func lifted(_ pixels: [Float], side: Int, x: Int, y: Int, by height: Float) -> [Float] {
    let cell = Float(side) / Float(places)
    /// 1 at the place's centre, 0 at its neighbours' centres: all places together are 1 everywhere between them.
    func tent(_ pixel: Int, _ place: Int) -> Float {
      let distance = abs((Float(pixel) + 0.5) / cell - 0.5 - Float(place))
      return distance < 1 ? 1 - distance : 0
    }
    var lifted = pixels
    let rows = max(0, Int(Float(y - 1) * cell))..<min(side, Int(Float(y + 2) * cell) + 1)
    let columns = max(0, Int(Float(x - 1) * cell))..<min(side, Int(Float(x + 2) * cell) + 1)
    for row in rows {
      for column in columns { lifted[row * side + column] += height * tent(row, y) * tent(column, x) }
    }
    return lifted
  }
}
