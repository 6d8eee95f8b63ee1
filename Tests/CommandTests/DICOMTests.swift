#if DICOM
  import Foundation
  import Radiographs
  import RanksSupport
  import Testing

  extension CommandTests {
    /// A folder tree of DICOM files, as an archive exports them: with suffixes and without.
    @Suite("DICOM data sets")
    struct DICOMTests {
      @Test("A folder of DICOM files trains, is evaluated and scored, and what is no image there is said")
      func trainAndEvaluate() async throws {
        let sample = try Sample.copy()
        defer { sample.remove() }
        let data = sample.path("dicom")
        for (place, path) in try images(of: sample).enumerated() {
          let picture = try Radiograph(contentsOf: "\(sample.data)/\(path)")
          let stem = String(path.dropLast(".png".count))
          // The directory's own names have no suffix.
          try write(picture, patient: "P\(place)", to: "\(data)/\(stem)\(place % 2 == 0 ? ".dcm" : "")")
        }
        try Data([UInt8](repeating: 0, count: 128) + Array("DICM".utf8))
          .write(to: URL(filePath: "\(data)/train/good/DICOMDIR"))

        let run = sample.path("dicom-run")
        let training = try await Salad.succeed(
          ranks: 2, ["train", "--data", data, "--run", run] + SmallTraining.arguments)
        #expect(training.errors.contains("1 file without a suffix is not read"), "\(training)")
        let evaluation = try await Salad.succeed(["evaluate", run, "--data", data, "--json"])
        #expect(evaluation.output.contains("\"auroc\""), "\(evaluation)")

        let one = try #require(try images(of: sample).first { $0.hasPrefix("test/") })
        let name = try #require(
          FileManager.default.enumerator(atPath: "\(data)/test")?.compactMap { $0 as? String }
            .first { URL(filePath: "\(data)/test/\($0)").pathExtension == "dcm" })
        let score = try await Salad.succeed(
          ["score", run, "\(data)/test/\(name)", "\(sample.data)/\(one)", "--csv"])
        #expect(score.output.split(separator: "\n").count == 3, "\(score)")
        #expect(!score.errors.contains("negative") && !score.errors.contains("burnt"), "\(score)")
      }

      @Test(
        "Images that have letters in them, or are white where the training images are black, are named with the scores")
      func remarks() async throws {
        let sample = try #require(Sample.shared)
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let one = try #require(try images(of: sample).first { $0.hasPrefix("test/good") })
        var picture = try Radiograph(contentsOf: "\(sample.data)/\(one)")
        let (lettered, negative) = ("\(folder.path)/a.dcm", "\(folder.path)/b.dcm")
        try write(picture, patient: "P", isLettered: true, to: lettered)
        if case .eightBit(let values) = picture.pixels { picture.pixels = .eightBit(values.map { 255 - $0 }) }
        try write(picture, patient: "P", to: negative)
        for ranks in [1, 3] {
          let score = try await Salad.succeed(ranks: ranks, ["score", sample.run, lettered, negative, "--csv"])
          #expect(
            score.errors.contains(
              "\(lettered): its tags say that letters are burnt into the pixels (Burned In Annotation), it alone of 2 images"
            ), "\(score)")
          #expect(
            score.errors.contains("\(negative) looks like a negative of the training images"), "\(score)")
        }
      }

      @Test("A DICOM file that is no gray image of one frame ends in one sentence, with status 65")
      func refused() async throws {
        let sample = try #require(Sample.shared)
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = "\(folder.path)/film.dcm"
        let picture = Radiograph(width: 2, height: 2, pixels: .eightBit([1, 2, 3, 4]))
        try write(picture, patient: "P", frames: "25", to: path)
        Salad.expectRefusal(
          try await Salad.run(["score", sample.run, path]), status: 65, naming: [path, "25 frames"])
      }

      private func images(of sample: Sample) throws -> [String] {
        let all = FileManager.default.enumerator(atPath: sample.data)?.compactMap { $0 as? String } ?? []
        return all.filter {
          $0.hasSuffix(".png") && ($0.hasPrefix("train/good/") || $0.hasPrefix("test/"))
        }.sorted()
      }

      /// Explicit VR Little Endian of 8 bits, whose window shows all of them.
      private func write(
        _ picture: Radiograph, patient: String, frames: String = "1", isLettered: Bool = false, to path: String
      ) throws {
        guard case .eightBit(let pixels) = picture.pixels else { return }
        var bytes = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
        bytes += element(0x0002, 0x0010, "UI", Array("1.2.840.10008.1.2.1\0".utf8))
        bytes += element(0x0010, 0x0020, "LO", Array(patient.utf8))
        bytes += element(0x0028, 0x0002, "US", word(1))
        bytes += element(0x0028, 0x0004, "CS", Array("MONOCHROME2 ".utf8))
        bytes += element(0x0028, 0x0008, "IS", Array(frames.utf8))
        bytes += element(0x0028, 0x0010, "US", word(picture.height))
        bytes += element(0x0028, 0x0011, "US", word(picture.width))
        bytes += element(0x0028, 0x0100, "US", word(8))
        bytes += element(0x0028, 0x0101, "US", word(8))
        bytes += element(0x0028, 0x0102, "US", word(7))
        bytes += element(0x0028, 0x0103, "US", word(0))
        if isLettered { bytes += element(0x0028, 0x0301, "CS", Array("YES ".utf8)) }
        bytes += element(0x0028, 0x1050, "DS", Array("127.5 ".utf8))
        bytes += element(0x0028, 0x1051, "DS", Array("255 ".utf8))
        bytes += element(0x0028, 0x1056, "CS", Array("LINEAR_EXACT".utf8))
        bytes += word(0x7FE0) + word(0x0010) + Array("OB".utf8) + [0, 0] + word(pixels.count & 0xFFFF)
        bytes += word(pixels.count >> 16) + pixels
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path))
      }

      private func element(_ group: Int, _ number: Int, _ representation: String, _ value: [UInt8]) -> [UInt8] {
        let value = value.count % 2 == 0 ? value : value + [0x20]
        return word(group) + word(number) + Array(representation.utf8) + word(value.count) + value
      }

      private func word(_ number: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
      }
    }
  }
#endif
