import Foundation

/// The pictures below a folder, each found once.
///
/// What `ImageFile.isPicture` says, at any depth. Names that begin with a dot, and `__MACOSX`, are passed over: archives
/// made on a Mac hold `._scan.png` and `__MACOSX/._scan.png`, which are no images. Links are followed, but no folder is
/// entered twice: a folder reached by a link and by its own name counts at its own name. A broken link counts as a file,
/// so that reading it fails by name rather than leaving it out in silence; pipes and devices do not count.
struct FileTree {
  let root: String

  /// - Parameter root: a folder; paths below are relative to it.
  init(root: String) throws(RadiographError) {
    var bytes = root.utf8[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    self.root = String(Substring(bytes))
    var status = stat()
    guard stat(self.root, &status) == 0 else {
      throw RadiographError(path: root, "\(root): expected a folder, found that \(Self.reason(errno)).")
    }
    guard Self.isFolder(status) else {
      throw RadiographError(path: root, "\(root): expected a folder, found a file.")
    }
  }

  /// The path that opens what `relativePath` names; an empty one names the root.
  func path(_ relativePath: String) -> String {
    Self.join(root, relativePath)
  }

  /// Relative paths of all images below the folders, sorted by bytes.
  ///
  /// - Parameter folders: relative paths, searched as one: an image below two of them counts once.
  func images(under folders: [String] = [""]) throws(RadiographError) -> [String] {
    try listing(under: folders).images
  }

  /// What `images` gives, and the files beside them.
  func listing(under folders: [String] = [""]) throws(RadiographError) -> (images: [String], unread: UnreadFiles) {
    var images: [String] = []
    var unread = UnreadFiles()
    var entered = Set<Folder.Identity>()
    // Links wait until all real folders were entered, so that a folder's own name comes before a link's.
    var waiting = folders
    var next = 0
    while next < waiting.count {
      var stack = [waiting[next]]
      next += 1
      while let path = stack.popLast() {
        let folder = try folder(path)
        guard entered.insert(folder.identity).inserted else { continue }
        for file in folder.files {
          if ImageFile.isPicture(file) { images.append(Self.join(path, file)) } else { unread.add(file) }
        }
        stack += folder.folders.map { Self.join(path, $0) }
        waiting += folder.linkedFolders.map { Self.join(path, $0) }
      }
    }
    return (images.sorted(by: Self.precedes), unread)
  }

  /// The names of the folders right below a folder, links to folders among them, sorted by bytes.
  func folders(under relativePath: String = "") throws(RadiographError) -> [String] {
    let folder = try folder(relativePath)
    return (folder.folders + folder.linkedFolders).sorted(by: Self.precedes)
  }

  /// The order of the paths' UTF-8 bytes: the same under every locale, and `sort`'s under `LC_ALL=C`.
  static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }

  /// `folder/name`, where an empty folder or name adds no slash.
  static func join(_ folder: String, _ name: String) -> String {
    if folder.isEmpty { return name }
    if name.isEmpty { return folder }
    return folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
  }

  // MARK: - One folder

  /// What a folder holds: names, sorted by bytes.
  private struct Folder {
    struct Identity: Hashable {
      var device: UInt64
      var inode: UInt64
    }
    var identity: Identity
    var folders: [String] = []
    var linkedFolders: [String] = []
    var files: [String] = []
  }

  /// Lists a folder by `opendir` and `readdir`: with the entries' types in hand, no file is asked for its status, which
  /// on a cluster's file system costs a round trip each.
  private func folder(_ relativePath: String) throws(RadiographError) -> Folder {
    let path = path(relativePath)
    guard let directory = opendir(path) else {
      throw RadiographError(path: path, "\(path): expected a folder to list, found that \(Self.reason(errno)).")
    }
    defer { closedir(directory) }
    var status = stat()
    guard fstat(dirfd(directory), &status) == 0 else {
      throw RadiographError(path: path, "\(path): expected a folder to list, found that \(Self.reason(errno)).")
    }
    var folder = Folder(
      identity: .init(
        device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino)))
    while true {
      // readdir tells its end from its failure by errno alone.
      errno = 0
      guard let entry = readdir(directory) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let name else {
        throw RadiographError(path: path, "\(path): expected file names in UTF-8, found one that is not.")
      }
      if name.utf8.first == UInt8(ascii: ".") || name == "__MACOSX" { continue }
      switch Self.kind(ofType: Int32(entry.pointee.d_type), path: Self.join(path, name)) {
      case .folder: folder.folders.append(name)
      case .linkedFolder: folder.linkedFolders.append(name)
      case .file: folder.files.append(name)
      case .other: break
      }
    }
    guard errno == 0 else {
      throw RadiographError(path: path, "\(path): expected a folder to list, found that \(Self.reason(errno)).")
    }
    folder.folders.sort(by: Self.precedes)
    folder.linkedFolders.sort(by: Self.precedes)
    folder.files.sort(by: Self.precedes)
    return folder
  }

  private enum Kind {
    case folder, linkedFolder, file, other
  }

  private static func kind(ofType type: Int32, path: String) -> Kind {
    if type == Int32(DT_DIR) { return .folder }
    if type == Int32(DT_REG) { return .file }
    guard type == Int32(DT_LNK) || type == Int32(DT_UNKNOWN) else { return .other }
    // A link, or a file system that does not tell types.
    var own = stat()
    var target = stat()
    guard lstat(path, &own) == 0, stat(path, &target) == 0 else { return .file }
    if isFolder(target) { return own.st_ino == target.st_ino && own.st_dev == target.st_dev ? .folder : .linkedFolder }
    return target.st_mode & S_IFMT == S_IFREG ? .file : .other
  }

  private static func isFolder(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFDIR
  }

  /// The system's words for an error, as the end of a sentence.
  private static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "it does not exist"
    case EACCES, EPERM: "it may not be read"
    default: "it cannot be read (\(String(cString: strerror(code))))"
    }
  }
}
