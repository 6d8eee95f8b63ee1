#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whole files in and out of memory.
enum FileBytes {
  /// More than the pixels of the largest image take (2^28 of four 16-bit samples) is no image.
  static let largestFile = 1 << 31

  /// The bytes of a regular file of at most 2 GiB.
  ///
  /// Throws `RadiographError`: `inputOutput` with the operating system's reason (missing, no permission), `badData` for
  /// a folder, a device or a file that is too large.
  static func load(_ path: String) throws -> [UInt8] {
    var status = stat()
    // Before opening: a named pipe would wait for its writer.
    guard stat(path, &status) == 0 else { throw systemError("read", path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw RadiographError(path: path, "\(path): expected an image file, found a folder.")
    default: throw RadiographError(path: path, "\(path): expected an image file, found a device or a pipe.")
    }
    let size = Int(status.st_size)
    guard size <= largestFile else {
      throw RadiographError(
        path: path, "\(path): expected an image file of at most \(largestFile) bytes, found \(size) bytes.")
    }

    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw systemError("read", path) }
    defer { close(file) }
    return try [UInt8](unsafeUninitializedCapacity: size) { bytes, initializedCount in
      while initializedCount < size {
        // The range is not empty, so the base address exists.
        let count = retrying { read(file, bytes.baseAddress! + initializedCount, size - initializedCount) }
        guard count >= 0 else { throw systemError("read", path) }
        if count == 0 { break }  // The file became shorter meanwhile; its reader will see what is missing.
        initializedCount += count
      }
    }
  }

  /// Writes a file whole or not at all: under a hidden name beside its place, then renamed.
  static func save(_ bytes: [UInt8], to path: String) throws {
    let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
    let unfinished = "\(path[..<name]).\(path[name...]).\(getpid())"
    let file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw systemError("write", path) }

    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        retrying { write(file, bytes.baseAddress! + written, bytes.count - written) }
      }
      if count < 0 { break }
      written += count
    }
    // A network file system may find out only at close that there is no room.
    let isWhole = written == bytes.count
    let error = isWhole && close(file) == 0 && rename(unfinished, path) == 0 ? nil : systemError("write", path)
    if !isWhole { close(file) }
    if let error {
      unlink(unfinished)
      throw error
    }
  }

  private static func retrying(_ call: () -> Int) -> Int {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  private static func systemError(_ verb: String, _ path: String) -> RadiographError {
    let reason = String(cString: strerror(errno))
    return RadiographError(kind: .inputOutput, path: path, "\(path): cannot \(verb) the file (\(reason)).")
  }
}
