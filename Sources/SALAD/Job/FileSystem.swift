#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Platform

/// What artefacts ask of the file system. Every failure is a `SaladError` 74: path and the system's words; 65 where a pipe,
/// a folder or the like is found in a file's place.
enum FileSystem {
  static func exists(_ path: String) -> Bool { Files.exists(path) }

  /// Throws `SaladError` 65 unless something is at `path`.
  static func require(_ path: String, _ what: String) throws {
    if let absence = absence(of: path) { throw SaladError(.badData, "\(path): expected \(what), found \(absence)") }
  }

  /// Why there is nothing at `path`, as the end of a sentence: `no such file`; nil where something is.
  static func absence(of path: String) -> String? {
    do {
      _ = try FileStatus(path, followingLinks: false)
      return nil
    } catch {
      return error.isMissing ? noSuchFile : "that it cannot be examined: \(error.reason)"
    }
  }

  static let noSuchFile = "no such file"

  static func isFolder(_ path: String) -> Bool { Files.isFolder(path) }

  /// Makes the folder and those above it that are missing.
  static func makeFolder(_ path: String) throws { try translating { try Folder.make(path) } }

  /// Names in the folder without `.` and `..`, in the order of their bytes.
  static func names(in folder: String) throws -> [String] {
    try translating { try Folder.entries(of: folder).entries.map(\.name) }
  }

  /// The whole file.
  static func read(_ path: String) throws -> [UInt8] { try translating { try Files.read(path) } }

  /// Replaces the file as one act: a reader, or a crash, sees the old bytes or the new.
  static func writeAtomically(_ bytes: [UInt8], to path: String) throws {
    try translating { try Files.writeAtomically(bytes, to: path, unfinished: Files.hidden(path, "-writing")) }
  }

  /// Creates or replaces the file and forces it to the disk.
  static func write(_ bytes: [UInt8], to path: String) throws { try translating { try Files.write(bytes, to: path) } }

  /// Appends the bytes, all or none of them.
  static func append(_ bytes: [UInt8], to path: String) throws {
    try translating {
      let file = try FileDescriptor(path, for: .appending)
      let size = try file.status().size
      do {
        try file.write(bytes)
      } catch {
        // Shortening takes no room, so that a full disk does not leave half a line.
        try file.truncate(to: size)
        throw error
      }
    }
  }

  /// Cuts the file to its first `count` bytes.
  static func truncate(_ path: String, to count: Int) throws {
    try translating {
      let file = try FileDescriptor(path, for: .changing)
      try file.truncate(to: count)
      try file.synchronise()
    }
  }

  /// Copies the file's bytes and forces them to the disk. Throws `StopRequest` when a signal comes.
  static func copy(_ source: String, to destination: String) throws {
    try translating {
      let from = try FileDescriptor(source, for: .reading)
      let to = try FileDescriptor(destination, for: .writing)
      try from.readChunks {
        try Signals.throwIfReceived()
        try to.write($0)
      }
      try to.synchronise()
    }
  }

  /// Bytes and SHA-256 of the file, in 64 hexadecimal digits.
  ///
  /// - Parameters:
  ///   - synchronising: force the file to the disk first (fsync).
  ///   - stopping: throw `StopRequest` when a signal comes; a checkpoint that is being saved goes on.
  static func digest(_ path: String, synchronising: Bool = false, stopping: Bool = false) throws -> (
    bytes: Int, sha256: String
  ) {
    var hash = SHA256()
    var count = 0
    try translating {
      let file = try FileDescriptor(path, for: .reading)
      if synchronising { try file.synchronise() }
      try file.readChunks {
        if stopping { try Signals.throwIfReceived() }
        hash.update($0)
        count += $0.count
      }
    }
    return (count, hexadecimal(hash.finalise()))
  }

  /// Two digits a byte.
  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Bytes of the file, nil when there is none.
  static func size(_ path: String) -> Int? { (try? FileStatus(path))?.size }

  /// rename(2).
  static func move(_ source: String, to destination: String) throws {
    do {
      try Files.move(source, to: destination)
    } catch {
      throw SaladError(.inputOutput, "\(source): cannot be moved to \(destination): \(error.reason)")
    }
  }

  /// Puts two folders into each other's places as one act.
  static func exchange(_ one: String, _ other: String) throws {
    do {
      try Files.exchange(one, other)
    } catch {
      throw SaladError(
        .inputOutput,
        "\(other): cannot be exchanged with \(one) as one act: \(error.reason): give --output instead, and move the folder"
      )
    }
  }

  /// Gives a file or folder the permissions of another, and its owner and group as far as the system lets this process.
  static func copyAccess(from other: String, to path: String) throws {
    try translating { try Files.copyAccess(from: other, to: path) }
  }

  /// Forces the folder's names to the disk: a rename lasts only after this.
  static func synchronise(folder: String) throws { try translating { try Folder.synchronise(folder) } }

  /// Removes the file, or the folder with all in it; no error when there is none.
  static func remove(_ path: String) throws { try translating { try Files.remove(path) } }

  /// The body's result, or the system's error as ours.
  static func translating<R: ~Copyable>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as SystemError {
      throw SaladError(error)
    }
  }
}

extension SaladError {
  /// What the system refused: path, what was to happen, the system's words.
  init(_ error: SystemError) {
    guard error.found == nil else {
      self.init(.badData, error.description)
      return
    }
    let operation =
      switch error.operation {
      case .openForReading: "read"
      case .openForWriting: "written"
      case .makeFolder: "created"
      default: error.operation.rawValue
      }
    self.init(.inputOutput, "\(error.path): cannot be \(operation): \(error.reason)")
  }
}
