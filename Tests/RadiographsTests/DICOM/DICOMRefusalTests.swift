#if DICOM
  import Foundation
  import Testing

  @testable import Radiographs

  @Suite("DICOM files that cannot be read")
  struct DICOMRefusalTests {
    private func refusal(_ bytes: [UInt8]) -> String? {
      let error = radiographError { _ = try Radiograph(bytes: bytes, path: "a.dcm") }
      return error.map { $0.kind == .badData ? $0.description : "\($0.kind): \($0)" }
    }

    private func refusal(_ change: (inout DICOMFileBuilder) -> Void) -> String? {
      var file = DICOMFileBuilder(columns: 4, rows: 3)
      change(&file)
      return refusal(file.bytes)
    }

    @Test("The file that the others are made of is sound")
    func sound() throws {
      #expect(try Radiograph(bytes: DICOMFileBuilder(columns: 4, rows: 3).bytes, path: "a.dcm").width == 4)
    }

    @Test(
      "Each refusal names what was found and, where there is one, the way out",
      arguments: [
        (
          0x0028_0008, "IS", "12",
          "expected a DICOM image of one frame, found 12 frames: save each as a file of its own"
        ),
        (0x0028_0008, "IS", "x", "expected a sound DICOM image, found a number of frames of \"x\""),
        (
          0x0028_0004, "CS", "PALETTE COLOR",
          "expected a gray DICOM image (MONOCHROME1 or MONOCHROME2), found PALETTE COLOR of 1 sample a pixel: export "
            + "it as gray"
        ),
        (
          0x0008_0068, "CS", "FOR PROCESSING",
          "expected a DICOM image FOR PRESENTATION, found one FOR PROCESSING, as the detector gave it: export the "
            + "image FOR PRESENTATION of the same exposure"
        ),
        (
          0x0028_1056, "CS", "CUBIC", "expected a window function LINEAR, LINEAR_EXACT or SIGMOID, found CUBIC"
        ),
        (0x0028_1053, "DS", "0", "expected a sound DICOM image, found a rescale slope of 0.0 and intercept of 0.0"),
      ] as [(UInt32, String, String, String)])
    func text(tag: UInt32, representation: String, value: String, sentence: String) {
      #expect(refusal { $0.set(tag, representation, value) } == "a.dcm: \(sentence).")
    }

    @Test(
      "Numbers that no picture has are refused before anything is allocated for them",
      arguments: [
        (
          0x0028_0002, 3,
          "expected a gray DICOM image (MONOCHROME1 or MONOCHROME2), found MONOCHROME2 of 3 samples a pixel: export "
            + "it as gray"
        ),
        (0x0028_0100, 12, "expected 8, 16 or 32 bits allocated a pixel, found 12"),
        (0x0028_0100, 1, "expected 8, 16 or 32 bits allocated a pixel, found 1"),
        (0x0028_0101, 17, "expected a sound DICOM image, found 17 bits stored up to bit 11 of 16"),
        (0x0028_0101, 0, "expected a sound DICOM image, found 0 bits stored up to bit 11 of 16"),
        (0x0028_0102, 16, "expected a sound DICOM image, found 12 bits stored up to bit 16 of 16"),
        (0x0028_0102, 10, "expected a sound DICOM image, found 12 bits stored up to bit 10 of 16"),
        (0x0028_0010, 0, "expected a sound DICOM image, found an image of 4 x 0 pixels"),
        (0x0028_0010, 4, "expected 32 bytes of pixels for 4 x 4 of 16 bits, found 24"),
        (0x0028_0011, 20_001, "expected at most 20000 x 20000 and 268435456 pixels, found 20001 x 3"),
      ] as [(UInt32, Int, String)])
    func number(tag: UInt32, value: Int, sentence: String) {
      #expect(refusal { $0.set(tag, "US", [value]) } == "a.dcm: \(sentence).")
    }

    @Test("More than 2^28 pixels are refused by their header")
    func tooLarge() {
      let sentence = refusal {
        $0.set(0x0028_0010, "US", [16_385])
        $0.set(0x0028_0011, "US", [16_384])
      }
      #expect(sentence == "a.dcm: expected at most 20000 x 20000 and 268435456 pixels, found 16384 x 16385.")
    }

    @Test(
      "An object without pixels is named",
      arguments: [
        ("1.2.840.10008.1.3.10", "the directory of a medium (DICOMDIR)"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "a PDF"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "a presentation state"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "a DICOM object of class 1.2.840.10008.5.1.4.1.1.1.1"),
      ])
    func withoutPixels(identifier: String, name: String) {
      let sentence = refusal {
        $0.set(0x0008_0016, "UI", identifier)
        $0.remove(0x7FE0_0010)
      }
      #expect(sentence == "a.dcm: expected a DICOM image, found \(name) without pixels.")
    }

    @Test(
      "Float pixels are refused",
      arguments: [(0x7FE0_0008, "float pixel data"), (0x7FE0_0009, "double float pixel data")])
    func floats(tag: Int, name: String) {
      let sentence = refusal {
        $0.remove(0x7FE0_0010)
        $0.set(UInt32(tag), "OF", [UInt8](repeating: 0, count: 48))
      }
      #expect(
        sentence == "a.dcm: expected pixels that are whole numbers, found \(name): export them as 16 bits.")
    }

    @Test(
      "A transfer syntax that is not read is named",
      arguments: [
        ("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.100 (MPEG-2 Main Profile)"),
        ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.201 (High-Throughput JPEG 2000 Lossless)"),
        ("1.2.3", "\"1.2.3\""),
      ])
    func syntax(identifier: String, name: String) {
      #expect(
        refusal { $0.syntax = identifier }
          == "a.dcm: expected a transfer syntax that is read here, found \(name): save the image in another one, "
          + "such as Explicit VR Little Endian.")
    }

    @Test("Compressed pixels of another size than the data set's are refused before they are decoded")
    func otherSize() throws {
      for name in ["jpeg70-12bit", "jpegls80-12bit", "jpeg2000-90-12bit"] {
        var bytes = try Fixtures.bytes(Fixtures.folder("dicom").appending(path: "\(name).dcm"))
        let rows = DICOMFileBuilder.element(0x0028_0010, "US", [40, 0])
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: rows) })
        bytes[place + 8] = 41
        #expect(
          refusal(bytes)
            == "a.dcm: expected a sound DICOM image, found compressed pixels of 32 x 40 and 1 components where 32 x 41 "
            + "and one are announced.")
      }
    }

    @Test("Sequences in sequences are entered only so deep")
    func deep() {
      let item = DICOMFileBuilder.element(0x0008_1140, "SQ", []).dropLast(4) + [255, 255, 255, 255]
      let start: [UInt8] = [0xFE, 0xFF, 0x00, 0xE0, 255, 255, 255, 255]
      let nested = [[UInt8]](repeating: Array(item) + start, count: 100_000).joined()
      let bytes = DICOMFileBuilder(columns: 4, rows: 3).bytes
      let place = 132 + 8 + 20
      #expect(
        refusal(Array(bytes[..<place] + nested))
          == "a.dcm: expected a sound DICOM image, found sequences nested more than 32 deep.")
    }

    @Test(
      "A file cut short at any length is refused in one sentence",
      arguments: ["implicit-8bit", "deflated-8bit", "rle-8bit", "jpeg70-8bit", "jpegls80-8bit", "jpeg2000-90-8bit"])
    func truncated(name: String) throws {
      let bytes = try Fixtures.bytes(Fixtures.folder("dicom").appending(path: "\(name).dcm"))
      for count in 0..<bytes.count {
        let error = radiographError { _ = try Radiograph(bytes: Array(bytes[..<count]), path: "a.dcm") }
        // A compressed data set may end in a padding byte.
        guard count < bytes.count - 1 || error != nil else { continue }
        #expect(error?.kind == .badData, "\(count) of \(bytes.count)")
        let isSentence = error?.description.hasPrefix("a.dcm: expected ") ?? false
        #expect(isSentence, "\(count): \(error?.description ?? "none")")
      }
    }

    @Test(
      "Text and other files are not taken for DICOM", arguments: ["", "ISO_IR 100\n", "\u{08}\u{08}", "\u{02}", "PK"])
    func others(text: String) {
      #expect(!DICOM.begins(Array(text.utf8)))
      #expect(!DICOM.begins([8, 0] + Array(text.utf8)))
      #expect(!DICOM.begins([8, 0, 5, 0] + [UInt8](repeating: 0xFF, count: 200)))
    }
  }
#endif
