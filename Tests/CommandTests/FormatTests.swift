import Foundation
import Radiographs
import RanksSupport
import Testing

extension CommandTests {
  /// Folders of PNG, JPEG and TIFF, of 8 bits and of a scanner's 12, from training to the evaluation.
  @Suite("Formats")
  struct FormatTests {
    /// The sample's images under the same names with other suffixes: of every three one stays PNG, one becomes JPEG and
    /// one TIFF, with a twelfth bit where `twelveBits` says so.
    private func mix(_ data: String, twelveBits: Bool) throws {
      let files = try #require(FileManager.default.enumerator(atPath: data)?.allObjects as? [String])
      for (index, file) in files.filter({ $0.hasSuffix(".png") && !$0.contains("ground_truth") }).sorted().enumerated()
      {
        let path = "\(data)/\(file)"
        let stem = String(path.dropLast(4))
        switch index % 3 {
        case 1: try Radiograph(contentsOf: path).writeJPEG(to: stem + ".JPG", quality: 95)
        case 2: try tiff(Radiograph(contentsOf: path), twelveBits: twelveBits).writeTIFF(to: stem + ".tif")
        default: continue
        }
        try FileManager.default.removeItem(atPath: path)
      }
    }

    /// 0...255 as 0...4080 of 65,535, with one white of 4095.
    private func tiff(_ image: Radiograph, twelveBits: Bool) throws -> Radiograph {
      guard twelveBits, case .eightBit(let values) = image.pixels else { return image }
      var floats = values.map { Float(Int($0) * 16) / 65535 }
      floats[0] = 4095 / 65535
      return Radiograph(width: image.width, height: image.height, pixels: .float(floats))
    }

