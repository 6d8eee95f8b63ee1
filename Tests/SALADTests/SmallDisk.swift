import Foundation
import RanksSupport

/// A file system in memory that is soon full. Linux, root only.
struct SmallDisk {
  let path: String

  /// Why this machine cannot have one, as a sentence; nil when it can.
  static let unavailable: String? = {
    guard let folder = try? TemporaryFolder() else { return "a full disk needs a temporary folder" }
    defer { folder.remove() }
    do {
      try SmallDisk(at: "\(folder.path)/disk", bytes: 4096).remove()
      return nil
    } catch {
      return "a full disk is tested where mount -t tmpfs is permitted"
    }
  }()

  init(at path: String, bytes: Int) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Self.run("/bin/mount", "-t", "tmpfs", "-o", "size=\(bytes)", "tmpfs", path)
  }

  func remove() {
    try? Self.run("/bin/umount", "--lazy", path)
  }

  private static func run(_ command: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}
