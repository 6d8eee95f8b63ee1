import Foundation
import Testing

/// The folders of `Sources/SALAD`, in the order in which data flows through them: each knows only those before it.
@Suite("Folders of SALAD")
struct FoldersTests {
  private static let folders = [
    "Job", "Data", "Settings", "Runs", "Scoring", "Evaluation", "Explanation", "Banks", "Report", "Curves", "Training",
    "Status", "Census", "Doctor",
  ]
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/SALAD").standardized

  private struct Source {
    let folder: Int
    let name: String
    /// Without comments and texts.
    let code: String
  }

  private static func sources() throws -> [Source] {
    try folders.enumerated().flatMap { index, folder in
      try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted().map { name in
        let text = try String(contentsOf: root.appending(path: "\(folder)/\(name)"), encoding: .utf8)
        let code = text.replacing(#/"(?:\\.|[^"\\\n])*"/#, with: "\"\"").replacing(#/\/\/[^\n]*/#, with: "")
        return Source(folder: index, name: "\(folder)/\(name)", code: code)
      }
    }
  }

  @Test("No file names a type that a later folder declares")
  func oneWay() throws {
    let sources = try Self.sources()
    #expect(sources.count > 50)
    let declaration = #/(?m)^(?:public |final )*(?:struct|enum|class|protocol|actor) (\w+)/#
    var declared: [Substring: Source] = [:]
    for source in sources {
      for match in source.code.matches(of: declaration) { declared[match.1] = source }
    }
    var arrowsUp: [String] = []
    for source in sources {
      let words = Set(source.code.split { !($0.isLetter || $0.isNumber || $0 == "_") })
      for word in words {
        guard let owner = declared[word], owner.folder > source.folder else { continue }
        arrowsUp.append("\(source.name) -> \(owner.name) (\(word))")
      }
    }
    #expect(arrowsUp.isEmpty)
  }

  @Test("No folder holds more than 20 files, and none lies outside of them")
  func sizes() throws {
    for folder in Self.folders {
      #expect(try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: folder).path).count <= 20)
    }
    let all = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
    #expect(all.allSatisfy { Self.folders.contains($0) })
  }
}
