import Foundation
import Radiographs
import RanksSupport
import Testing

extension CommandTests {
  /// The same patient or picture on both sides of a split.
  @Suite("Leaks")
  struct LeakTests {
    /// How a training image comes to be tested on.
    enum Leak: CaseIterable {
      case patient, copy, reencoded

      /// Makes it so.
      ///
      /// - Returns: the test image, the training image, and what the sentence says of them.
      func make(in data: String) throws -> (test: String, training: String, words: String) {
        let (test, training) = ("\(data)/test/good", "\(data)/train/good")
        switch self {
        case .patient:
          try FileManager.default.moveItem(atPath: "\(training)/0002.png", toPath: "\(training)/IM-0042-0001.png")
          try FileManager.default.moveItem(atPath: "\(test)/0001.png", toPath: "\(test)/IM-0042-0002.png")
          return ("test/good/IM-0042-0002.png", "train/good/IM-0042-0001.png", "is of the same patient as")
        case .copy:
          try FileManager.default.copyItem(atPath: "\(training)/0002.png", toPath: "\(test)/other.png")
        case .reencoded:
          // A comment behind the header: other bytes, the same pixels.
          var file = [UInt8](try bytes(of: "\(training)/0002.png"))
          let comment = Array("tEXtComment\0copied".utf8)
          func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
          let chunk = bigEndian(UInt32(comment.count - 4)) + comment + bigEndian(BadImage.crc(comment))
          file.insert(contentsOf: chunk, at: 33)
          try Data(file).write(to: URL(fileURLWithPath: "\(test)/other.png"))
        }
        return ("test/good/other.png", "train/good/0002.png", "is the same picture as")
      }
    }

    @Test(
      "A leak is refused before training and by an evaluation, alike on all ranks, or allowed", arguments: Leak.allCases
    )
    func leaks(leak: Leak) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let clean = sample.path("clean")
      try FileManager.default.copyItem(atPath: sample.data, toPath: clean)
      let (test, training, words) = try leak.make(in: sample.data)
      // Its training images have the names of the leaking ones; it never saw the test split.
      let model = sample.path("model")
      try FileManager.default.moveItem(atPath: sample.data + "/test", toPath: sample.path("test"))
      try await Salad.succeed(["train", "--data", sample.data, "--run", model] + SmallTraining.arguments)
      try FileManager.default.moveItem(atPath: sample.path("test"), toPath: sample.data + "/test")
      try await Salad.succeed(["merge", model, "--output", sample.path("deploy")])

      let run = sample.path("other")
      let train = ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
      let evaluations = [model, sample.path("deploy")].map { ["evaluate", $0, "--data", sample.data, "--json"] }
      var sentences: Set<Substring> = []
      for arguments in [train] + evaluations {
        for ranks in [1, 3] {
          let result = try await Salad.run(ranks: ranks, arguments)
          Salad.expectRefusal(
            result, status: 65, naming: ["\(sample.data)/\(test)", words, training, "--allow-leaks"])
          sentences.formUnion(result.errors.split(separator: "\n").filter { $0.contains("--allow-leaks") })
        }
      }
      #expect(sentences.count == 1)
      for arguments in [train] + evaluations {
        let result = try await Salad.succeed(ranks: 2, arguments + ["--allow-leaks"])
        #expect(result.errors.contains(words))
      }
      // Without the leak the same names are welcome.
      if leak != .patient { try await Salad.succeed(["evaluate", model, "--data", clean]) }
    }

    @Test("Images kept back may no more be in the test split than those that train")
    func keptBack() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      for name in try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good") {
        try FileManager.default.copyItem(
          atPath: "\(sample.data)/train/good/\(name)", toPath: "\(sample.data)/test/good/copy-\(name)")
      }
      let result = try await Salad.run(
        ranks: 2,
        ["train", "--data", sample.data, "--run", sample.path("other"), "--validation-fraction", "0.3"]
          + SmallTraining.arguments)
      Salad.expectRefusal(result, status: 65, naming: ["is the same picture as", "(and 25 more test images like it)"])
    }

    @Test("A brighter copy is a warning, and a bad test image none of training's business")
    func nearDuplicates() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let original = try Radiograph(contentsOf: "\(sample.data)/train/good/0003.png")
      guard case .eightBit(let grays) = original.pixels else { return }
      let brighter = Radiograph(
        width: original.width, height: original.height, pixels: .eightBit(grays.map { $0 < 246 ? $0 + 10 : 255 }))
      try brighter.writePNG(to: "\(sample.data)/test/good/brighter.png")
      let words = ["\(sample.data)/test/good/brighter.png like train/good/0003.png", "of 512 bits differ"]

      let evaluated = try await Salad.succeed(ranks: 2, ["evaluate", sample.run, "--data", sample.data])
      #expect(words.allSatisfy { evaluated.errors.contains($0) }, "\(evaluated)")
      try BadImage.text.write(to: sample.data + "/test/good/bad.png")
      let trained = try await Salad.succeed(
        ranks: 2, ["train", "--data", sample.data, "--run", sample.path("other")] + SmallTraining.arguments)
      #expect(words.allSatisfy { trained.errors.contains($0) }, "\(trained)")
    }

    @Test("A model that does not remember pictures is compared by patient, and says so")
    func older() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let step = try String(decoding: bytes(of: sample.run + "/latest"), as: UTF8.self).split(separator: "\n")[0]
      let path = "\(sample.run)/checkpoints/\(step)/manifest.json"
      var manifest = String(decoding: try bytes(of: path), as: UTF8.self)
      let key = try #require(manifest.firstRange(of: #/"image_hashes" : \[[^\]]*\],\s*/#))
      manifest.removeSubrange(key)
      try Data(manifest.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.copyItem(
        atPath: sample.data + "/train/good/0001.png", toPath: sample.data + "/test/good/copy.png")
      let result = try await Salad.succeed(ranks: 2, ["evaluate", sample.run, "--data", sample.data])
      #expect(result.errors.contains("compared by patient alone"))
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("deploy")])
      try await Salad.succeed(["evaluate", sample.path("deploy"), "--data", sample.data])
    }
  }
}
