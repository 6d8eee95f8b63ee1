import Foundation

/// A temporary folder with files of some text, by their paths.
func withTree(_ files: [String: String], _ body: (_ root: String) throws -> Void) throws {
  try withTemporaryFolder { folder in
    for (path, text) in files {
      let file = folder.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try body(folder.path)
  }
}
