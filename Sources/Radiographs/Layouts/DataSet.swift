import Platform

/// How a data set tells which of its images train and which test.
public enum DataLayout: String, Codable, Sendable, CaseIterable {
  /// `train/good`, `test/good`, `test/<anything else>`: `ImageFolder`.
  case folder
  /// NIH ChestX-ray14 as downloaded: `NIHDataSet`.
  case nih
  /// MURA-v1.1 as downloaded: `MURADataSet`.
  case mura
  /// A table of paths: `TableDataSet`.
  case csv
}

/// What a layout makes of a folder.
protocol DataSetReader: Sendable {
  /// The folder that images' paths are relative to.
  var root: String { get }

  /// The normal training images, sorted by the bytes of their paths: an image's place here is its index.
  ///
  /// - Parameter note: is given sentences about what is missing or not used.
  /// - Throws: `RadiographError` where there is none.
  func training(note: (String) -> Void) throws -> [LabelledImage]

  /// The test images, sorted alike.
  func test(note: (String) -> Void) throws -> [LabelledImage]
}

/// A data set in any layout: which images train, which test, and what is known of them.
///
///     let data = try DataSet("/data/CXR8", selection: DataSelection())
///     try data.trainingImages().map { "\(data.root)/\($0.path)" }
public struct DataSet {
  /// As it was given.
  public let path: String
  /// The folder that images' paths are relative to.
  public let root: String
  public let layout: DataLayout
  /// How the layout was found, as a sentence for standard error; nil for plain folders, and where it was asked for.
  public let reason: String?
  private let reader: any DataSetReader
  private let selection: DataSelection
  private let progress: (_ done: Int, _ total: Int) -> Void

  /// Looks at a folder or table; its images are listed later.
  ///
  /// - Parameters:
  ///   - path: of a folder, or of a table.
  ///   - selection: the layout where it is known, and the images that are wanted.
  ///   - progress: is told, while images are listed, how many files of how many were opened for their tags.
  /// - Throws: `RadiographError` when there is no such thing, or it may be of two layouts.
  public init(
    _ path: String, selection: DataSelection = DataSelection(),
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let found = try selection.layout.map { (layout: $0, reason: String?.none) } ?? DataSetSigns.layout(of: path)
    self.path = path
    self.selection = selection
    self.progress = progress
    layout = found.layout
    reason = found.reason
    reader =
      switch found.layout {
      case .folder: try ImageFolder(root: path)
      case .nih: try NIHDataSet(path)
      case .mura: try MURADataSet(path)
      case .csv: try TableDataSet(path)
      }
    root = reader.root
  }

  /// The normal training images that are wanted, sorted by the bytes of their paths: an image's place here is its index.
  ///
  /// - Parameter note: is given a sentence about each kind of thing that is missing or left out.
  /// - Throws: `RadiographError` when there is none.
  public func trainingImages(note: (String) -> Void = { _ in }) throws -> [LabelledImage] {
    try selection.apply(to: tagged(reader.training(note: note), note), split: "training", data: path, note: note)
  }

  /// The test images that are wanted, sorted alike.
  ///
  /// - Parameter note: as `trainingImages` has it.
  /// - Throws: `RadiographError` when there is none.
  public func testImages(note: (String) -> Void = { _ in }) throws -> [LabelledImage] {
    try selection.apply(to: tagged(reader.test(note: note), note), split: "test", data: path, note: note)
  }
}

extension DataSet {
  private func tagged(_ images: [LabelledImage], _ note: (String) -> Void) throws -> [LabelledImage] {
    try TaggedImages.adding(to: images, root: root, hasTable: layout == .csv, note: note, progress: progress)
  }
}

/// What tells one layout from another.
private enum DataSetSigns {
  static func layout(of path: String) throws -> (layout: DataLayout, reason: String?) {
    if path.lowercased().hasSuffix(".csv"), !Files.isFolder(path) { return (.csv, nil) }
    let tree = try FileTree(root: path)
    if let table = TableDataSet.table(in: tree) {
      return (.csv, "\(path): read as its table \(table) says (a table comes before all other layouts)")
    }
    var found: [(layout: DataLayout, sign: String)] = []
    if let sign = try NIHDataSet.sign(in: tree) { found.append((.nih, sign)) }
    if let sign = try MURADataSet.sign(in: tree) { found.append((.mura, sign)) }
    if let sign = try ImageFolder.sign(in: tree) { found.append((.folder, sign)) }
    guard found.count <= 1 else {
      let signs = found.map { "\($0.sign) (--layout \($0.layout.rawValue))" }.joined(separator: " and ")
      throw RadiographError(
        kind: .refused, path: path,
        "\(path): expected a data set of one layout, found \(signs): choose one by its flag.")
    }
    switch found.first?.layout {
    case .nih: return (.nih, "\(path): read as NIH ChestX-ray14, since it has \(found[0].sign)")
    case .mura: return (.mura, "\(path): read as MURA, since it has \(found[0].sign)")
    // What is wrong with it, the folder layout says best.
    default: return (.folder, nil)
    }
  }
}
