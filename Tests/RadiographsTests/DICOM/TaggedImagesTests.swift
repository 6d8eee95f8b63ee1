#if DICOM
  import Foundation
  import Testing

  @testable import Radiographs

  @Suite("Tags in data sets")
  struct TaggedImagesTests {
    private func write(_ path: String, in folder: URL, patient: String, burned: String = "NO") throws {
      var file = DICOMFileBuilder(columns: 4, rows: 3)
      file.set(0x0010_0020, "LO", patient)
      file.set(0x0010_0040, "CS", "F")
      file.set(0x0010_1010, "AS", "061Y")
      file.set(0x0018_5101, "CS", "PA")
      file.set(0x0020_000D, "UI", "1.2.\(patient.utf8.count)")
      file.set(0x0028_0301, "CS", burned)
      let place = folder.appending(path: path)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.bytes).write(to: place)
    }

    @Test("The patient of a DICOM file's tags comes before the one of its name, and is no name any more")
    func patients() throws {
      try withTemporaryFolder { folder in
        try write("train/good/person1_virus_1.dcm", in: folder, patient: "DOE^JANE")
        try write("train/good/person2_virus_1.dcm", in: folder, patient: "DOE^JANE")
        try write("train/good/IM0001", in: folder, patient: "ROE", burned: "YES")
        try Data().write(to: folder.appending(path: "train/good/person3_virus_1.png"))
        try Data([1]).write(to: folder.appending(path: "train/good/person4_virus_1.dcm"))
        var notes: [String] = []
        var opened: [[Int]] = []
        let data = try DataSet(folder.path) { opened.append([$0, $1]) }
        let images = try data.trainingImages { notes.append($0) }
        #expect(opened == [[4, 4]])
        let facts = Dictionary(
          uniqueKeysWithValues: images.map { (URL(filePath: $0.path).lastPathComponent, $0.facts) })
        let patient = try #require(facts["person1_virus_1.dcm"]?.patient)
        #expect(patient == ImageTags.pseudonym("DOE^JANE") && patient.utf8.count == 16 && !patient.contains("DOE"))
        #expect(facts["person2_virus_1.dcm"]?.patient == patient)
        #expect(facts["IM0001"]?.patient == ImageTags.pseudonym("ROE"))
        #expect(facts["person3_virus_1.png"]?.patient == "person3")
        #expect(facts["person4_virus_1.dcm"]?.patient == "person4")
        #expect(facts["IM0001"]?.view == "PA" && facts["IM0001"]?.sex == "F" && facts["IM0001"]?.age == 61)
        #expect(
          notes == [
            "\(folder.path)/train/good/IM0001: its tags say that letters are burnt into the pixels (Burned In "
              + "Annotation), as those of 1 of 5 images do: they may name the patient, and be learnt"
          ])
      }
    }

    @Test("A table's patient comes before the tags'")
    func table() throws {
      try withTemporaryFolder { folder in
        try write("a.dcm", in: folder, patient: "DOE")
        try Data("path,split,label,patient\na.dcm,train,normal,P9\n".utf8)
          .write(to: folder.appending(path: "salad.csv"))
        let images = try DataSet(folder.path).trainingImages()
        #expect(images.map(\.facts.patient) == ["P9"])
        try Data("path,split,label\na.dcm,train,normal\n".utf8).write(to: folder.appending(path: "salad.csv"))
        #expect(try DataSet(folder.path).trainingImages().map(\.facts.patient) == [ImageTags.pseudonym("DOE")])
      }
    }
  }
#endif
