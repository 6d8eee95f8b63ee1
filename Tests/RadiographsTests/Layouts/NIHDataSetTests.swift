import Foundation
import Testing

@testable import Radiographs

@Suite("NIH ChestX-ray14 as downloaded")
struct NIHDataSetTests {
  /// Literally as published, the commas in brackets among them.
  static let head =
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    + "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
  static let headOf2020 =
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Sex,View Position,"
    + "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"

  static let rows = [
    "00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,",
    "00000001_001.png,No Finding,1,1,58,M,PA,2894,2729,0.143,0.143,",
    "00000002_000.png,No Finding,0,2,011M,F,AP,2500,2048,0.168,0.168",
    "00000003_000.png,Hernia|Mass,0,3,81,F,PA,2582,2991,0.143,0.143,",
    "00000003_001.png,No Finding,1,3,81,F,AP,2582,2991,0.143,0.143,",
  ]

  static let tree = [
    "Data_Entry_2017.csv": ([head] + rows).joined(separator: "\n") + "\n",
    "train_val_list.txt": "00000001_000.png\n00000001_001.png\n00000002_000.png\n",
    "test_list.txt": "00000003_001.png\r\n00000003_000.png\r\n",
    "images_001/images/00000001_000.png": "", "images_001/images/00000001_001.png": "",
    "images_002/images/00000002_000.png": "", "images_012/images/00000003_000.png": "",
    "images_012/images/00000003_001.png": "",
  ]

  private func listing(
    _ change: (inout [String: String]) -> Void = { _ in },
    _ body: (_ data: DataSet, _ training: [LabelledImage], _ test: [LabelledImage], _ notes: [String]) throws -> Void
  ) throws {
    var tree = Self.tree
    change(&tree)
    try withTree(tree) { root throws in
      let data = try DataSet(root)
      var notes: [String] = []
      let training = try data.trainingImages { notes.append(String($0.dropFirst(root.count + 2))) }
      let test = try data.testImages { notes.append(String($0.dropFirst(root.count + 2))) }
      try body(data, training, test, notes)
    }
  }

  @Test("The table's columns are known by their places, normal images of the first list train, the second tests")
  func official() throws {
    try listing { data, training, test, notes in
      #expect(data.layout == .nih && data.reason?.contains("Data_Entry_2017.csv") == true)
      #expect(
        training.map(\.path) == ["images_001/images/00000001_001.png", "images_002/images/00000002_000.png"])
      #expect(training.map(\.facts.patient) == ["00000001", "00000002"])
      #expect(training.map(\.facts.age) == [58, 0])
      #expect(training.map(\.facts.sex) == ["M", "F"])
      #expect(training.map(\.facts.view) == ["PA", "AP"])
      #expect(test.map(\.kinds) == [["Hernia", "Mass"], ["No Finding"]])
      #expect(test.map(\.isAnomalous) == [true, false])
      #expect(notes == ["1 of the 3 images here of train_val_list.txt have findings and do not train"])
    }
  }

  @Test("The other table, and images in one flat folder, are read as well")
  func variants() throws {
    try listing { tree in
      tree["Data_Entry_2017.csv"] = nil
      tree["Data_Entry_2017_v2020.csv"] =
        ([Self.headOf2020] + Self.rows.map { $0.hasSuffix(",") ? String($0.dropLast()) : $0 })
        .joined(separator: "\r\n")
      for path in tree.keys where path.hasSuffix(".png") {
        tree[path] = nil
        tree["images/" + path.split(separator: "/").last!] = ""
      }
    } _: { _, training, test, _ in
      #expect(training.map(\.path) == ["images/00000001_001.png", "images/00000002_000.png"])
      #expect(test.count == 2)
    }
  }

  @Test("A part of the download works, and says what is missing; images in no list, and without a row, are said")
  func partial() throws {
    try listing { tree in
      tree["images_002/images/00000002_000.png"] = nil
      tree["images_002/images/00009999_000.png"] = ""
      tree["images_002/images/._00009999_000.png"] = ""
      tree["test_list.txt"]! += "00000004_000.png\n00000003_001.png\n"
      tree["images_012/images/00000004_000.png"] = ""
    } _: { _, training, test, notes in
      #expect(training.count == 1 && test.count == 2)
      #expect(
        notes.contains(
          "of the 3 images of train_val_list.txt 2 are here, 1 missing (00000002_000.png)"))
      #expect(notes.contains("not used, since in neither list: 1 (00009999_000.png)"))
      #expect(notes.contains("not used, since the table has no row for them: 1 of test_list.txt (00000004_000.png)"))
    }
  }

  @Test(
    "What is wrong is said with its line",
    arguments: [
      ("Data_Entry_2017.csv", "a,b\n", "expected a first line that begins with Image Index,Finding Labels, found a,b."),
      (
        "Data_Entry_2017.csv", head + "\n00000001_000.png,Mass,0,1\n",
        "line 2: expected 11 values, or 12 of which the last is empty, found 4."
      ),
      (
        "Data_Entry_2017.csv", head + "\n" + rows[0] + "\n" + rows[0],
        "line 3: expected each image once, found 00000001_000.png again."
      ),
      (
        "Data_Entry_2017.csv", head + "\n" + rows[0].replacing("Cardiomegaly", with: "No Finding|Mass"),
        "line 2: expected findings between |, or No Finding alone, found \"No Finding|Mass\"."
      ),
      ("train_val_list.txt", "x.png\n", "expected the images of train_val_list.txt in images or in images_001/images"),
      ("images_002/images/00000001_000.png", "", "expected each image once, found images_001/images/00000001_000.png"),
    ])
  func refusals(path: String, text: String, sentence: String) throws {
    var tree = Self.tree
    tree[path] = text
    try withTree(tree) { root throws in
      let error = radiographError { _ = try DataSet(root).trainingImages() }
      #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "none")")
    }
  }

  @Test("Without the official list there is no guess")
  func noList() throws {
    var tree = Self.tree
    tree["test_list.txt"] = nil
    try withTree(tree) { root throws in
      #expect(try DataSet(root).trainingImages().count == 2)
      #expect(
        radiographError { _ = try DataSet(root).testImages() }?.description
          == "\(root): expected test_list.txt, the official split, found none: it comes with the download.")
    }
  }

  @Test(
    "Ages are in whole years",
    arguments: [("58", 58), ("058Y", 58), ("011M", 0), ("024M", 2), ("003D", 0), ("Y", nil), ("", nil), ("5x", nil)])
  func ages(text: String, age: Int?) {
    #expect(NIHDataSet.age(text) == age)
  }
}
