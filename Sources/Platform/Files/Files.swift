#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files by their paths: whole files, and names.
public enum Files {
  /// Whether anything has this name, a link that points nowhere included.
  public static func exists(_ path: String) -> Bool { (try? FileStatus(path, followingLinks: false)) != nil }

  /// What a symbolic link says, readlink(2); nil where it is none.
  public static func target(ofLink path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  public static func isFolder(_ path: String) -> Bool { (try? FileStatus(path))?.kind == .folder }

  /// The whole file.
  public static func read(_ path: String) throws -> [UInt8] {
    try FileDescriptor(path, for: .reading).readAll()
  }

  /// Creates or replaces the file and forces it to the disk.
  public static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
    let file = try FileDescriptor(path, for: .writing)
    try file.write(bytes)
    try file.synchronise()
  }

  /// Replaces the file as one act: a reader sees the old bytes or the new.
  ///
  /// - Parameters:
  ///   - unfinished: a name beside it for the time being; nothing is left of it.
  ///   - synchronising: whether a crash, too, leaves the old bytes or the new.
  public static func writeAtomically(
    _ bytes: [UInt8], to path: String, unfinished: String, permissions: UInt32 = 0o666, synchronising: Bool = true
  ) throws(SystemError) {
    let file = try FileDescriptor(unfinished, for: .writing, permissions: permissions)
    do throws(SystemError) {
      try file.write(bytes)
      if synchronising { try file.synchronise() }
      // A network file system may find out only at close that there is no room.
      try file.close()
      try move(unfinished, to: path)
    } catch {
      unlink(unfinished)
      throw error
    }
    if synchronising { try Folder.synchronise(folder(of: path)) }
  }

  /// Gives a file or folder the permissions of another (chmod(2)), and its owner and group as far as the system lets this
  /// process (chown(2)).
  ///
  /// - Parameters:
  ///   - other: whose permissions they are.
  ///   - path: what gets them.
  public static func copyAccess(from other: String, to path: String) throws(SystemError) {
    var status = stat()
    try SystemError.check(.examine, other) { stat(other, &status) }
    // The owner first: changing it may take permissions away.
    _ = chown(path, status.st_uid, status.st_gid)
    try SystemError.check(.permit, path) { chmod(path, status.st_mode & 0o7777) }
  }

  /// rename(2).
  public static func move(_ source: String, to destination: String) throws(SystemError) {
    try SystemError.check(.move, source) { rename(source, destination) }
  }

  /// Puts two files or folders of one file system into each other's places as one act: renameat2(2) with
  /// RENAME_EXCHANGE, on macOS renamex_np(2) with RENAME_SWAP. Not every file system can.
  public static func exchange(_ one: String, _ other: String) throws(SystemError) {
    try SystemError.check(.move, one) {
      #if canImport(Darwin)
        renamex_np(one, other, UInt32(RENAME_SWAP))
      #else
        renameExchanging(one, other)
      #endif
    }
  }

  #if !canImport(Darwin)
    /// renameat2(2): glibc's headers show it only to GNU programs, which Swift's are not, so that it is found by name.
    private static func renameExchanging(_ one: String, _ other: String) -> Int32 {
      typealias Rename = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
      guard let symbol = dlsym(nil, "renameat2") else {
        errno = ENOSYS
        return -1
      }
      let exchange: UInt32 = 1 << 1
      return unsafeBitCast(symbol, to: Rename.self)(AT_FDCWD, one, AT_FDCWD, other, exchange)
    }
  #endif

  /// The path without links in it, realpath(3); nil where nothing is there.
  public static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// Removes the file, or the folder with all in it; no error when there is none.
  public static func remove(_ path: String) throws(SystemError) {
    guard let status = try? FileStatus(path, followingLinks: false) else { return }
    if status.kind == .folder {
      for entry in try Folder.entries(of: path).entries { try remove("\(path)/\(entry.name)") }
    }
    do {
      try SystemError.check(.remove, path) { status.kind == .folder ? rmdir(path) : unlink(path) }
    } catch {
      if !error.isMissing { throw error }
    }
  }

  // MARK: - Names. Split as bytes: a `Character` may join the slash and a combining mark behind it.

  private static let slash = UInt8(ascii: "/")

  /// `a` of `a/b` and of `a/b/`, `.` of `b`.
  public static func folder(of path: String) -> String {
    let trimmed = withoutTrailingSlashes(path)
    guard let slash = trimmed.lastIndex(of: slash) else { return "." }
    return slash == trimmed.startIndex
      ? "/" : String(Substring(withoutTrailingSlashes(String(Substring(trimmed[..<slash])))))
  }

  /// `b` of `a/b` and of `a/b/`.
  public static func name(of path: String) -> String {
    let trimmed = withoutTrailingSlashes(path)
    let start = trimmed.lastIndex(of: slash).map { trimmed.index(after: $0) } ?? trimmed.startIndex
    return String(Substring(trimmed[start...]))
  }

  private static func withoutTrailingSlashes(_ path: String) -> Substring.UTF8View {
    var bytes = path[...].utf8
    while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
    return bytes
  }

  /// `a/.b-writing` of `a/b`: a hidden name beside it, on the same file system.
  public static func hidden(_ path: String, _ suffix: String) -> String {
    "\(folder(of: path))/.\(name(of: path))\(suffix)"
  }
}
