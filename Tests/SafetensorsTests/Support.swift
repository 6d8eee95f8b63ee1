import Foundation
import Testing

@testable import Safetensors

/// The file that `make_fixtures.py` wrote.
func referencePath() throws -> String {
  try #require(Bundle.module.path(forResource: "reference", ofType: "safetensors", inDirectory: "Fixtures"))
}

/// A folder of its own for the body, removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appending(path: "safetensors-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The body throws a `SafetensorsError` of exactly this sentence.
func expectRefusal<R>(_ sentence: String, location: SourceLocation = #_sourceLocation, _ body: () throws -> R) {
  let error = #expect(throws: SafetensorsError.self, sourceLocation: location) { _ = try body() }
  #expect(error?.description == sentence, sourceLocation: location)
}

/// The body throws a `SafetensorsError` that starts with the path, is one line, and has these words.
func expectRefusal<R>(
  containing words: String, path: String, kind: SafetensorsError.Kind = .badData,
  location: SourceLocation = #_sourceLocation, _ body: () throws -> R
) {
  let error = #expect(throws: SafetensorsError.self, sourceLocation: location) { _ = try body() }
  let description = error?.description ?? ""
  #expect(description.hasPrefix("\(path): "), sourceLocation: location)
  #expect(description.contains(words), sourceLocation: location)
  #expect(!description.contains("\n"), sourceLocation: location)
  #expect(error?.kind == kind, sourceLocation: location)
}