    private func object(_ path: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: bytes(of: path)) as? [String: Any])
    }

    @Test("A folder of all of them trains, scores and is evaluated; ranks change no bit, and nothing of it is left out")
    func mixed() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try mix(sample.data, twelveBits: true)
      var models: [Data] = []
      for ranks in [1, 3] {
        let (run, deploy) = (sample.path("run-\(ranks)"), sample.path("deploy-\(ranks)"))
        let training = try await Salad.succeed(
          ranks: ranks, ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments)
        #expect(training.errors.contains("16-bit images use 12 bits: 4095 is white"), "\(training)")
        #expect(!training.errors.contains("not read"), "\(training)")
        #expect(!training.errors.contains("negative"), "\(training)")
        let configuration = try #require(object(run + "/config.json")["configuration"] as? [String: Any])
        #expect(configuration["grey_range"] as? Int == 4095)
        try await Salad.succeed(["merge", run, "--output", deploy])
        #expect(try object(deploy + "/manifest.json")["grey_range"] as? Int == 4095)
        models.append(try bytes(of: deploy + "/model.safetensors") + bytes(of: deploy + "/bank.safetensors"))
      }
      #expect(models[0] == models[1])

      let deploy = sample.path("deploy-1")
      let all = try await Salad.succeed(["score", deploy, sample.data + "/test", "--csv"]).output
      let rows = all.split(separator: "\n").dropFirst()
      #expect(rows.count == 21)
      #expect(rows.contains { $0.contains(".JPG,") } && rows.contains { $0.contains(".tif,") })
      // Alone as in company.
      let picture = try #require(rows.first { $0.contains(".tif,") })
      let path = String(try #require(picture.split(separator: ",").first))
      let alone = try await Salad.succeed(["score", deploy, path, "--csv"]).output
      #expect(alone.split(separator: "\n").dropFirst().map(String.init) == [String(picture)])
      let evaluation = try await Salad.succeed(["evaluate", deploy, "--data", sample.data, "--bootstrap", "0"])
      #expect(evaluation.output.contains("AUROC"), "\(evaluation)")
    }

    @Test("Files of 12 bits score as their copies of 8 bits do, not as nearly black ones")
    func greyRange() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      try mix(sample.data, twelveBits: true)
      let run = sample.path("twelve")
      try await Salad.succeed(["train", "--data", sample.data, "--run", run] + SmallTraining.arguments)
      let original = try Radiograph(contentsOf: "\(try #require(Sample.shared).data)/test/good/0001.png")
      let deep = sample.path("deep.tif")
      try tiff(original, twelveBits: true).writeTIFF(to: deep)
      let plain = sample.path("plain.tif")
      try original.writeTIFF(to: plain)
      let output = try await Salad.succeed(["score", run, deep, plain, "--csv"]).output
      let scores = output.split(separator: "\n").dropFirst().compactMap { Double($0.split(separator: ",")[1]) }
      try #require(scores.count == 2)
      #expect(abs(scores[0] - scores[1]) < 0.05, "\(output)")

      // A range that is given counts, and a resume cannot change it.
      let given = sample.path("given")
      let training = try await Salad.succeed(
        ["train", "--data", sample.data, "--run", given, "--grey-range", "5000"] + SmallTraining.arguments)
      #expect(!training.errors.contains("is white"), "\(training)")
      let resumed = try await Salad.run(["train", "--run", given, "--resume", "--grey-range", "4095", "--rounds", "2"])
      Salad.expectRefusal(resumed, status: 64, naming: ["--grey-range 5000, not 4095"])
      try await Salad.succeed(["train", "--run", given, "--resume", "--rounds", "2"])
    }

    @Test("A border that is covered is remembered by run and deployment, and its letters do not count")
    func borderMask() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let (run, deploy) = (sample.path("covered"), sample.path("deploy"))
      try await Salad.succeed(
        ["train", "--data", sample.data, "--run", run, "--border-mask", "0.125"] + SmallTraining.arguments)
      try await Salad.succeed(["merge", run, "--output", deploy])
      #expect(try object(deploy + "/manifest.json")["border_mask"] as? Double == 0.125)

      var image = try Radiograph(contentsOf: sample.data + "/test/good/0001.png")
      guard case .eightBit(var values) = image.pixels else { return }
      for y in 1..<7 { for x in 1..<7 { values[y * image.width + x] = 255 } }
      image.pixels = .eightBit(values)
      let lettered = sample.path("lettered.png")
      try image.writePNG(to: lettered)
      for model in [run, deploy] {
        let output = try await Salad.succeed(["score", model, sample.data + "/test/good/0001.png", lettered, "--csv"])
          .output
        let scores = output.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[1] }
        #expect(scores.count == 2 && scores[0] == scores[1], "\(output)")
      }
      for fraction in ["0.3", "-0.1"] {
        let refused = try await Salad.run([
          "train", "--data", sample.data, "--run", run + "2", "--border-mask=\(fraction)",
        ])
        Salad.expectRefusal(refused, status: 64, naming: ["--border-mask", "0...0.25"])
      }
    }

    @Test("Negatives among the training images are named, and a damaged JPEG ends the training by name")
    func negatives() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      var image = try Radiograph(contentsOf: sample.data + "/train/good/0003.png")
      if case .eightBit(let values) = image.pixels { image.pixels = .eightBit(values.map { 255 - $0 }) }
      try image.writeJPEG(to: sample.data + "/train/good/0003.jpeg")
      try FileManager.default.removeItem(atPath: sample.data + "/train/good/0003.png")
      let training = try await Salad.succeed(
        ranks: 2, ["train", "--data", sample.data, "--run", sample.path("a")] + SmallTraining.arguments)
      #expect(training.errors.contains("train/good/0003.jpeg looks like a negative"), "\(training)")

      let path = sample.data + "/train/good/0003.jpeg"
      try bytes(of: path).dropLast(30).write(to: URL(fileURLWithPath: path))
      let refused = try await Salad.run(
        ["train", "--data", sample.data, "--run", sample.path("b")] + SmallTraining.arguments)
      Salad.expectRefusal(refused, status: 65, naming: [path, "expected a whole JPEG image"])
    }
  }
}
