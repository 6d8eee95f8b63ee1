import Foundation
import Testing

@testable import Radiographs

@Suite("Files that are not read")
struct UnreadFilesTests {
  private func unread(_ names: [String]) -> UnreadFiles {
    var unread = UnreadFiles()
    for name in names { unread.add(name) }
    return unread
  }

  @Test(
    "The sentence counts them by suffix, most frequent first",
    arguments: [
      (["a.txt"], "1 .txt file is not read: only \(ImageFile.suffixes) files are"),
      (
        ["a.WEBP", "b.webp", "c.nii"],
        "2 .webp files and 1 .nii file are not read: only \(ImageFile.suffixes) files are"
      ),
      (
        ["IM0001", "1.2.840.10008", "a.b\nc", "b."],
        "4 files without a suffix are not read: only \(ImageFile.suffixes) files are"
      ),
      (
        ["a.a", "b.b", "c.c", "d.d", "e.e", "f.f"],
        "1 .a file, 1 .b file, 1 .c file, 1 .d file and 2 others are not read: only \(ImageFile.suffixes) files are"
      ),
    ])
  func sentence(names: [String], sentence: String) {
    #expect(unread(names).sentence == sentence)
  }

  @Test("A data set's folders tell of what lies in them unread, and a folder of nothing else says it in its error")
  func folders() throws {
    let root = URL.temporaryDirectory.appending(path: UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: root) }
    for folder in ["train/good", "test/good", "test/other", "only/train/good"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    for file in [
      "train/good/a.png", "train/good/b.webp", "test/good/a.png", "test/other/c.nii", "only/train/good/d.webp",
    ] {
      try Data().write(to: URL(filePath: "\(root)/\(file)"))
    }
    var notes: [String] = []
    let folder = try ImageFolder(root: root)
    #expect(try folder.trainingImages { notes.append($0) } == ["train/good/a.png"])
    #expect(try folder.testImages { notes.append($0) }.map(\.path) == ["test/good/a.png"])
    #expect(
      notes == [
        "\(root)/train/good: 1 .webp file is not read: only \(ImageFile.suffixes) files are",
        "\(root)/test: 1 .nii file is not read: only \(ImageFile.suffixes) files are",
      ])
    #expect {
      try ImageFolder(root: "\(root)/only").trainingImages()
    } throws: {
      "\($0)".contains("found none: 1 .webp file is not read: only \(ImageFile.suffixes) files are.")
    }
  }
}
