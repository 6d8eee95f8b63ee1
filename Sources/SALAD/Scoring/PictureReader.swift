import MPI
import Platform
import Radiographs

/// What became of one image.
public struct ImageScore: Sendable, Equatable {
  public let path: String
  /// The anomaly score in 0...1, higher is more anomalous; nil where the image could not be read.
  public let score: Double?
  /// One sentence: why there is no score.
  public let reason: String?
  /// What else there is to know of it.
  public var remarks: Set<ImageRemark> = []
}

/// What is odd about an image that has a score.
public enum ImageRemark: String, Codable, Sendable {
  /// Its tags say that letters are drawn into the pixels.
  case burnedInAnnotation
  /// White where the training images are black.
  case negative
}

/// What is scored.
public enum Picture: Sendable {
  /// An image file's path.
  case file(String)
  /// What the network shall see, (S, S), of a picture that need never have been a file.
  case prepared(Radiograph, name: String)

  /// The path, or what the results call it.
  public var name: String {
    switch self {
    case .file(let path): path
    case .prepared(_, let name): name
    }
  }

  /// - Parameter typical: what the training images have in common, where that is known.
  func prepared(
    by preparation: Preparation, beside typical: TypicalPicture?
  ) throws -> (picture: Radiograph, remarks: Set<ImageRemark>) {
    switch self {
    case .file(let path):
      let file = try Radiograph(contentsOf: path)
      let picture = preparation(file)
      var remarks: Set<ImageRemark> = []
      if file.hasBurnedInAnnotation { remarks.insert(.burnedInAnnotation) }
      if typical?.isNegative(picture, ofWidth: file.width, height: file.height, fit: preparation.fit) == true {
        remarks.insert(.negative)
      }
      return (picture, remarks)
    case .prepared(let picture, let name):
      let side = preparation.side
      guard picture.width == side, picture.height == side else {
        throw SaladError(
          .usage,
          "\(name): expected a picture prepared as \(side) x \(side), found \(picture.width) x \(picture.height)")
      }
      return (picture, [])
    }
  }
}

/// Reads pictures for an embedder, the ranks sharing them.
struct PictureReader {
  let embedder: Embedder
  let preparation: Preparation
  /// What the training images have in common; nil where that is unknown.
  let typical: TypicalPicture?
  let communicator: Communicator

  /// Pictures that were read.
  struct Pictures {
    /// This rank's part of them.
    let pixels: Embedder.Pixels
    /// What is wrong with any rank's pictures, by their places, equal on all ranks.
    var bad: [Int: String] = [:]
    /// What is odd about any rank's pictures, likewise.
    var remarks: [Int: Set<ImageRemark>] = [:]
  }

  /// This rank's part of a block: whole micro-batches of it, blank in place of what cannot be read and may be skipped.
  /// All ranks, since an image that cannot be read concerns all.
  func read(_ pictures: ArraySlice<Picture>, _ badImages: BadImages = .fail) throws -> Pictures {
    let (m, count) = (embedder.microBatch, pictures.count)
    let (preparation, typical, side) = (preparation, typical, preparation.side)
    let share = Share.range(of: communicator.rank, ranks: communicator.size, count: (count + m - 1) / m)
    let first = pictures.startIndex + min(count, share.lowerBound * m)
    let mine = min(count, share.upperBound * m) - min(count, share.lowerBound * m)
    let found = Monitor([Finding]())
    var read = try agree(communicator) {  // all ranks
      Pictures(
        pixels: try embedder.read(mine) { index in  // mine
          let place = first + index
          do {
            let (picture, remarks) = try pictures[place].prepared(by: preparation, beside: typical)
            if !remarks.isEmpty { found.update { $0.append(Finding(place: place, remarks: remarks)) } }
            return picture
          } catch {
            guard badImages == .skip else { throw error }
            found.update { $0.append(Finding(place: place, reason: SaladError(error).description)) }
            return Radiograph(width: side, height: side, pixels: .eightBit([UInt8](repeating: 0, count: side * side)))
          }
        })
    }
    for finding in try communicator.allGather(records: found.read { $0 }) {  // all ranks
      if let reason = finding.reason { read.bad[finding.place] = reason }
      if !finding.remarks.isEmpty { read.remarks[finding.place] = finding.remarks }
    }
    return read
  }

  /// What there is to say of one picture.
  private struct Finding: Codable {
    var place: Int
    var reason: String?
    var remarks: Set<ImageRemark> = []
  }
}
