import Foundation
import Testing

@testable import Radiographs

@Suite("Layouts")
struct DataSetTests {
  @Test("A table comes first, two other layouts at once are refused by their flags, and a flag chooses")
  func choice() throws {
    let folder = ["train/good/a.png": "", "test/good/b.png": ""]
    let both = folder.merging(NIHDataSetTests.tree) { $1 }
    try withTree(both) { root throws in
      let error = radiographError { _ = try DataSet(root) }
      #expect(
        error?.description
          == "\(root): expected a data set of one layout, found Data_Entry_2017.csv (--layout nih) and the "
          + "folder train/good (--layout folder): choose one by its flag.")
      #expect(error?.kind == .refused)
      for (layout, first) in [(DataLayout.nih, "images_001/images/00000001_001.png"), (.folder, "train/good/a.png")] {
        var selection = DataSelection()
        selection.layout = layout
        #expect(try DataSet(root, selection: selection).trainingImages().first?.path == first)
      }
    }
    try withTree(both.merging(["salad.csv": "path,split,label\ntrain/good/a.png,train,0\n"]) { $1 }) { root throws in
      let data = try DataSet(root)
      #expect(data.layout == .csv && data.reason?.contains("a table comes before all other layouts") == true)
    }
    try withTree(folder) { root throws in #expect(try DataSet(root).layout == .folder) }
  }

  @Test("Views, kinds and a limit choose, evenly and by what the data set has")
  func selection() throws {
    try withTree(NIHDataSetTests.tree) { root throws in
      func test(_ change: (inout DataSelection) -> Void) throws -> [LabelledImage] {
        var selection = DataSelection()
        change(&selection)
        return try DataSet(root, selection: selection).testImages()
      }
      #expect(try test { $0.views = ["ap"] }.map(\.path) == ["images_012/images/00000003_001.png"])
      #expect(try test { $0.labels = ["mass"] }.map(\.kinds) == [["Mass"], ["No Finding"]])
      #expect(
        radiographError { _ = try test { $0.labels = ["Edema"] } }?.description.contains("found Hernia, Mass") == true)
      #expect(radiographError { _ = try test { $0.views = ["LL"] } }?.description.contains("found AP, PA") == true)
      #expect(
        radiographError { _ = try test { $0.bodyParts = ["wrist"] } }?.description.contains("tells its body part")
          == true)
    }
    let files = Dictionary(uniqueKeysWithValues: (0..<10).map { ("train/good/\($0).png", "") })
    try withTree(files) { root throws in
      var selection = DataSelection()
      selection.limit = 4
      var notes: [String] = []
      let chosen = try DataSet(root, selection: selection).trainingImages { notes.append($0) }
      #expect(chosen.map(\.path) == ["0", "2", "5", "7"].map { "train/good/\($0).png" })
      #expect(notes == ["\(root): --limit 4 leaves out 6 of 10 training images"])
    }
  }

  @Test("Kermany's download trains on NORMAL, and tells patients by both of its schemes")
  func kermany() throws {
    let names = ["NORMAL/IM-0115-0001.png", "NORMAL/NORMAL-1049278-0001.png", "PNEUMONIA/BACTERIA-1008087-0001.png"]
    try withTree(Dictionary(uniqueKeysWithValues: names.flatMap { [("train/" + $0, ""), ("test/" + $0, "")] })) {
      root in
      let data = try DataSet(root)
      #expect(try data.trainingImages().map(\.facts.patient) == ["IM-0115", "1049278"])
      #expect(try data.testImages().map(\.facts.patient) == ["IM-0115", "1049278", "1008087"])
    }
  }
}
