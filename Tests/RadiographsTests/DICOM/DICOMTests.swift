#if DICOM
  import Foundation
  import Safetensors
  import Testing

  @testable import Radiographs

  /// The files that Tests/Reference/dicom.py made, against what pydicom makes of them.
  @Suite("DICOM")
  struct DICOMTests {
    private static let folder = "dicom"
    private static let lossy = ["jpeg50", "jpeg51", "jpegls81", "jpeg2000-91"]

    private static let pixels = ["8bit", "10bit", "12bit", "16bit", "signed12", "signed16", "inverted12"]
    private static let syntaxes = [
      "implicit", "explicit", "deflated", "bigendian", "rle", "jpeg57", "jpeg70", "jpegls80", "jpeg2000-90",
    ]
    /// Each syntax with each kind of pixels that it can hold.
    static let files =
      syntaxes.flatMap { syntax in pixels.map { "\(syntax)-\($0)" } }
      + ["jpeg50-8bit"] + ["8bit", "10bit", "12bit", "inverted12"].map { "jpeg51-\($0)" }
      + ["jpegls81", "jpeg2000-91"].flatMap { syntax in
        pixels.filter { !$0.hasPrefix("signed") }.map { "\(syntax)-\($0)" }
      }

    private func expected(_ name: String) throws -> [Float] {
      try SafetensorsFile(path: Fixtures.folder(Self.folder).appending(path: "dicom.safetensors").path).floats(name)
    }

    private func path(_ name: String) throws -> String {
      try Fixtures.folder(Self.folder).appending(path: name).path
    }

    /// The largest difference to what pydicom has.
    private func difference(_ path: String, _ expected: [Float]) throws -> Float {
      let image = try Radiograph(contentsOf: path)
      guard case .float(let values) = image.pixels, image.width == 32, image.height == 40 else { return .infinity }
      return zip(values, expected).map { abs($0 - $1) }.max() ?? .infinity
    }

    /// Both round doubles to floats of at most 1.
    private static let rounding: Float = 1e-6

    /// One level of 8 bits, through a window of 204 of them.
    private static let lossyDifference: Float = 1.0 / 203 + rounding

    @Test(
      "Every transfer syntax gives pydicom's gray: equal without loss, within a level of 8 bits with", arguments: files)
    func syntax(name: String) throws {
      let isLossy = Self.lossy.contains { name.hasPrefix("\($0)-") }
      let pixels = name.split(separator: "-").last.map(String.init) ?? ""
      let difference = try difference(path("\(name).dcm"), expected(isLossy ? name : pixels))
      #expect(difference <= (isLossy ? Self.lossyDifference : Self.rounding), "\(name): \(difference)")
    }

    @Test(
      "The way from stored values to gray is pydicom's",
      arguments: [
        "linear", "linear-exact", "sigmoid", "two-windows", "threshold", "rescale", "rescale-signed",
        "sigmoid-inverted", "shape", "shape-inverted", "table", "table-implicit", "table-bigendian", "table-part",
        "table-signed", "modality-table", "percentiles", "percentiles-signed", "percentiles-falling", "padding",
        "padding-range", "high-bits", "overlay-bits", "32-bits", "32-bits-signed", "words-bigendian", "fragments",
        "nested",
      ])
    func gray(name: String) throws {
      let difference = try difference(path("gray-\(name).dcm"), expected("gray-\(name)"))
      #expect(difference <= Self.rounding, "\(name): \(difference)")
    }

    @Test("No fixture is left out")
    func completeness() throws {
      let files = try Fixtures.files(Self.folder, withExtension: "dcm").map {
        $0.deletingPathExtension().lastPathComponent
      }
      #expect(Set(files.filter { !$0.hasPrefix("gray-") }) == Set(Self.files))
      #expect(files.count { $0.hasPrefix("gray-") } == 28)
    }

    @Test(
      "A file without a preamble, and one without its meta information, are DICOM all the same",
      arguments: ["meta", "bare"], ["implicit", "explicit", "bigendian"])
    func bare(kind: String, encoding: String) throws {
      let difference = try difference(path("bare-\(kind)-\(encoding)"), expected("12bit"))
      #expect(difference <= Self.rounding)
    }

    @Test(
      "Threads decode side by side as one does", arguments: ["jpeg70-16bit", "jpegls80-12bit", "jpeg2000-90-12bit"])
    func threads(name: String) async throws {
      let path = try path("\(name).dcm")
      let image = try Radiograph(contentsOf: path)
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for _ in 0..<32 { group.addTask { try Radiograph(contentsOf: path) == image } }
        for try await isEqual in group { #expect(isEqual) }
      }
    }

    @Test("A picture of one value is black, and what a lossy decoder gives beyond the stored bits is the largest value")
    func edges() throws {
      var file = DICOMFileBuilder(columns: 3, rows: 2)
      file.set(0x7FE0_0010, "OW", [Int](repeating: 7, count: 6))
      #expect(try Radiograph(bytes: file.bytes, path: "a").pixels == .float([0, 0, 0, 0, 0, 0]))
      let samples = DICOMSamples(
        bytes: [0xFF, 0x0F, 0x05, 0x10], start: 0, bytesPerSample: 2, isBigEndian: false, bits: 12, shift: 0,
        isSigned: false, isClamped: true)
      let data = try DICOMDataSet(file.bytes, isWhole: true)
      let scale = try DICOMGrayScale(data, DICOMPicture(data))
      #expect(DICOMGray(samples: samples, scale: scale, padding: nil, count: 2).pixels() == [0, 0])
    }
  }
#endif
