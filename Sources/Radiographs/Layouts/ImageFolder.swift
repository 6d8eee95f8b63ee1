/// A data set in the folder layout: which files train, which test.
///
///     train/good/*.png      or train/normal, train/NORMAL: the only images that train
///     test/good/*.png       or normal, in any case: normal
///     test/effusion/*.png   any other name: anomalous, and the name is the kind
///
/// Folder names are compared without regard to case, and images are found at any depth below them (`FileTree` says which
/// files count). All other folders - `train/abnormal`, `valid`, `ground_truth` - and images that lie right in `train` or
/// `test` are left alone. Nothing is guessed from the order of names, which would make `abnormal` or `bad` the normal
/// class.
public struct ImageFolder: Sendable {
  public let root: String
  private let tree: FileTree

  /// - Throws: `RadiographError` when `root` is no folder.
  public init(root: String) throws {
    tree = try FileTree(root: root)
    self.root = tree.root
  }

  /// Relative paths of the normal training images, sorted by bytes: an image's place here is its index.
  ///
  /// - Parameter note: is given a sentence about the files there that are not read, where there are some.
  /// - Throws: `RadiographError` when there is no `train/good` or `train/normal`, or no image in it.
  public func trainingImages(note: (String) -> Void = { _ in }) throws -> [String] {
    let splits = try folders(named: ["train"], below: [""]) { _, found in
      "\(root): expected a data set with normal images in train/good or train/normal, found \(found)."
    }
    let folders = try folders(named: Self.normalNames, below: splits) { split, found in
      "\(tree.path(split)): expected a folder good or normal with the normal training images, found \(found)."
    }
    let (images, unread) = try tree.listing(under: folders)
    let path = tree.path(folders[0])
    guard !images.isEmpty else {
      throw RadiographError(
        path: path,
        "\(path): expected normal training images (\(ImageFile.suffixes)), found none\(Self.clause(unread)).")
    }
    if !unread.isEmpty { note("\(path): \(unread.sentence)") }
    return images
  }

  /// The images of the test split, sorted by the bytes of their relative paths.
  ///
  /// - Parameter note: as `trainingImages` has it.
  /// - Throws: `RadiographError` when there is no `test` folder, or no image in a folder below it.
  public func testImages(note: (String) -> Void = { _ in }) throws -> [LabelledImage] {
    let splits = try folders(named: ["test"], below: [""]) { _, found in
      "\(root): expected a data set with a folder test, found \(found)."
    }
    var folders: [String] = []
    for split in splits {
      folders += try tree.folders(under: split).map { FileTree.join(split, $0) }
    }
    let (paths, unread) = try tree.listing(under: folders)
    let images = paths.map { path in
      let kind = Self.secondComponent(of: path)
      return LabelledImage(path: path, kind: kind, isAnomalous: !Self.normalNames.contains(kind.lowercased()))
    }
    guard !images.isEmpty else {
      let path = tree.path(splits[0])
      let found = Self.list(folders.map(Self.secondComponent(of:)))
      throw RadiographError(
        path: path,
        "\(path): expected test images (\(ImageFile.suffixes)) in good or normal and in folders of anomalies, "
          + "found none in \(found)\(Self.clause(unread)).")
    }
    if !unread.isEmpty { note("\(tree.path(splits[0])): \(unread.sentence)") }
    return images
  }

  /// All pictures (at any depth) below a folder, relative paths sorted by bytes; none is no error.
  public static func images(under folder: String) throws -> (images: [String], unread: UnreadFiles) {
    try FileTree(root: folder).listing()
  }

  /// What to add to a sentence that found no image.
  private static func clause(_ unread: UnreadFiles) -> String { unread.isEmpty ? "" : ": \(unread.sentence)" }

  /// Names of folders with normal images, in lower case.
  public static let normalNames = ["good", "normal"]

  /// "good" of "test/good/a.png". Split as bytes: a `Character` may join the slash and a combining mark behind it.
  private static func secondComponent(of path: String) -> String {
    String(Substring(path.utf8.split(separator: UInt8(ascii: "/"))[1]))
  }

  /// Paths of the folders right below `parents` whose lower-case name is one of `names`, sorted by bytes.
  private func folders(
    named names: [String], below parents: [String], otherwise sentence: (_ parent: String, _ found: String) -> String
  ) throws(RadiographError) -> [String] {
    var folders: [String] = []
    var others: [String] = []
    for parent in parents {
      for name in try tree.folders(under: parent) {
        if names.contains(name.lowercased()) {
          folders.append(FileTree.join(parent, name))
        } else {
          others.append(name)
        }
      }
    }
    guard !folders.isEmpty else {
      throw RadiographError(path: tree.path(parents[0]), sentence(parents[0], Self.list(others)))
    }
    return folders
  }

  /// "the folder a", "the folders a, b and c", or "no folder".
  private static func list(_ names: [String]) -> String {
    // A MURA or NIH download mistaken for a data set has thousands.
    let limit = 8
    switch names.count {
    case 0: return "no folder"
    case 1: return "the folder \(names[0])"
    case ...limit: return "the folders \(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])"
    default:
      return "the folders \(names.prefix(limit).joined(separator: ", ")) and \(names.count - limit) more"
    }
  }
}

extension ImageFolder: DataSetReader {
  func training(note: (String) -> Void) throws -> [LabelledImage] {
    let paths = try trainingImages(note: note)
    return zip(paths, Patient.identifiers(ofPaths: paths)).map { path, patient in
      var image = LabelledImage(path: path, kind: Self.secondComponent(of: path), isAnomalous: false)
      image.facts.patient = patient
      return image
    }
  }

  func test(note: (String) -> Void) throws -> [LabelledImage] {
    var images = try testImages(note: note)
    for (index, patient) in Patient.identifiers(ofPaths: images.map(\.path)).enumerated() {
      images[index].facts.patient = patient
    }
    return images
  }

  /// What shows that a folder has this layout; nil where nothing does.
  static func sign(in tree: FileTree) throws -> String? {
    let folders = try tree.folders()
    if let train = folders.first(where: { $0.lowercased() == "train" }),
      let normal = try tree.folders(under: train).first(where: { normalNames.contains($0.lowercased()) })
    {
      return "the folder \(train)/\(normal)"
    }
    return folders.first { $0.lowercased() == "test" }.map { "the folder \($0)" }
  }
}
