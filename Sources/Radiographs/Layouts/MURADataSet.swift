import Platform

/// MURA-v1.1 as it is downloaded: radiographs of arms, judged study by study.
///
///     MURA-v1.1/train/XR_WRIST/patient00123/study1_negative/image1.png
///     MURA-v1.1/valid/XR_WRIST/patient11185/study1_positive/image1.png
///
/// The negative studies of `train` train, all of `valid` test. Where the four tables are there, they say what there is and
/// how it was judged; the tree alone does as well.
struct MURADataSet: DataSetReader {
  /// `MURA-v1.1`, whether it was given or the folder above it.
  let root: String
  private let tree: FileTree

  private static let (training, test) = ("train", "valid")

  init(_ path: String) throws {
    var tree = try FileTree(root: path)
    if try Self.parts(in: tree).isEmpty, let folder = try Self.folder(in: tree) {
      tree = try FileTree(root: tree.path(folder))
    }
    self.tree = tree
    root = tree.root
  }

  /// What shows that a folder has this layout; nil where nothing does.
  static func sign(in tree: FileTree) throws -> String? {
    if let part = try parts(in: tree).first { return "the folder \(part)" }
    return try folder(in: tree).map { "the folder \($0)" }
  }

  /// `MURA-v1.1` in the folder above it.
  private static func folder(in tree: FileTree) throws -> String? {
    try tree.folders().last { $0.hasPrefix("MURA-v") }
  }

  /// "train/XR_WRIST" and so on.
  private static func parts(in tree: FileTree) throws -> [String] {
    try tree.folders().filter { [training, test].contains($0) }.flatMap { split in
      try tree.folders(under: split).filter { $0.hasPrefix("XR_") }.map { FileTree.join(split, $0) }
    }
  }

  func training(note: (String) -> Void) throws -> [LabelledImage] {
    let images = try images(of: Self.training, note: note)
    let normal = images.filter { !$0.isAnomalous }
    guard !normal.isEmpty else {
      throw error("expected negative studies in \(Self.training), found \(images.count) images of positive ones")
    }
    note(
      "\(root): \(images.count - normal.count) of the \(images.count) images of \(Self.training) are positive and do not train"
    )
    return normal
  }

  func test(note: (String) -> Void) throws -> [LabelledImage] { try images(of: Self.test, note: note) }

  // MARK: - A split

  private func images(of split: String, note: (String) -> Void) throws -> [LabelledImage] {
    guard try tree.folders().contains(split) else {
      throw error("expected the folder \(split), found none")
    }
    let (found, unread) = try tree.listing(under: [split])
    if !unread.isEmpty { note("\(FileTree.join(root, split)): \(unread.sentence)") }
    let paths = try listed(split, found, note: note)
    let judged = try judgements(of: split)
    var (images, strangers) = ([LabelledImage](), [String]())
    for path in paths {
      guard let place = Place(path) else {
        strangers.append(path)
        continue
      }
      images.append(place.image(path, isPositive: judged[Array(place.study.utf8)] ?? place.isPositive))
    }
    if !strangers.isEmpty {
      note("\(root): not used, since they lie in no study: \(strangers.count) (\(strangers[0]))")
    }
    guard !images.isEmpty else {
      throw error("expected images in \(split)/XR_PART/patientNNNNN/studyK_positive or _negative, found none")
    }
    return images
  }

  /// Where an image lies: `train/XR_WRIST/patient00123/study1_negative/image1.png`.
  private struct Place {
    let study: String
    let patient: String
    let part: String
    let isPositive: Bool

    init?(_ path: String) {
      let names = path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
      guard names.count == 5, names[1].hasPrefix("XR_"), names[2].hasPrefix("patient"), names[3].hasPrefix("study"),
        names[3].hasSuffix("_positive") || names[3].hasSuffix("_negative")
      else { return nil }
      study = names.dropLast().joined(separator: "/")
      patient = names[2]
      part = String(names[1].dropFirst(3)).uppercased()
      isPositive = names[3].hasSuffix("_positive")
    }

    func image(_ path: String, isPositive: Bool) -> LabelledImage {
      var facts = ImageFacts()
      (facts.patient, facts.study, facts.bodyPart) = (patient, study, part)
      return LabelledImage(
        path: path, kinds: [isPositive ? "positive" : "negative"], isAnomalous: isPositive, facts: facts)
    }
  }

  // MARK: - The tables

  /// The images that are to be used: those of the split's list that are here, or all that are here.
  private func listed(_ split: String, _ found: [String], note: (String) -> Void) throws -> [String] {
    let name = "\(split)_image_paths.csv"
    guard Files.exists(tree.path(name)) else { return found }
    let here = Set(found.map { Array($0.utf8) })
    var (wanted, absent) = (Set<[UInt8]>(), [String]())
    let table = try Table(contentsOf: tree.path(name))
    for row in table.rows {
      guard row.fields.count == 1, let path = Self.relative(row.fields[0], split) else {
        throw table.error(
          row, "expected a path such as MURA-v1.1/\(split)/XR_WRIST/..., found \(row.fields[0].debugDescription)")
      }
      if !here.contains(Array(path.utf8)) { absent.append(path) }
      wanted.insert(Array(path.utf8))
    }
    if !absent.isEmpty {
      note(
        "\(root): \(absent.count) of the \(wanted.count) images of \(name) are not here (\(absent[0])"
          + "\(absent.count > 1 ? " and others" : "")): those that are here are used")
    }
    let unlisted = found.filter { !wanted.contains(Array($0.utf8)) }
    if let first = unlisted.first {
      note("\(root): not used, since not in \(name): \(unlisted.count) (\(first))")
    }
    return found.filter { wanted.contains(Array($0.utf8)) }
  }

  /// Whether each study of a split is positive, by its path, as far as its table says.
  private func judgements(of split: String) throws -> [[UInt8]: Bool] {
    let name = "\(split)_labeled_studies.csv"
    guard Files.exists(tree.path(name)) else { return [:] }
    var judgements: [[UInt8]: Bool] = [:]
    let table = try Table(contentsOf: tree.path(name))
    for row in table.rows {
      guard row.fields.count == 2, let path = Self.relative(row.fields[0], split), ["0", "1"].contains(row.fields[1])
      else {
        throw table.error(
          row,
          "expected a study such as MURA-v1.1/\(split)/XR_WRIST/.../ and 0 or 1, found "
            + row.fields.joined(separator: ",").debugDescription)
      }
      judgements[Array(path.utf8)] = row.fields[1] == "1"
    }
    return judgements
  }

  /// `train/XR_WRIST/...` of `MURA-v1.1/train/XR_WRIST/.../`: paths begin with the data set's own folder.
  private static func relative(_ path: String, _ split: String) -> String? {
    let names = path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    guard names.count > 2, names[0].hasPrefix("MURA-v"), names[1] == split else { return nil }
    return names.dropFirst().joined(separator: "/")
  }

  private func error(_ sentence: String) -> RadiographError { RadiographError(path: root, "\(root): \(sentence).") }
}
