import Foundation
import Testing

@testable import Radiographs

@Suite("Phantom data sets")
struct PhantomDataSetTests {
  /// Relative paths and contents of all files under a folder.
  private func files(_ folder: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
      let file = folder + "/" + path
      if !file.hasSuffix(".png") { continue }
      found[path] = try Data(contentsOf: URL(filePath: file))
    }
    return found
  }

  @discardableResult
  private func draw(
    _ folder: String, train: Int = 3, normal: Int = 2, anomalous: Int = 6, size: Int = 32, seed: UInt64 = 5,
    masks: Bool = true
  ) throws -> [String: Data] {
    let set = PhantomDataSet(
      train: train, testNormal: normal, testAnomalous: anomalous, size: size, seed: seed, masks: masks)
    try set.write(to: folder) { _, _ in }
    return try files(folder)
  }

  @Test("Folders, names and counts are the layout's")
  func layout() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      let drawn = try draw(folder + "/new/set")
      let anomalous = ["opacity/0001", "opacity/0002", "nodule/0001", "nodule/0002", "effusion/0001", "device/0001"]
      let expected =
        (1...3).map { "train/good/000\($0).png" } + (1...2).map { "test/good/000\($0).png" }
        + anomalous.flatMap { ["test/\($0).png", "ground_truth/\($0)_mask.png"] }
      #expect(drawn.keys.sorted() == expected.sorted())
      for path in expected {
        let picture = try Radiograph(contentsOf: folder + "/new/set/" + path)
        #expect(picture.width == 32 && picture.height == 32)
      }
    }
  }

  @Test("The same seed gives the same bytes, another seed others")
  func deterministic() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      let first = try draw(folder + "/a")
      #expect(try draw(folder + "/b") == first)
      let other = try draw(folder + "/c", seed: 6)
      #expect(first.allSatisfy { path, bytes in path.hasPrefix("ground_truth") || other[path] != bytes })
    }
  }

  @Test("A larger data set begins with the smaller one, with masks or without")
  func prefix() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      let small = try draw(folder + "/small", train: 10, normal: 1, anomalous: 5, masks: false)
      let large = try draw(folder + "/large", train: 20, normal: 4, anomalous: 9)
      #expect(small.count == 16)
      for (path, bytes) in small { #expect(large[path] == bytes, "\(path)") }
    }
  }

  @Test("Progress ends with the number of images")
  func progress() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      var seen: [[Int]] = []
      try PhantomDataSet(train: 20, testNormal: 1, testAnomalous: 1, size: 32, seed: 1, masks: true)
        .write(to: folder) { seen.append([$0, $1]) }
      #expect(seen.first == [0, 22] && seen.last == [22, 22])
      #expect(zip(seen, seen.dropFirst()).allSatisfy { $0[0] < $1[0] })
    }
  }

  @Test("A folder that is not empty, or is a file, is refused and left as it is")
  func refusal() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      let file = folder + "/notes.txt"
      try Data("mine".utf8).write(to: URL(filePath: file))
      for target in [folder, file] {
        let error = #expect(throws: RadiographError.self) { try draw(target) }
        #expect(error?.path == target)
        #expect(error?.description.contains("expected a new or empty folder") == true)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["notes.txt"])
      #expect(try Data(contentsOf: URL(filePath: file)) == Data("mine".utf8))
    }
  }

  @Test("A folder that cannot be made is named")
  func unwritable() throws {
    try withTemporaryFolder { temporary in
      let folder = temporary.path
      let file = folder + "/file"
      try Data().write(to: URL(filePath: file))
      let error = #expect(throws: RadiographError.self) { try draw(file + "/inside") }
      #expect(error?.path.hasPrefix(file + "/inside") == true)
      guard case .inputOutput? = error?.kind else {
        Issue.record("a folder that cannot be made is an input/output error")
        return
      }
    }
  }
}
