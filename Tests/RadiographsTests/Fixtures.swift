import Foundation

@testable import Radiographs

/// The files that make_fixtures.py made.
enum Fixtures {
  static func folder(_ name: String) throws -> URL {
    guard let root = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
    return root.appending(path: "Fixtures").appending(path: name)
  }

  /// Files of a folder with one extension, sorted by name.
  static func files(_ name: String, withExtension pathExtension: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder(name), includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == pathExtension }
      .sorted { $0.path < $1.path }
  }

  static func bytes(_ url: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url))
  }

  /// Little-endian float32.
  static func floats(_ url: URL) throws -> [Float] {
    let bytes = try bytes(url)
    return stride(from: 0, to: bytes.count, by: 4).map { i in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[i + $1]) << (8 * UInt32($1)) })
    }
  }
}

/// A folder of its own for one test, removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "salad-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// The error that `body` throws; nil when it throws none, or one of another type.
func radiographError(_ body: () throws -> Void) -> RadiographError? {
  do {
    try body()
    return nil
  } catch {
    return error as? RadiographError
  }
}
