#if !DICOM
  import Testing

  @testable import Radiographs

  @Suite("A build without DICOM")
  struct DICOMLeftOutTests {
    @Test("A DICOM file is named for what it is, and folders leave it out")
    func refusal() {
      let bytes = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
      #expect(
        radiographError { _ = try ImageFile(bytes: bytes, path: "a.dcm") }?.description
          == "a.dcm: expected a \(ImageFile.names) image, found a DICOM file: this build reads no DICOM.")
      #expect(!ImageFile.isPicture("a.dcm") && !ImageFile.names.contains("DICOM"))
    }
  }
#endif
