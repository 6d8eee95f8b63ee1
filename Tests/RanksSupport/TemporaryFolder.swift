import Foundation

/// An empty folder of a test's own. Remove it with `defer`.
public struct TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("salad-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  public func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }
}
