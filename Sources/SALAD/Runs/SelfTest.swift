import Autoencoder
import MPI
import MemoryBank
import Platform
import Radiographs

/// What a deployment's model makes of two images that anyone can draw: the proof that another machine, or another
/// program, computes what the one that made the deployment did.
///
/// Image i is 8 x 8 gray values, `CounterRandom(seed: i, name: "self-test").uniform(place)`, black 0 and white 1,
/// stretched to S x S as images are.
public struct SelfTest: Codable, Sendable, Equatable {
  /// The first elements of each image's features.
  var embeddings: [[Float]]
  /// Each image's score under the deployment's rule.
  var scores: [Double]

  static let images = 2
  /// Enough to tell a wrong embedding; the manifest stays readable.
  private static let elements = 16

  /// Rounding differs between instruction sets: by some 1e-6 of the largest feature, and in a score next to 0, where a
  /// distance is the root of a difference, by 5e-5 (both seen against PyTorch). What is wrong is off by a feature's size.
  /// In bfloat16 such a difference, some 1e-6 of a value, now and then turns the rounding of an activation: of about
  /// 1e-6 / 2^-8 = 3e-4 of them in a layer, by 2^-8 each. Over 14 layers that is 2^-8 * sqrt(14 * 3e-4), 3e-4 of a row.
  private static func tolerance(_ precision: Precision) -> Double { precision == .float32 ? 1e-3 : 1e-2 }

  /// Local. The images as a file would give them.
  static func image(_ index: Int) -> Radiograph {
    let random = CounterRandom(seed: UInt64(index), name: "self-test")
    let values = (0..<64).map { Float(random.uniform(UInt64($0))) }
    return Radiograph(width: 8, height: 8, pixels: .float(values))
  }

  /// - Parameters:
  ///   - features: (images, F), of `image(0)` and so on.
  ///   - scores: one each.
  init(features: [Float], scores: [Double]) {
    let dimension = features.count / Self.images
    embeddings = (0..<Self.images).map { image in
      Array(features[image * dimension..<image * dimension + min(Self.elements, dimension)])
    }
    self.scores = scores
  }

  /// - Parameters:
  ///   - found: what this machine computed.
  ///   - withScores: whether scores are of the same rule and K.
  ///   - precision: what it was computed in.
  ///   - path: of the deployment.
  /// - Throws: `SaladError` 70 unless `found`, measured here, is this but for rounding.
  public func check(_ found: SelfTest, withScores: Bool, precision: Precision, path: String) throws {
    let size = max(1, embeddings.joined().map { abs(Double($0)) }.max() ?? 0)
    let differences =
      zip(embeddings.joined(), found.embeddings.joined()).map { abs(Double($0) - Double($1)) / size }
      + (withScores ? zip(scores, found.scores).map { abs($0 - $1) } : [])
    let largest = differences.max() ?? 0
    guard embeddings.map(\.count) == found.embeddings.map(\.count), largest < Self.tolerance(precision) else {
      throw SaladError(
        .internalError,
        "\(path): expected the numbers of its self-test, found others by up to \(largest): this machine's libraries do "
          + "not compute what the one that made it did, so do not trust its scores")
    }
  }

  /// What is wrong with it where it comes from a file: the sentence without the path.
  func check() throws(Manifest.Fault) {
    guard embeddings.count == Self.images, scores.count == Self.images,
      embeddings.allSatisfy({ $0.allSatisfy(\.isFinite) }), scores.allSatisfy(\.isFinite)
    else { throw Manifest.Fault(sentence: "expected a self-test of \(Self.images) images, found something else") }
  }
}
