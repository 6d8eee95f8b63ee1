import MPI
import Radiographs

// S = side of the picture that the network sees, G = places along a side

/// What the score loses when a place is painted over: the slow, direct question.
///
/// A square of S/8 around each of G x G places is filled from its border, by the mean of the line between left and right
/// and of that between top and bottom, so that the filling itself looks like nothing in particular. All G x G pictures are
/// scored. After Zeiler and Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014).
struct Occlusion {
  let scorer: Scorer
  /// Whether a signal ends it.
  let heedsSignals: Bool

  init(_ scorer: Scorer, _ heedsSignals: Bool) { (self.scorer, self.heedsSignals) = (scorer, heedsSignals) }

  /// G.
  static let places = 16

  /// All ranks.
  ///
  /// - Parameters:
  ///   - image: (S, S), pixels in 0...1, equal on all ranks.
  ///   - score: its score.
  func heatMap(of image: Radiograph, score: Double) throws -> HeatMap {
    guard case .float(let pixels) = image.pixels else { preconditionFailure("an image that is not of floats") }
    let side = image.width
    let pictures = (0..<Self.places * Self.places).map { place in
      Picture.prepared(
        Radiograph(
          width: side, height: side,
          pixels: .float(Self.covered(pixels, side: side, x: place % Self.places, y: place / Self.places))),
        name: "occluded")
    }
    let covered = try scorer.look(at: pictures, nearest: 0, heedsSignals: heedsSignals)  // all ranks
    let losses = covered.map { score - ($0.score.score ?? score) }
    return HeatMap(
      method: .occlusion, side: side,
      values: HeatMap.enlarged(losses, from: Self.places, to: side).map { Float($0) })
  }

  /// The image with the square around a place filled from its border.
  static func covered(_ pixels: [Float], side: Int, x: Int, y: Int) -> [Float] {
    func range(_ place: Int) -> ClosedRange<Int> {
      let centre = (2 * place + 1) * side / (2 * places)
      return max(0, centre - side / 16)...min(side - 1, centre + side / 16 - 1)
    }
    let (columns, rows) = (range(x), range(y))
    // What lies beside the square; at the image's edge, its own outermost pixels.
    let (left, right) = (max(0, columns.lowerBound - 1), min(side - 1, columns.upperBound + 1))
    let (top, bottom) = (max(0, rows.lowerBound - 1), min(side - 1, rows.upperBound + 1))
    var covered = pixels
    for row in rows {
      for column in columns {
        let across = Float(column - left) / Float(right - left)
        let down = Float(row - top) / Float(bottom - top)
        let horizontal = pixels[row * side + left] * (1 - across) + pixels[row * side + right] * across
        let vertical = pixels[top * side + column] * (1 - down) + pixels[bottom * side + column] * down
        covered[row * side + column] = (horizontal + vertical) / 2
      }
    }
    return covered
  }
}
