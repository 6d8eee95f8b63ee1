import Platform

/// Whole image files in and out of memory.
enum FileBytes {
  /// More than the pixels of the largest image take (2^28 of four 16-bit samples) is no image.
  static let largestFile = 1 << 31

  /// The bytes of a regular file of at most 2 GiB.
  ///
  /// Throws `RadiographError`: `inputOutput` with the operating system's reason (missing, no permission), `badData` for
  /// a folder, a device or a file that is too large.
  static func load(_ path: String) throws -> [UInt8] { try beginning(of: path, count: largestFile).bytes }

  /// The first `count` bytes of a regular file, or all of them, and how many there are; as `load` does.
  static func beginning(of path: String, count: Int) throws -> (bytes: [UInt8], size: Int) {
    try translating("read", path) {
      // Before opening: a named pipe would wait for its writer.
      let status = try FileStatus(path)
      switch status.kind {
      case .file: break
      case .folder: throw RadiographError(path: path, "\(path): expected an image file, found a folder.")
      default: throw RadiographError(path: path, "\(path): expected an image file, found a device or a pipe.")
      }
      guard status.size <= largestFile else {
        throw RadiographError(
          path: path, "\(path): expected an image file of at most \(largestFile) bytes, found \(status.size) bytes.")
      }
      let file = try FileDescriptor(path, for: .reading)
      let wanted = min(count, status.size)
      let bytes = try [UInt8](unsafeUninitializedCapacity: wanted) { bytes, count in
        // A file that became shorter meanwhile gives less; its reader will see what is missing.
        count = try file.read(
          into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[..<wanted]))
      }
      return (bytes, bytes.count < wanted ? bytes.count : status.size)
    }
  }

  /// Writes a file whole or not at all: under a hidden name beside its place, then renamed.
  static func save(_ bytes: [UInt8], to path: String) throws {
    try translating("write", path) {
      // Nothing is forced to the disk: a data set of phantoms is drawn anew.
      try Files.writeAtomically(
        bytes, to: path, unfinished: Files.hidden(path, ".\(Host.processNumber)"), permissions: 0o644,
        synchronising: false)
    }
  }

  private static func translating<R>(_ verb: String, _ path: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as SystemError {
      throw RadiographError(kind: .inputOutput, path: path, "\(path): cannot \(verb) the file (\(error.reason)).")
    }
  }
}
