import Foundation
import Radiographs
import RanksSupport
import Testing

extension CommandTests {
  /// `salad data`.
  @Suite("Census")
  struct CensusTests {
    @Test("A sound data set is counted, alike on any number of ranks, and ends with 0")
    func sound() async throws {
      let sample = try #require(Sample.shared)
      let alone = try await Salad.succeed(["data", sample.data, "--json"])
      #expect(alone.output.split(separator: "\n").count == 1)
      for ranks in [2, 3] {
        #expect(try await Salad.succeed(ranks: ranks, ["data", sample.data, "--json"]).output == alone.output)
      }
      let census = try object(alone.output)
      #expect(census["images"] as? Int == 47 && census["layout"] as? String == "folder")
      #expect(counts(census["splits"]) == ["train": 26, "test anomalous": 12, "test normal": 9])
      #expect(counts(census["formats"]) == ["PNG": 47] && counts(census["sizes"]) == ["64 x 64": 47])
      #expect((census["refusals"] as? [String])?.isEmpty == true)
      let text = try await Salad.succeed(["data", sample.data]).output
      #expect(text.contains("47 images in the layout folder") && text.hasSuffix("a training would begin\n"))
    }

    @Test("What is odd is found: copies, look-alikes, negatives, long and unreadable images; and drawn")
    func odd() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let training = sample.data + "/train/good"
      func write(_ name: String, width: Int = 64, height: Int = 64, _ change: (UInt8) -> UInt8) throws {
        let image = try Radiograph(contentsOf: "\(training)/0003.png")
        guard case .eightBit(let grays) = image.pixels else { return }
        let pixels = (0..<width * height).map { change(grays[($0 / width % 64) * 64 + $0 % width % 64]) }
        try Radiograph(width: width, height: height, pixels: .eightBit(pixels)).writePNG(to: "\(training)/\(name)")
      }
      try FileManager.default.copyItem(atPath: "\(training)/0001.png", toPath: "\(training)/copy.png")
      try write("brighter.png") { $0 < 246 ? $0 + 10 : 255 }
      try write("negative.png") { 255 - $0 }
      try write("long.png", width: 64, height: 200) { $0 }
      try write("narrow.png") { 100 + $0 / 8 }
      try BadImage.text.write(to: "\(training)/text.png")
      try FileManager.default.copyItem(
        atPath: "\(training)/0002.png", toPath: sample.data + "/test/good/leak.png")

      let sheet = sample.path("sheet.png")
      let result = try await Salad.run(ranks: 2, ["data", sample.data, "--json", "--sheet", sheet])
      #expect(result.status == 65, "\(result)")
      let census = try object(result.output)
      #expect(census["unreadable_count"] as? Int == 1)
      #expect((census["equal_files"] as? [String: Any])?["count"] as? Int == 2)
      #expect((census["equal_pictures"] as? [String: Any])?["across_splits"] as? Int == 1)
      let alike = (census["lookalikes"] as? [String: Any])?["first"] as? [[String]] ?? []
      #expect(alike.contains(["train/good/0003.png", "train/good/brighter.png"]), "\(alike)")
      #expect(paths(census["elongated"]) == ["train/good/long.png"])
      #expect(paths(census["narrow"]).contains("train/good/narrow.png"))
      #expect(paths(census["inverted"]).contains("train/good/negative.png"), "\(census["inverted"] ?? "")")
      let refusals = census["refusals"] as? [String] ?? []
      #expect(refusals.count == 2)
      #expect(refusals.contains { $0.contains("text.png: expected") && $0.contains("--bad-images skip") })
      #expect(
        refusals.contains { $0.contains("leak.png is the same picture as the training image train/good/0002.png") })
      for refusal in refusals { #expect(result.errors.contains("a training would be refused: \(refusal)")) }
      let drawn = try Radiograph(contentsOf: sheet)
      #expect(drawn.width > 500 && drawn.height > 500)
    }

    @Test("A patient on both sides is named, and a folder without a split is counted all the same")
    func patients() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      for (folder, name, new) in [("train", "0002", "IM-0042-0001"), ("test", "0001", "IM-0042-0002")] {
        try FileManager.default.moveItem(
          atPath: "\(sample.data)/\(folder)/good/\(name).png", toPath: "\(sample.data)/\(folder)/good/\(new).png")
      }
      let result = try await Salad.run(["data", sample.data, "--json"])
      #expect(result.status == 65)
      let patients = try #require(object(result.output)["patients"] as? [String: Any])
      #expect(patients["both"] as? [String] == ["IM-0042"])

      let unsplit = try await Salad.run(["data", sample.data + "/test", "--json"])
      #expect(unsplit.status == 65)
      #expect(try counts(object(unsplit.output)["splits"]) == ["no split": 21])
      #expect(unsplit.errors.contains("expected a data set with normal images in train/good"))
      Salad.expectRefusal(try await Salad.run(["data", sample.path("none")]), status: 65, naming: ["does not exist"])
    }

    private func counts(_ value: Any?) -> [String: Int] {
      let counts = value as? [[String: Any]] ?? []
      return Dictionary(uniqueKeysWithValues: counts.map { ($0["name"] as? String ?? "", $0["count"] as? Int ?? -1) })
    }

    private func paths(_ value: Any?) -> [String] {
      (value as? [[String: Any]] ?? []).compactMap { $0["path"] as? String }
    }
  }
}
