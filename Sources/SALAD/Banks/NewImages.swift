import MPI
import Radiographs

/// Images on their way to becoming rows: listed, read once, and found sound.
struct NewImages {
  /// A place in `cache` for each.
  var places: [Int]
  /// What each is called: a path relative to the folder that was given, or a file's name.
  var ids: [String]
  /// Whose each is; nil where that is unknown.
  var patients: [String?]
  /// What each shows.
  var pictures: [PictureHash]
  let cache: ImageCache
  let skipped: [SkippedImage]

  /// Those at these positions.
  func selecting(_ positions: [Int]) -> NewImages {
    var chosen = self
    chosen.places = positions.map { places[$0] }
    chosen.ids = positions.map { ids[$0] }
    chosen.patients = positions.map { patients[$0] }
    chosen.pictures = positions.map { pictures[$0] }
    return chosen
  }
}

/// Where new images come from.
public enum NewImageSource: Sendable {
  /// The normal training images of a data set.
  case data(DataRequest)
  /// Files and folders of pictures; whose all of them are, nil: as their names tell.
  case files([String], patient: String?)
}

extension NewImages {
  /// All ranks. Lists and reads images, the ranks sharing them.
  ///
  /// - Throws: `SaladError` on all ranks: 65 when an image is bad and that is not to be skipped, or when nothing is
  ///   left.
  static func read(
    _ source: NewImageSource, preparation: Preparation, badImages: BadImages, workers: Int, communicator: Communicator,
    watchdog: Watchdog, log: Log
  ) throws -> NewImages {
    let (root, paths, ids, patients) = try list(source, communicator, log)  // all ranks
    let cache = ImageCache(root: root, paths: paths, preparation: preparation, limit: Execution().cacheMemory)
    let findings = try SharedScan.run(  // all ranks
      cache, title: "reading images", workers: workers, communicator: communicator, watchdog: watchdog)
    let bad = paths.indices.compactMap { index in
      findings[index].reason.map { SkippedImage(path: paths[index], reason: $0) }
    }
    if badImages == .fail, let first = bad.first {
      let others = bad.count > 1 ? " (and \(bad.count - 1) more like it)" : ""
      throw SaladError(.badData, "\(first.reason)\(others): mend or remove it, or give --bad-images skip")
    }
    for image in bad { log.note("skipped: \(image.reason)") }
    let good = paths.indices.filter { findings[$0].image != nil }
    guard !good.isEmpty else {
      throw SaladError(.badData, "none of the \(paths.count) images can be read")
    }
    return NewImages(
      places: good, ids: good.map { ids[$0] }, patients: good.map { patients[$0] },
      pictures: good.compactMap { findings[$0].image?.picture }, cache: cache, skipped: bad)
  }

  private static func list(
    _ source: NewImageSource, _ communicator: Communicator, _ log: Log
  ) throws -> (root: String, paths: [String], ids: [String], patients: [String?]) {
    switch source {
    case .data(let request):
      guard let path = request.path else { preconditionFailure("images of no data") }
      let listed = try ListedImages.training(  // all ranks
        of: path, request.selection(), communicator: communicator, log: log)
      return (listed.root, listed.paths, listed.paths, listed.images.map(\.facts.patient))
    case .files(let arguments, let patient):
      var (paths, ids) = ([String](), [String]())
      for argument in arguments {
        let found = try ImagePaths.expand([argument], communicator: communicator, log: log)  // all ranks
        paths += found
        ids += found == [argument] ? found.map(Self.name) : found.map { below(argument, $0) }
      }
      return (
        "", paths, ids, patient.map { patient in paths.map { _ in patient } } ?? Patient.identifiers(ofPaths: paths)
      )
    }
  }

  private static func name(_ path: String) -> String {
    String(decoding: path.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
  }

  /// `a/b.png` of `folder/a/b.png`; a path of another folder, from standard input, as it is.
  private static func below(_ folder: String, _ path: String) -> String {
    guard path.utf8.starts(with: folder.utf8) else { return path }
    return String(
      decoding: path.utf8.dropFirst(folder.utf8.count).drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
  }
}

/// What to do about an image that has a row already.
public enum KnownImages: String, Sendable, CaseIterable {
  /// The first one ends the command.
  case fail
  /// Every one is named and left out.
  case skip
}

extension NewImages {
  /// Without those that are known: by id, or by what they show, from `ids` and `pictures` or from an image before them.
  ///
  /// - Parameters:
  ///   - ids: as the bank would have theirs, one each.
  ///   - bankIDs: of the bank's rows.
  ///   - bankPictures: what the bank's images show; nil where it does not remember.
  ///   - path: of the deployment, for the sentence.
  /// - Returns: the others' positions.
  func unknown(
    ids: [String], bankIDs: [String], bankPictures: [PictureHash]?, known: KnownImages, path: String, log: Log
  ) throws -> [Int] {
    var named = Dictionary(bankIDs.map { ($0, "") }, uniquingKeysWith: { first, _ in first })
    var shown: [UInt64: String] = [:]
    for (index, picture) in (bankPictures ?? []).enumerated() {
      shown[picture.content] = "the row \(bankIDs[index]) of \(path)"
    }
    var (positions, skipped) = ([Int](), [String]())
    for index in ids.indices {
      let reason: String? =
        if named[ids[index]] != nil {
          named[ids[index]] == ""
            ? "\(self.ids[index]) is the id of a row that \(path) has already" : "\(self.ids[index]) is given twice"
        } else if let other = shown[pictures[index].content] {
          "\(self.ids[index]) shows what \(other) shows, pixel by pixel"
        } else {
          nil
        }
      if let reason {
        guard known == .skip else {
          throw SaladError(
            .badData, "\(reason): leave it away, remove the row first, or give --known skip to go on without it")
        }
        skipped.append(reason)
        continue
      }
      named[ids[index]] = self.ids[index]
      shown[pictures[index].content] = "the image \(self.ids[index])"
      positions.append(index)
    }
    // Where a whole data set is given for what is new in it, those are most.
    for reason in skipped.prefix(3) { log.note("skipped: \(reason)") }
    if skipped.count > 3 { log.note("skipped \(skipped.count - 3) more that are known") }
    guard !positions.isEmpty else {
      throw SaladError(.badData, "\(path): expected at least one image that is not known, found none")
    }
    return positions
  }
}
