import Foundation
import RanksSupport
import Testing

@testable import SALAD

/// A folder of its own for the body, removed afterwards.
func withTemporaryFolder<R>(_ body: (String) async throws -> R) async throws -> R {
  let folder = try TemporaryFolder()
  defer { folder.remove() }
  return try await body(folder.path)
}

/// Runs a check of `ranks` and expects it to hold.
///
/// - Parameter ranks: under mpirun; nil: as one rank without it.
/// - Returns: its lines but the facts'.
@discardableResult
func check(
  _ arguments: String..., ranks: Int? = nil, location: SourceLocation = #_sourceLocation
) async throws -> [String] {
  let command = [try Program.built("ranks")] + arguments
  let run =
    if let ranks {
      try await Program.mpirun(ranks: ranks, command)
    } else {
      try await Program.run(command)
    }
  #expect(run.status == 0, "\(run)", sourceLocation: location)
  return run.output.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("ok ") }
}

/// All files under the folder, by relative path; a folder has nil.
func contents(of folder: String) throws -> [String: Data?] {
  var found: [String: Data?] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
    let path = "\(folder)/\(name)"
    found.updateValue(FileSystem.isFolder(path) ? nil : try Data(contentsOf: URL(filePath: path)), forKey: name)
  }
  return found
}

/// The body throws a `SaladError` of this status, in one line with these words.
func expectRefusal<R>(
  _ status: SALAD.ExitStatus, containing words: String, location: SourceLocation = #_sourceLocation,
  _ body: () throws -> R
) {
  let error = #expect(throws: SaladError.self, sourceLocation: location) { _ = try body() }
  #expect(error?.status == status, sourceLocation: location)
  let description = error?.description ?? ""
  #expect(description.contains(words) && !description.contains("\n"), "\(description)", sourceLocation: location)
}
