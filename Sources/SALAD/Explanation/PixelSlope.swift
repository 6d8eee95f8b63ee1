import MPI
import Radiographs

// S = side of the picture that the network sees, G = places along a side

/// How fast the score falls as a place moves towards what is normal: its gradient with respect to the pixels times what they
/// differ by from the nearest normal images, place by place.
///
/// The gradient alone finds nothing: it says where the score would move fastest, and is steepest where an image is nearly
/// normal. Times the difference it is, in first order, what the score would lose.
///
/// By central differences: under a tent, two cells of S/G wide, at each of G x G places, the picture goes a step towards the
/// other and a step away from it, and both are scored. The tents overlap and add up to the whole picture, and so do the heats,
/// to the derivative along the way to the other picture. It needs no way back through the network, works for every score rule
/// and for several models, and says the same for a run as for a deployment.
struct PixelSlope {
  let scorer: Scorer

  init(_ scorer: Scorer) { self.scorer = scorer }

  /// G.
  static let places = 16
  /// Normal images that are the other picture, in the mean.
  static let normals = 5
  /// A step, as a share of the way: small beside it, large beside rounding.
  private static let step: Float = 0.1

  /// All ranks.
  ///
  /// - Parameters:
  ///   - image: (S, S), pixels in 0...1, equal on all ranks.
  ///   - other: (S, S), likewise: what is normal; nil: the image without what is finer than a place.
  func heatMap(of image: Radiograph, towards other: [Float]?) throws -> HeatMap {
    guard case .float(let pixels) = image.pixels else { preconditionFailure("an image that is not of floats") }
    let side = image.width
    let other = other ?? Self.coarse(pixels, side: side)
    let pictures = (0..<2 * Self.places * Self.places).map { number in
      let place = number / 2
      return Picture.prepared(
        Radiograph(
          width: side, height: side,
          pixels: .float(
            Self.moved(
              pixels, towards: other, side: side, x: place % Self.places, y: place / Self.places,
              by: number % 2 == 0 ? -Self.step : Self.step))),
        name: "moved")
    }
    let scores = try scorer.look(at: pictures, nearest: 0).map { $0.score.score ?? 0 }  // all ranks
    let losses = stride(from: 0, to: scores.count, by: 2).map { number in
      // Where the score would rise nothing is odd.
      max(0, scores[number] - scores[number + 1]) / (2 * Double(Self.step))
    }
    return HeatMap(
      method: .gradient, side: side,
      values: HeatMap.enlarged(losses, from: Self.places, to: side).map { Float($0) })
  }

  /// The image with a place moved to another's.
  ///
  /// - Parameter step: the share of the way in the tent's middle.
  static func moved(
    _ pixels: [Float], towards other: [Float], side: Int, x: Int, y: Int, by step: Float
  ) -> [Float] {
    var moved = pixels
    let (rows, columns) = (reach(of: y, side: side), reach(of: x, side: side))
    for row in rows {
      for column in columns {
        let pixel = row * side + column
        moved[pixel] += step * tent(row, y, side: side) * tent(column, x, side: side) * (other[pixel] - pixels[pixel])
      }
    }
    return moved
  }

  /// The means of places, joined by straight lines.
  static func coarse(_ pixels: [Float], side: Int) -> [Float] {
    let means = (0..<places * places).map { place -> Double in
      var (sum, weight) = (0.0, 0.0)
      let (x, y) = (place % places, place / places)
      for row in reach(of: y, side: side) {
        for column in reach(of: x, side: side) {
          let share = Double(tent(row, y, side: side) * tent(column, x, side: side))
          sum += share * Double(pixels[row * side + column])
          weight += share
        }
      }
      return sum / weight
    }
    return HeatMap.enlarged(means, from: places, to: side).map { Float($0) }
  }

  /// 1 at the place's centre, 0 at its neighbours' centres: all places together are 1 everywhere between them.
  private static func tent(_ pixel: Int, _ place: Int, side: Int) -> Float {
    let distance = abs((Float(pixel) + 0.5) / (Float(side) / Float(places)) - 0.5 - Float(place))
    return distance < 1 ? 1 - distance : 0
  }

  /// Where a tent is not 0, and little more.
  private static func reach(of place: Int, side: Int) -> Range<Int> {
    let cell = Float(side) / Float(places)
    return max(0, Int(Float(place - 1) * cell))..<min(side, Int(Float(place + 2) * cell) + 1)
  }
}
