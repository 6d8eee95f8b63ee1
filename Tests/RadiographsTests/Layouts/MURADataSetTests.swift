import Foundation
import Testing

@testable import Radiographs

@Suite("MURA as downloaded")
struct MURADataSetTests {
  static let images = [
    "train/XR_WRIST/patient00001/study1_negative/image1.png", "train/XR_WRIST/patient00001/study1_negative/image2.png",
    "train/XR_HAND/patient00002/study1_positive/image1.png", "train/XR_HAND/patient00003/study2_negative/image1.png",
    "valid/XR_HAND/patient11185/study1_negative/image1.png", "valid/XR_WRIST/patient11186/study1_positive/image1.png",
    "valid/XR_WRIST/patient11186/study1_positive/image2.png",
  ]

  /// Header-less, paths beginning with the data set's own folder, studies with a slash at their end.
  static let tables: [String: String] = {
    var tables: [String: String] = [:]
    for split in ["train", "valid"] {
      let paths = images.filter { $0.hasPrefix(split) }.map { "MURA-v1.1/\($0)" }
      tables["\(split)_image_paths.csv"] = paths.map { $0 + "\n" }.joined()
      let studies = Set(paths.map { $0.split(separator: "/").dropLast().joined(separator: "/") + "/" })
      tables["\(split)_labeled_studies.csv"] = studies.sorted().map { "\($0),\($0.contains("positive") ? 1 : 0)\n" }
        .joined()
    }
    return tables
  }()

  /// What is in MURA-v1.1, with a Mac's droppings.
  static func files(tables: Bool) -> [String: String] {
    var files = tables ? Self.tables : [:]
    for image in images {
      files[image] = ""
      files[image.replacing("/image", with: "/._image")] = "\u{0}\u{5}\u{16}\u{7}"
    }
    return files
  }

  private func under(_ folder: String, _ files: [String: String]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: files.map { ("\(folder)/\($0)", $1) })
  }

  @Test("The tree alone, with its tables, and the folder above it give the same images", arguments: [true, false])
  func layouts(tables: Bool) throws {
    try withTree(under("MURA-v1.1", Self.files(tables: tables))) { root throws in
      for path in [root, "\(root)/MURA-v1.1", "\(root)/MURA-v1.1/"] {
        let data = try DataSet(path)
        #expect(data.layout == .mura && data.root == "\(root)/MURA-v1.1")
        let training = try data.trainingImages()
        #expect(training.map(\.path) == [Self.images[3], Self.images[0], Self.images[1]])
        #expect(training.map(\.facts.bodyPart) == ["HAND", "WRIST", "WRIST"])
        #expect(training.map(\.facts.patient) == ["patient00003", "patient00001", "patient00001"])
        let test = try data.testImages()
        #expect(test.map(\.isAnomalous) == [false, true, true])
        #expect(Set(test.map(\.facts.study)).count == 2)
      }
    }
  }

  @Test("The table judges before the folder's name does")
  func table() throws {
    var files = Self.files(tables: true)
    files["valid_labeled_studies.csv"] = "MURA-v1.1/valid/XR_HAND/patient11185/study1_negative/,1\n"
    try withTree(files) { root throws in
      #expect(try DataSet(root).testImages().map(\.isAnomalous) == [true, true, true])
    }
  }

  @Test("What is listed and not here, here and not listed, and in no study, is said")
  func differences() throws {
    var files = Self.files(tables: true)
    files["train_image_paths.csv"]! += "MURA-v1.1/train/XR_ELBOW/patient00009/study1_negative/image1.png\n"
    files["train/XR_HAND/patient00004/study1_negative/image1.png"] = ""
    files["valid_image_paths.csv"] = nil
    files["valid/XR_HAND/overview.png"] = ""
    try withTree(files) { root throws in
      let data = try DataSet(root)
      var notes: [String] = []
      #expect(try data.trainingImages { notes.append($0) }.count == 3)
      #expect(try data.testImages { notes.append($0) }.count == 3)
      for words in [
        "1 of the 5 images of train_image_paths.csv are not here", "not used, since not in train_image_paths.csv: 1",
        "not used, since they lie in no study: 1 (valid/XR_HAND/overview.png)",
        "1 of the 4 images of train are positive",
      ] {
        #expect(notes.contains { $0.contains(words) }, "\(words): \(notes)")
      }
    }
  }

  @Test("Parts of the body are chosen by name, and one that is not there is refused with those that are")
  func bodyParts() throws {
    try withTree(Self.files(tables: false)) { root throws in
      var selection = DataSelection()
      selection.bodyParts = ["wrist"]
      var notes: [String] = []
      let data = try DataSet(root, selection: selection)
      #expect(try data.trainingImages { notes.append($0) }.count == 2)
      #expect(notes.contains("\(root): --body-part wrist leaves out 1 of 3 training images"))
      selection.bodyParts = ["foot"]
      let error = radiographError { _ = try DataSet(root, selection: selection).trainingImages() }
      #expect(
        error?.description
          == "\(root): --body-part foot asks for training images of the body part foot, found HAND, WRIST.")
      #expect(error?.kind == .refused)
    }
  }

  @Test(
    "Bad tables are refused with their line",
    arguments: [
      ("train_image_paths.csv", "/data/a.png\n", "line 1: expected a path such as MURA-v1.1/train/XR_WRIST/..."),
      (
        "train_labeled_studies.csv", "MURA-v1.1/train/XR_HAND/patient00002/study1_positive/,2\n",
        "line 1: expected a study such as"
      ),
    ])
  func refusals(name: String, text: String, sentence: String) throws {
    var files = Self.files(tables: true)
    files[name] = text
    try withTree(files) { root throws in
      let error = radiographError { _ = try DataSet(root).trainingImages() }
      #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "none")")
    }
  }
}
