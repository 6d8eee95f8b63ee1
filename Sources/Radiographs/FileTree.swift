import Platform

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
    let status: FileStatus
    do {
      status = try FileStatus(self.root)
    } catch {
      throw RadiographError(path: root, "\(root): expected a folder, found that \(Self.reason(error)).")
    }
    guard status.kind == .folder else {
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
    var entered = Set<FileStatus.Identity>()
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
          let picture = Self.join(path, file)
          if ImageFile.isPicture(file)
            || (UnreadFiles.suffix(of: file).isEmpty && ImageFile.isPictureWithoutSuffix(self.path(picture)))
          {
            images.append(picture)
          } else {
            unread.add(file)
          }
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
  private struct Contents {
    var identity: FileStatus.Identity
    var folders: [String] = []
    var linkedFolders: [String] = []
    var files: [String] = []
  }

  private func folder(_ relativePath: String) throws(RadiographError) -> Contents {
    let path = path(relativePath)
    do {
      try Signals.throwIfReceived()
    } catch {
      throw RadiographError(kind: .stopped, path: path, "\(error) while \(root) was searched.")
    }
    let entries: [Folder.Entry]
    var contents: Contents
    do {
      let found = try Folder.entries(of: path)
      entries = found.entries
      contents = Contents(identity: found.identity)
    } catch {
      throw RadiographError(path: path, "\(path): expected a folder to list, found that \(Self.reason(error)).")
    }
    for entry in entries {
      guard entry.isValid else {
        throw RadiographError(
          path: path, "\(path): expected file names in UTF-8, found one that is not: \(entry.name).")
      }
      let name = entry.name
      if name.utf8.first == UInt8(ascii: ".") || name == "__MACOSX" { continue }
      switch Self.place(of: entry, path: Self.join(path, name)) {
      case .folder: contents.folders.append(name)
      case .linkedFolder: contents.linkedFolders.append(name)
      case .file: contents.files.append(name)
      case .none: break
      }
    }
    return contents
  }

  private enum Place {
    case none, folder, linkedFolder, file
  }

  private static func place(of entry: Folder.Entry, path: String) -> Place {
    switch entry.kind {
    case .folder: return .folder
    case .file: return .file
    case .other: return .none
    case .link, nil: break
    }
    // A link, or a file system that does not tell kinds.
    guard let own = try? FileStatus(path, followingLinks: false), let target = try? FileStatus(path) else {
      return .file
    }
    switch target.kind {
    case .folder: return own.identity == target.identity ? .folder : .linkedFolder
    case .file: return .file
    case .link, .other: return .none
    }
  }

  /// The system's words for an error, as the end of a sentence.
  private static func reason(_ error: SystemError) -> String {
    if error.isMissing { return "it does not exist" }
    return error.isForbidden ? "it may not be read" : "it cannot be read (\(error.reason))"
  }
}
