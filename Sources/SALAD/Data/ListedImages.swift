import MPI
import Platform
import Radiographs

/// A data set as a command line names it.
public struct DataRequest: Sendable {
  /// Of a folder or table; nil: where it was, of a run that goes on.
  public var path: String?
  /// What the command line says of layout and choice, applied to nothing or to what a run remembers.
  public var change: @Sendable (inout DataSelection) -> Void

  /// - Parameters:
  ///   - path: of a folder or table.
  ///   - change: what is wanted of it; by default everything.
  public init(_ path: String?, change: @escaping @Sendable (inout DataSelection) -> Void = { _ in }) {
    self.path = path
    self.change = change
  }

  /// - Parameter remembered: what a run was begun with; nil: nothing.
  public func selection(over remembered: DataSelection? = nil) -> DataSelection {
    var selection = remembered ?? DataSelection()
    change(&selection)
    return selection
  }
}

/// Images of one split, equal on all ranks.
public struct ListedImages: Sendable {
  /// The folder that their paths are relative to.
  public let root: String
  /// Of their data set.
  public let layout: DataLayout
  /// Sorted by the bytes of their paths.
  public let images: [LabelledImage]

  public var paths: [String] { images.map(\.path) }

  init(root: String, layout: DataLayout = .folder, images: [LabelledImage]) {
    self.root = root
    self.layout = layout
    self.images = images
  }

  /// What a run remembers: `selection` with the layout that was found; nil for all images of plain folders.
  func remembered(_ selection: DataSelection) -> DataSelection? {
    var selection = selection
    if layout != .folder { selection.layout = layout }
    return selection == DataSelection() ? nil : selection
  }

  /// All ranks. The normal training images, as rank 0 sees them.
  ///
  /// - Parameters:
  ///   - path: of the data set.
  ///   - selection: its layout, and what is wanted of it.
  ///   - communicator: of the ranks that take part.
  ///   - log: is told of what is missing, not read or left out; nil: nobody is.
  /// - Throws: `SaladError` on all ranks: 65 when there is no such data set or it has no training image, 64 when what is
  ///   asked for does not suit it.
  public static func training(
    of path: String, _ selection: DataSelection = DataSelection(), communicator: Communicator, log: Log?
  ) throws -> ListedImages {
    try list(path, selection, communicator, log) { data, note in try data.trainingImages(note: note) }  // all ranks
  }

  /// All ranks. The test images, as rank 0 sees them.
  ///
  /// - Parameters:
  ///   - path: of the data set.
  ///   - selection: its layout, and what is wanted of it.
  ///   - communicator: of the ranks that take part.
  ///   - log: is told of what is missing, not read or left out; nil: nobody is.
  /// - Throws: `SaladError` on all ranks, as `training` does.
  public static func test(
    of path: String, _ selection: DataSelection = DataSelection(), communicator: Communicator, log: Log?
  ) throws -> ListedImages {
    try list(path, selection, communicator, log) { data, note in try data.testImages(note: note) }  // all ranks
  }

  /// All ranks. The test images; none where the data set has no test split.
  static func testIfAny(
    of path: String, _ selection: DataSelection, communicator: Communicator
  ) throws -> ListedImages {
    try list(path, selection, communicator, nil) { data, note in  // all ranks
      do {
        return try data.testImages(note: note)
      } catch let error as RadiographError where error.kind == .badData || error.kind == .refused {
        return []
      }
    }
  }

  private static func list(
    _ path: String, _ selection: DataSelection, _ communicator: Communicator, _ log: Log?,
    _ body: (DataSet, (String) -> Void) throws -> [LabelledImage]
  ) throws -> ListedImages {
    let texts = try agree(communicator) { () -> [String] in  // all ranks
      guard communicator.isRoot else { return [] }
      let data = try DataSet(path, selection: selection, progress: TagProgress().show)
      if let reason = data.reason { log?.note(reason) }
      return [path, data.root, data.layout.rawValue] + (try body(data) { log?.note($0) }).flatMap(\.fields)
    }
    let received = try communicator.broadcast(texts: texts)  // all ranks
    let root = Self.root(received[1], of: received[0], here: path)
    let images = stride(from: 3, to: received.count, by: LabelledImage.fieldCount).map {
      LabelledImage(fields: received[$0..<$0 + LabelledImage.fieldCount])
    }
    return ListedImages(root: root, layout: DataLayout(rawValue: received[2]) ?? .folder, images: images)
  }

  /// This rank's folder where rank 0 has `root`: hosts may keep their copies in other places.
  ///
  /// - Parameters:
  ///   - root: a data set's, on rank 0.
  ///   - path: by which rank 0 named it: the root itself, a folder above it, or a table in it.
  ///   - mine: by which this rank names it.
  static func root(_ root: String, of path: String, here mine: String) -> String {
    if mine == path { return root }
    func trimmed(_ path: String) -> String {
      var path = path[...]
      while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
      return String(path)
    }
    let (theirs, ours) = (trimmed(path), trimmed(mine))
    if root == theirs { return ours }
    return root.utf8.starts(with: "\(theirs)/".utf8)
      ? ours + String(decoding: root.utf8.dropFirst(theirs.utf8.count), as: UTF8.self) : Files.folder(of: ours)
  }
}

/// Shows on rank 0 how many files were opened for their tags, once the first were.
final class TagProgress {
  private var display: ProgressDisplay?

  func show(_ done: Int, of total: Int) {
    // Training and test images are listed one after the other.
    if display == nil || done <= lastDone {
      display = ProgressDisplay("reading tags", unit: "files", total: total, isShown: total > Self.few)
    }
    lastDone = done
    display?.show(done)
  }

  private var lastDone = 0
  /// So many take no time worth a line.
  private static let few = 4096
}

extension Communicator {
  /// All ranks. Rank 0's texts, which hold no zero byte and may be empty, on all ranks; at least one.
  func broadcast(texts: [String]) throws -> [String] {
    var bytes: [UInt8] = []
    for text in texts {
      bytes += text.utf8
      bytes.append(0)
    }
    bytes = try broadcast(bytes: bytes, root: 0)  // all ranks
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}
