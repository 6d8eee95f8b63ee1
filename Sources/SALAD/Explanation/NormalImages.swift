import MPI
import Platform
import Radiographs

// N = bank rows

/// The pictures of the training images, where they can still be found.
public struct NormalImages: Sendable {
  /// The folder that `ids` are relative to: on this rank.
  public let root: String
  /// N.
  public let ids: [String]
  /// What they show; nil in models from before it was remembered.
  let pictures: [PictureHash]?
  let preparation: Preparation

  /// All ranks. The training images of a model where a command line, or the run itself, says they are.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - request: the data set; without a path where a run has it.
  ///   - communicator: of the ranks that take part.
  ///   - note: given a sentence where they cannot be found and nobody said where they were.
  /// - Returns: nil on all ranks where they cannot be found and nobody said where they were.
  /// - Throws: as `of` does, where somebody did.
  public static func find(
    _ source: ModelSource, _ request: DataRequest, communicator: Communicator, note: (String) -> Void
  ) throws -> NormalImages? {
    if let path = request.path {
      return try of(source, data: path, request.selection(), communicator: communicator)  // all ranks
    }
    guard case .run = source.kind else {
      note("\(source.path) is a deployment, which has no pictures: give the data set of its training as --data")
      return nil
    }
    let run = try agree(communicator) { try RunDirectory.open(source.path) }  // all ranks
    let record = try run.record(communicator)  // all ranks
    do {
      return try of(  // all ranks
        source, data: record.dataPath(run: source.path), request.selection(over: record.data.selection),
        communicator: communicator)
    } catch let error as SaladError where error.status == .badData || error.status == .inputOutput {
      note("the training images are not at hand: \(error.description)")
      return nil
    }
  }

  /// All ranks. The training images of a model, in a data set.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - path: of the data set's folder or table.
  ///   - selection: its layout.
  ///   - communicator: of the ranks that take part.
  /// - Throws: `SaladError` on all ranks: 64 where the model keeps hashes instead of names, 65 when there is no such data set,
  ///   or it has not all images that trained.
  public static func of(
    _ source: ModelSource, data path: String, _ selection: DataSelection, communicator: Communicator
  ) throws -> NormalImages {
    guard !source.hasHashedIDs else {
      throw SaladError(
        .usage,
        "\(source.path): it keeps hashes instead of the names of its training images, so that they cannot be found: leave "
          + "--data away, or explain with the run that it was merged from")
    }
    // A limit is for the images to be explained: the bank's own names say which trained.
    var selection = selection
    selection.limit = nil
    let listed = try ListedImages.training(of: path, selection, communicator: communicator, log: nil)  // all ranks
    // Everything is equal on all ranks, and so is the error.
    let there = Set(listed.paths.map { Array($0.utf8) })
    let missing = source.imageIDs.filter { !there.contains(Array($0.utf8)) }
    if let first = missing.first {
      let others = missing.count > 1 ? " (and \(missing.count - 1) more like it)" : ""
      throw SaladError(
        .badData,
        "\(path): expected the training image \(first) of \(source.path)\(others), found none of that name among "
          + "\(listed.images.count): give the data set of the training as --data")
    }
    return NormalImages(
      root: listed.root, ids: source.imageIDs, pictures: source.pictures, preparation: source.scoring.preparation)
  }

  /// Local. What the network saw of a training image.
  ///
  /// - Throws: `RadiographError` where the file cannot be read, `SaladError` 65 where it shows another picture.
  func image(_ index: Int) throws -> Radiograph {
    let path = "\(root)/\(ids[index])"
    let picture = try Radiograph(contentsOf: path)
    if let pictures, PictureHash(picture).content != pictures[index].content {
      throw SaladError(
        .badData,
        "\(path): expected the picture that the model learnt from, found another: give the data set of the training as "
          + "--data")
    }
    return preparation(picture)
  }
}
