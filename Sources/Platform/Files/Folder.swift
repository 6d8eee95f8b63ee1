#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Folders of the file system, by path.
public enum Folder {
  /// What a folder holds under one name.
  public struct Entry: Sendable {
    /// Bytes that are no UTF-8 are replaced.
    public let name: String
    /// Whether `name` is what the file is called.
    public let isValid: Bool
    /// nil where the file system does not tell without being asked for each.
    public let kind: FileStatus.Kind?
  }

  /// All entries but `.` and `..`, in the order of their names' bytes, and the folder itself.
  ///
  /// opendir(3) and readdir(3): with the entries' kinds in hand, no file is asked for its status, which on a cluster's
  /// file system costs a round trip each.
  public static func entries(of path: String) throws(SystemError) -> (entries: [Entry], identity: FileStatus.Identity) {
    guard let stream = opendir(path) else { throw SystemError(.list, path, code: errno) }
    defer { closedir(stream) }
    var status = stat()
    try SystemError.check(.list, path) { fstat(dirfd(stream), &status) }
    var entries: [Entry] = []
    while true {
      // readdir tells its end from its failure by errno alone.
      errno = 0
      guard let entry = readdir(stream) else { break }
      let (name, isValid) = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        let bytes = bytes.prefix { $0 != 0 }
        let name = String(validating: bytes, as: UTF8.self)
        return (name ?? String(decoding: bytes, as: UTF8.self), name != nil)
      }
      if name == "." || name == ".." { continue }
      entries.append(Entry(name: name, isValid: isValid, kind: kind(Int32(entry.pointee.d_type))))
    }
    guard errno == 0 else { throw SystemError(.list, path, code: errno) }
    return (entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }, FileStatus(status).identity)
  }

  private static func kind(_ type: Int32) -> FileStatus.Kind? {
    switch type {
    case Int32(DT_REG): .file
    case Int32(DT_DIR): .folder
    case Int32(DT_LNK): .link
    case Int32(DT_UNKNOWN): nil
    default: .other
    }
  }

  /// Makes the folder and those above it that are missing; no error when it is there.
  public static func make(_ path: String) throws(SystemError) {
    do {
      try SystemError.check(.makeFolder, path) { mkdir(path, 0o777) }
    } catch {
      if error.code == EEXIST, Files.isFolder(path) { return }
      let parent = Files.folder(of: path)
      guard error.isMissing, parent != path else { throw error }
      try make(parent)
      try SystemError.check(.makeFolder, path) { mkdir(path, 0o777) }
    }
  }

  /// Forces the folder's names to the disk: a rename lasts only after this.
  public static func synchronise(_ path: String) throws(SystemError) {
    try FileDescriptor(path, for: .folder).synchronise()
  }

  /// rmdir(2): what has become of others' is left alone.
  public static func removeIfEmpty(_ path: String) { rmdir(path) }

  /// Whether a folder can be made in it, tried by making one: what permissions say does not hold for root, nor for a
  /// file system that is read-only.
  public static func takesFolders(_ path: String) -> Bool {
    let trial = "\(path)/.salad-\(Host.processNumber)-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    guard mkdir(trial, 0o700) == 0 else { return false }
    rmdir(trial)
    return true
  }

  /// Bytes that the file system of a path has for this user: statvfs(3). nil where it does not say.
  public static func freeBytes(of path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }

  /// A path for a folder of this process alone, where temporary files belong, that nobody has.
  public static func temporary(_ name: String) -> String {
    let parent = Host.variable("TMPDIR") ?? ""
    return
      "\(parent.isEmpty ? "/tmp" : parent)/\(name)-\(Host.processNumber)-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
  }
}
