import Foundation
import Testing

@testable import Radiographs

@Suite("Folder layout")
struct ImageFolderTests {
  @Test("The layout of good and defects: training, test, kinds, and no ground truth")
  func goodAndDefects() throws {
    try withFiles([
      "train/good/b.png", "train/good/a.png", "train/bad/x.png", "test/good/c.png", "test/crack/d.png",
      "test/hole/e.png", "ground_truth/crack/d_mask.png", "valid/good/v.png", "test/overview.png", "readme.txt",
      "train/good/notes.txt",
    ]) { root in
      let folder = try ImageFolder(root: root)
      #expect(try folder.trainingImages() == ["train/good/a.png", "train/good/b.png"])
      #expect(
        try folder.testImages() == [
          LabelledImage(path: "test/crack/d.png", kind: "crack", isAnomalous: true),
          LabelledImage(path: "test/good/c.png", kind: "good", isAnomalous: false),
          LabelledImage(path: "test/hole/e.png", kind: "hole", isAnomalous: true),
        ])
    }
  }

  @Test(
    "Good and normal are normal in any case, any other name is anomalous",
    arguments: [
      ("good", "Ungood"), ("normal", "abnormal"), ("NORMAL", "PNEUMONIA"), ("Good", "BAD"), ("Normal", "goodish"),
    ])
  func names(normal: String, anomalous: String) throws {
    try withFiles([
      "train/\(normal)/1.png", "train/\(anomalous)/2.png", "test/\(normal)/3.png", "test/\(anomalous)/4.png",
    ]) { root in
      let folder = try ImageFolder(root: root)
      #expect(try folder.trainingImages() == ["train/\(normal)/1.png"])
      #expect(
        Set(try folder.testImages().map { "\($0.kinds[0]) \($0.isAnomalous)" }) == [
          "\(normal) false", "\(anomalous) true",
        ])
    }
  }

  @Test("Images are found at any depth and in any case of .png; hidden files and Mac archives' leavings are not")
  func nesting() throws {
    try withFiles([
      "train/good/patient1/study2/A.PNG", "train/good/a.Png", "train/good/.hidden.png", "train/good/._a.png",
      "train/good/.cache/b.png", "train/good/__MACOSX/c.png", "train/good/d.jpg", "train/good/png",
      "train/good/e.png.txt",
    ]) { root in
      let found = try ImageFolder(root: root).trainingImages()
      #expect(found == ["train/good/a.Png", "train/good/patient1/study2/A.PNG"])
    }
  }

  @Test("Paths are sorted by their bytes, whatever language and Unicode say")
  func byteOrder() throws {
    // The two ways to write é are one to Swift's String and two to the file system.
    let names = ["Z.png", "a-b.png", "a.png", "a/z.png", "a10.png", "a2.png", "e\u{301}.png", "é.png", "😀.png"]
    try withFiles(names.shuffled()) { root in
      let found = try ImageFolder.images(under: root).images
      #expect(found.map { Array($0.utf8) } == names.map { Array($0.utf8) })
    }
  }

  @Test("A name that begins with a combining mark is a name like any other")
  func combiningMark() throws {
    try withFiles(["train/good/\u{301}a.png", "test/\u{301}x/\u{301}b.png"]) { root in
      let folder = try ImageFolder(root: root)
      #expect(try folder.trainingImages() == ["train/good/\u{301}a.png"])
      #expect(try folder.testImages().map { $0.kinds[0] } == ["\u{301}x"])
    }
  }

  @Test("Links are followed, loops end, and a folder reached twice counts once, under its own name")
  func links() throws {
    try withFiles(["data/good/a.png", "set/train/good/z/b.png", "file.png", "set/test/bad/t.png"]) { root in
      func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(root)/\(path)", withDestinationPath: target)
      }
      try link("set/train/good/another", to: "\(root)/data/good")
      try link("set/train/good/again", to: "z")
      try link("set/train/good/z/loop", to: "..")
      try link("set/train/good/file.png", to: "\(root)/file.png")
      try link("set/train/good/gone.png", to: "\(root)/nowhere.png")
      try link("set/train/normal", to: "good")
      try link("set/test/good", to: "\(root)/data/good")
      let folder = try ImageFolder(root: "\(root)/set//")
      #expect(
        try folder.trainingImages() == [
          "train/good/another/a.png", "train/good/file.png", "train/good/gone.png", "train/good/z/b.png",
        ])
      #expect(try folder.testImages().map(\.path) == ["test/bad/t.png", "test/good/a.png"])
      #expect(folder.root == "\(root)/set")
    }
  }

  @Test("A pipe named .png is no image")
  func pipe() throws {
    try withFiles(["a.png"]) { root in
      #expect(mkfifo("\(root)/b.png", 0o600) == 0)
      let found = try ImageFolder.images(under: root).images
      #expect(found == ["a.png"])
    }
  }

  @Test("A missing folder, and a file in its place, are named")
  func missingRoot() throws {
    try withFiles(["a.png"]) { root in
      let missing = radiographError { _ = try ImageFolder(root: "\(root)/none") }
      #expect(missing?.description == "\(root)/none: expected a folder, found that it does not exist.")
      let file = radiographError { _ = try ImageFolder(root: "\(root)/a.png") }
      #expect(file?.description == "\(root)/a.png: expected a folder, found a file.")
      #expect(radiographError { _ = try ImageFolder.images(under: "\(root)/none") } != nil)
    }
  }

  @Test("A data set without normal training images is refused, never sorted by name")
  func noTraining() throws {
    try withFiles(["train/abnormal/a.png", "train/bad/b.png", "test/good/c.png"]) { root in
      let folder = try ImageFolder(root: root)
      #expect(
        radiographError { _ = try folder.trainingImages() }?.description == "\(root)/train: expected a folder good or "
          + "normal with the normal training images, found the folders abnormal and bad.")
      #expect(try folder.testImages().count == 1)
    }
    try withFiles(["chest_xray/train/good/a.png"]) { root in
      #expect(
        radiographError { _ = try ImageFolder(root: root).trainingImages() }?.description == "\(root): expected a data "
          + "set with normal images in train/good or train/normal, found the folder chest_xray.")
    }
    try withFiles(["train/good/readme.txt", "train/bad/b.png"]) { root in
      #expect(
        radiographError { _ = try ImageFolder(root: root).trainingImages() }?.description
          == "\(root)/train/good: expected normal training images (\(ImageFile.suffixes)), found none: 1 .txt file is not read: "
          + "only \(ImageFile.suffixes) files are.")
    }
    try withFiles((10..<30).map { "class\($0)/a.png" }) { root in
      let error = radiographError { _ = try ImageFolder(root: root).trainingImages() }
      #expect(error?.description.hasSuffix("class16, class17 and 12 more.") == true)
    }
  }

  @Test("A data set without test images is refused when they are asked for, and only then")
  func noTest() throws {
    try withFiles(["train/good/a.png"]) { root in
      let folder = try ImageFolder(root: root)
      #expect(try folder.trainingImages().count == 1)
      #expect(
        radiographError { _ = try folder.testImages() }?.description
          == "\(root): expected a data set with a folder test, found the folder train.")
    }
    try withFiles(["test/a.png", "test/good/a.txt"]) { root in
      #expect(
        radiographError { _ = try ImageFolder(root: root).testImages() }?.description
          == "\(root)/test: expected test images (\(ImageFile.suffixes)) in good or normal and in folders of anomalies, "
          + "found none in the folder good: 1 .txt file is not read: only \(ImageFile.suffixes) files are.")
    }
  }

  @Test(
    "The real X-rays' folders are read as their owners laid them out",
    .enabled(if: TestData.folder != nil, TestData.whereToFind))
  func realDataSets() throws {
    let data = try #require(TestData.folder)
    let kermany = try ImageFolder(root: "\(data)/kermany-cxr")
    #expect(try kermany.trainingImages().count == 1127)
    #expect(try kermany.testImages().count { !$0.isAnomalous } == 214)
    #expect(try kermany.testImages().count { $0.isAnomalous && $0.kinds != ["good"] } == 336)
    #expect(try ImageFolder(root: "\(data)/nih-cxr").trainingImages().count == 285)
  }

  /// A temporary folder with empty files, made by the system's own calls: Foundation's refuse some names.
  private func withFiles(_ paths: [String], _ body: (_ root: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for path in paths {
        var parent = folder.path
        for name in path.utf8.split(separator: UInt8(ascii: "/")).dropLast() {
          parent += "/\(Substring(name))"
          #expect(mkdir(parent, 0o700) == 0 || errno == EEXIST)
        }
        let file = creat("\(folder.path)/\(path)", 0o600)
        #expect(file >= 0 && close(file) == 0)
      }
      try body(folder.path)
    }
  }
}
