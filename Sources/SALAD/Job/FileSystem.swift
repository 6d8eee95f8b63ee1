import Platform

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The few things that artefacts ask of a file system. Every failure is a `SaladError` 74: path and the system's words.
enum FileSystem {
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Throws `SaladError` 65 unless something is at `path`.
  static func require(_ path: String, _ what: String) throws {
    if !exists(path) { throw SaladError(.badData, "\(path): expected \(what), found no such file") }
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Makes the folder and those above it that are missing.
  static func makeFolder(_ path: String) throws {
    if mkdir(path, 0o777) == 0 { return }
    let code = errno
    if code == EEXIST, isFolder(path) { return }
    let parent = folder(of: path)
    if code == ENOENT, parent != path {
      try makeFolder(parent)
      if mkdir(path, 0o777) == 0 { return }
      try refuse("cannot be created", path)
    }
    try refuse("cannot be created", path, code)
  }

  /// Names in the folder without `.` and `..`, in the order of their bytes.
  static func names(in folder: String) throws -> [String] {
    guard let stream = opendir(folder) else { try refuse("cannot be listed", folder) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    if errno != 0 { try refuse("cannot be listed", folder) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The whole file.
  static func read(_ path: String) throws -> [UInt8] {
    let file = try OpenFile(path, O_RDONLY, "read")
    var bytes: [UInt8] = []
    try file.readChunks { bytes += $0 }
    return bytes
  }

  /// Replaces the file as one act: a reader, or a crash, sees the old bytes or the new.
  static func writeAtomically(_ bytes: [UInt8], to path: String) throws {
    let parent = folder(of: path)
    let unfinished = "\(parent)/.\(name(of: path))-writing"
    do {
      try write(bytes, to: unfinished)
      try move(unfinished, to: path)
    } catch {
      unlink(unfinished)
      throw error
    }
    try synchronise(folder: parent)
  }

  /// Creates or replaces the file and forces it to the disk.
  static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, "written")
    try bytes.withUnsafeBytes { try file.write($0) }
    try file.synchronise()
  }

  /// Appends the bytes, all or none of them.
  static func append(_ bytes: [UInt8], to path: String) throws {
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, "written")
    let size = try file.size()
    do {
      try bytes.withUnsafeBytes { try file.write($0) }
    } catch {
      // Shortening takes no room, so that a full disk does not leave half a line.
      try file.truncate(to: size)
      throw error
    }
  }

  /// Cuts the file to its first `count` bytes.
  static func truncate(_ path: String, to count: Int) throws {
    let file = try OpenFile(path, O_WRONLY, "written")
    try file.truncate(to: count)
    try file.synchronise()
  }

  /// Copies the file's bytes and forces them to the disk.
  static func copy(_ source: String, to destination: String) throws {
    let from = try OpenFile(source, O_RDONLY, "read")
    let to = try OpenFile(destination, O_WRONLY | O_CREAT | O_TRUNC, "written")
    try from.readChunks { try to.write($0) }
    try to.synchronise()
  }

  /// Bytes and SHA-256 of the file, in 64 hexadecimal digits.
  ///
  /// - Parameter synchronising: force the file to the disk first (fsync).
  static func digest(_ path: String, synchronising: Bool = false) throws -> (bytes: Int, sha256: String) {
    let file = try OpenFile(path, O_RDONLY, "read")
    if synchronising { try file.synchronise() }
    var hash = SHA256()
    var count = 0
    try file.readChunks {
      hash.update($0)
      count += $0.count
    }
    let digits = hash.finalise().map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return (count, digits.joined())
  }

  /// Bytes of the file, nil when there is none.
  static func size(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  /// rename(2).
  static func move(_ source: String, to destination: String) throws {
    guard rename(source, destination) == 0 else { try refuse("cannot be moved to \(destination)", source) }
  }

  /// Forces the folder's names to the disk: a rename lasts only after this.
  static func synchronise(folder: String) throws {
    let file = try OpenFile(folder, O_RDONLY | O_DIRECTORY, "opened")
    try file.synchronise()
  }

  /// Removes the file, or the folder with all in it; no error when there is none.
  static func remove(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try names(in: path) { try remove("\(path)/\(name)") }
      guard rmdir(path) == 0 || errno == ENOENT else { try refuse("cannot be removed", path) }
    } else {
      guard unlink(path) == 0 || errno == ENOENT else { try refuse("cannot be removed", path) }
    }
  }

  /// `a` of `a/b` and of `a/b/`, `.` of `b`.
  static func folder(of path: String) -> String {
    let trimmed = withoutTrailingSlashes(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : withoutTrailingSlashes(String(trimmed[..<slash]))
  }

  /// `b` of `a/b` and of `a/b/`.
  static func name(of path: String) -> String {
    let trimmed = withoutTrailingSlashes(path)
    return String(trimmed[(trimmed.lastIndex(of: "/").map { trimmed.index(after: $0) } ?? trimmed.startIndex)...])
  }

  private static func withoutTrailingSlashes(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  /// This host's name.
  static var hostName: String {
    var characters = [CChar](repeating: 0, count: 256)
    // The last character stays 0: a longer name is cut without one.
    guard gethostname(&characters, characters.count - 1) == 0 else { return "unknown" }
    return String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Of this process, on this host.
  static var processNumber: Int32 { getpid() }

  fileprivate static func refuse(_ what: String, _ path: String, _ code: Int32 = errno) throws -> Never {
    throw SaladError(.inputOutput, "\(path): \(what): \(String(cString: strerror(code)))")
  }
}

/// A file, closed when its owner goes.
struct OpenFile: ~Copyable {
  let path: String
  let descriptor: Int32

  /// open(2). - what: what is going to happen to the file, for the sentence: read, written.
  init(_ path: String, _ flags: Int32, _ what: String) throws {
    self.path = path
    descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { try FileSystem.refuse("cannot be \(what)", path) }
  }

  deinit { _ = close(descriptor) }

  func size() throws -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { try FileSystem.refuse("cannot be examined", path) }
    return Int(status.st_size)
  }

  /// read(2) to the end, a mebibyte at a time.
  func readChunks(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = systemRead(descriptor, buffer.baseAddress, buffer.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        try FileSystem.refuse("cannot be read", path)
      }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// write(2) until all bytes are written.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = systemWrite(descriptor, part.baseAddress, part.count)
      if count < 0 {
        if errno == EINTR { continue }
        try FileSystem.refuse("cannot be written", path)
      }
      rest = rest.dropFirst(count)
    }
  }

  func truncate(to count: Int) throws {
    guard ftruncate(descriptor, off_t(count)) == 0 else { try FileSystem.refuse("cannot be shortened", path) }
  }

  /// fsync(2).
  func synchronise() throws {
    // Some file systems cannot force a folder, and say so by EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      try FileSystem.refuse("cannot be written to the disk", path)
    }
  }
}

// The C functions, which the methods above would hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
