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

  func prepared(by preparation: Preparation) throws -> Radiograph {
    switch self {
    case .file(let path): return preparation(try Radiograph(contentsOf: path))
    case .prepared(let picture, let name):
      let side = preparation.side
      guard picture.width == side, picture.height == side else {
        throw SaladError(
          .usage,
          "\(name): expected a picture prepared as \(side) x \(side), found \(picture.width) x \(picture.height)")
      }
      return picture
    }
  }
}

/// Reads pictures for an embedder, the ranks sharing them.
struct PictureReader {
  let embedder: Embedder
  let preparation: Preparation
  let communicator: Communicator

  /// This rank's part of a block: whole micro-batches of it, blank in place of what cannot be read and may be skipped.
  /// All ranks, since an image that cannot be read concerns all.
  ///
  /// - Returns: bad: what is wrong with any rank's pictures, by their places, equal on all ranks.
  func read(
    _ pictures: ArraySlice<Picture>, _ badImages: BadImages = .fail
  ) throws -> (pixels: Embedder.Pixels, bad: [Int: String]) {
    let (m, count) = (embedder.microBatch, pictures.count)
    let (preparation, side) = (preparation, preparation.side)
    let share = Share.range(of: communicator.rank, ranks: communicator.size, count: (count + m - 1) / m)
    let first = pictures.startIndex + min(count, share.lowerBound * m)
    let mine = min(count, share.upperBound * m) - min(count, share.lowerBound * m)
    let found = Monitor([BadPicture]())
    let pixels = try agree(communicator) {  // all ranks
      try embedder.read(mine) { index in  // mine
        do {
          return try pictures[first + index].prepared(by: preparation)
        } catch {
          guard badImages == .skip else { throw error }
          found.update { $0.append(BadPicture(place: first + index, reason: SaladError(error).description)) }
          return Radiograph(width: side, height: side, pixels: .eightBit([UInt8](repeating: 0, count: side * side)))
        }
      }
    }
    guard badImages == .skip else { return (pixels, [:]) }
    let all = try communicator.allGather(records: found.read { $0 })  // all ranks
    return (pixels, Dictionary(uniqueKeysWithValues: all.map { ($0.place, $0.reason) }))
  }

  private struct BadPicture: Codable {
    var place: Int
    var reason: String
  }
}
