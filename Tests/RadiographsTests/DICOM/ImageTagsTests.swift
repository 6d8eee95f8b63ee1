#if DICOM
  import Foundation
  import Testing

  @testable import Radiographs

  @Suite("Image tags")
  struct ImageTagsTests {
    private func tags(_ change: (inout DICOMFileBuilder) -> Void) throws -> ImageTags? {
      var file = DICOMFileBuilder(columns: 4, rows: 3)
      change(&file)
      return try ImageFile(bytes: file.bytes, path: "a.dcm").tags()
    }

    @Test(
      "A file's tags are read whatever the transfer syntax, without its pixels",
      arguments: ["implicit-12bit", "explicit-12bit", "deflated-12bit", "bigendian-12bit", "jpeg2000-90-12bit"])
    func tags(name: String) throws {
      let path = try Fixtures.folder("dicom").appending(path: "\(name).dcm").path
      let tags = try #require(try ImageTags(ofFile: path))
      var expected = ImageTags()
      expected.patient = "P0042"
      expected.study = "1.2.826.0.1.3680043.10.1.2"
      expected.view = "PA"
      expected.laterality = "U"
      expected.manufacturer = "Example Works"
      expected.model = "Ray 1"
      expected.modality = "DX"
      expected.sex = "F"
      expected.age = 45
      expected.hasBurnedInAnnotation = false
      #expect(tags == expected)
      #expect(try ImageFile(path).tags() == expected)
    }

    @Test("Of a large file only the beginning is read, and what is missing of its pixels is not seen")
    func beginning() throws {
      try withTemporaryFolder { folder in
        let path = folder.appending(path: "large.dcm").path
        var file = DICOMFileBuilder(columns: 4, rows: 3)
        file.set(0x0010_0020, "LO", "P7")
        // A long element before those that are wanted.
        file.set(0x0009_1010, "OB", [UInt8](repeating: 1, count: 300_000))
        file.set(0x7FE0_0010, "OW", [UInt8](repeating: 1, count: 500_000))
        try Data(file.bytes.dropLast(1)).write(to: URL(filePath: path))
        #expect(try ImageTags(ofFile: path)?.patient == "P7")
        #expect(radiographError { _ = try Radiograph(contentsOf: path) }?.kind == .badData)
      }
    }

    @Test(
      "Without a number the name tells the patient, and what stands for everybody tells nobody",
      arguments: [
        ("", "Doe^Jane", "Doe^Jane"), ("P1", "Doe^Jane", "P1"), ("ANONYMOUS", "Anon^", nil), ("0000", "", nil),
        ("anonymised", "Doe^J", "Doe^J"), ("M\u{FC}ller", "", "M\u{FC}ller"),
      ] as [(String, String, String?)])
    func patient(number: String, name: String, patient: String?) throws {
      let tags = try tags {
        $0.set(0x0010_0010, "PN", name)
        $0.set(0x0010_0020, "LO", number)
      }
      #expect(tags?.patient == patient)
    }

    @Test("A PNG has no tags")
    func png() throws {
      let path = try Fixtures.folder("decode").appending(path: "rgb8-23x17.png").path
      #expect(try ImageTags(ofFile: path) == nil)
      #expect(try ImageFile(path).tags() == nil)
    }

    @Test("A folder's files without a suffix are pictures where they begin as DICOM, and DICOMDIR is none")
    func folder() throws {
      try withTemporaryFolder { folder in
        let bytes = DICOMFileBuilder(columns: 4, rows: 3).bytes
        for (name, bytes) in [
          ("IM0001", bytes), ("1.2.840.10008.7", bytes), ("DICOMDIR", bytes),
          ("README", Array("DICM, see IM0001\n".utf8)),
          ("a.DCM", bytes), ("b.txt", bytes), ("empty", []),
        ] {
          try Data(bytes).write(to: folder.appending(path: name))
        }
        let (images, unread) = try ImageFolder.images(under: folder.path)
        #expect(images == ["1.2.840.10008.7", "IM0001", "a.DCM"])
        #expect(unread.counts == ["": 3, ".txt": 1])
      }
    }
  }
#endif
