import Foundation
import Testing

@testable import Radiographs

@Suite("A data set that a table describes")
struct TableDataSetTests {
  static let pictures = Dictionary(uniqueKeysWithValues: ["a", "b", "c", "d", "e"].map { ("im/\($0).png", "") })

  private func withTable(_ text: String, _ body: (_ root: String) throws -> Void) throws {
    try withTree(Self.pictures.merging(["salad.csv": text]) { $1 }, body)
  }

  @Test("Columns stand in any order, all words for splits and labels are known, and what else there is is kept")
  func columns() throws {
    let table = """
      \u{FEFF}Label, Split ,note,path,PATIENT,study,view,sex,age,body_part,mask\r
      normal,train,"a ""b"", c",im/a.png,7,s1,PA,F,41,chest,\r
      No Finding,Training,,./im/b.png,,,,,,,\r
      effusion|mass,TEST,,im/../im/c.png,8,s2,AP,M,058Y,,im/e.png\r
      0,valid,,im/d.png,9,,,,,,\r

      """
    try withTable(table) { root throws in
      let data = try DataSet(root)
      #expect(data.layout == .csv && data.root == root)
      var notes: [String] = []
      let training = try data.trainingImages { notes.append($0) }
      #expect(training.map(\.path) == ["im/a.png", "im/b.png"])
      #expect(training.map(\.facts.patient) == ["7", nil])
      #expect(training[0].facts.others == ["note": "a \"b\", c"])
      #expect(training[0].facts.bodyPart == "CHEST" && training[0].facts.age == 41 && training[0].facts.study == "s1")
      #expect(notes == ["\(root)/salad.csv: used neither to train nor to test, being of the split val: 1"])
      let test = try data.testImages()
      #expect(test.map(\.path) == ["im/c.png"])
      #expect(test[0].kinds == ["effusion", "mass"] && test[0].isAnomalous && test[0].facts.mask == "im/e.png")
      #expect(test[0].facts.age == 58)
      for image in training + test { #expect(LabelledImage(fields: image.fields[...]) == image) }
    }
  }

  @Test("A table of any name is given itself; absolute paths and names with commas work inside of its folder")
  func file() throws {
    try withTree(["sub/x, y.png": "", "b.png": ""]) { root throws in
      let table = "path,split,label\n\"sub/x, y.png\",train,good\n\(root)/b.png,test,0\n"
      try Data(table.utf8).write(to: URL(filePath: "\(root)/mine.csv"))
      let data = try DataSet("\(root)/mine.csv")
      #expect(try data.trainingImages().map(\.path) == ["sub/x, y.png"])
      #expect(try data.testImages().map(\.path) == ["b.png"])
    }
  }

  @Test("Names tell patients only where the table has no such column")
  func patients() throws {
    let names = ["IM-0001-0001.png", "IM-0001-0002.png"]
    for (column, expected) in [("", ["IM-0001", "IM-0001"]), (",patient", [nil, nil])] as [(String, [String?])] {
      let rows = names.map { "\($0),train,good\(column.isEmpty ? "" : ",")\n" }.joined()
      try withTree([
        "IM-0001-0001.png": "", "IM-0001-0002.png": "", "salad.csv": "path,split,label\(column)\n" + rows,
      ]) { root throws in
        #expect(try DataSet(root).trainingImages().map(\.facts.patient) == expected)
      }
    }
  }

  @Test(
    "Every bad row is refused with its line and what would be right",
    arguments: [
      ("", "expected a first line that names path, split and label, found an empty table."),
      ("path,split\n", "line 1: expected columns path, split and label, found no label among path, split."),
      ("path;split;label\n", "line 1: expected commas between values, found semicolons or tabs"),
      ("path,split,label,Path\n", "line 1: expected each column once, found \"path\" again."),
      ("path,split,label\nim/a.png,train\n", "line 2: expected 3 values as the first line has, found 2."),
      ("path,split,label\nim/a.png,learn,good\n", "line 2: expected train, val or test as the split, found \"learn\"."),
      ("path,split,label\nim/a.png,train,\n", "line 2: expected normal, good, 0 or No Finding as the label"),
      ("path,split,label\nim/a.png,train,good|mass\n", "line 2: expected normal, good, 0 or No Finding as the label"),
      ("path,split,label\nim/z.png,train,good\n", "line 2: expected the image \"im/z.png\" in "),
      ("path,split,label\nim,train,good\n", "found a folder."),
      ("path,split,label\nim\\a.png,train,good\n", "found no such file: write / between folders, not \\."),
      ("path,split,label\n../x.png,train,good\n", "line 2: expected a path in the table's folder, found \"../x.png\""),
      ("path,split,label\n/etc/passwd,train,good\n", "line 2: expected a path in the table's folder"),
      (
        "path,split,label\nim/a.png,train,good\nim/./a.png,test,good\n",
        "line 3: expected each image once, found im/a.png again, which line 2 has."
      ),
      ("path,split,label,mask\nim/a.png,train,good,im/q.png\n", "line 2: expected the image \"im/q.png\" in "),
      ("path,split,label\nim/a.png,train,mass\n", "expected normal images to train with, found 1 anomalous ones"),
    ])
  func refusals(table: String, sentence: String) throws {
    try withTable(table) { root throws in
      let error = radiographError { _ = try DataSet(root).trainingImages() }
      #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "none")")
    }
  }

  @Test("A missing table, and a folder without one, are named")
  func missing() throws {
    try withTree(["a.png": ""]) { root throws in
      #expect(
        radiographError { _ = try DataSet("\(root)/no.csv") }?.description.contains("found no file \(root)/no.csv")
          == true)
      var selection = DataSelection()
      selection.layout = .csv
      #expect(
        radiographError { _ = try DataSet(root, selection: selection) }?.description
          .contains("or a folder with salad.csv") == true)
    }
  }
}
