import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Every bad input ends every rank with one sentence and the status of its kind, and loses nothing.
  @Suite("Bad input")
  struct BadInputTests {
    // MARK: Flags

    @Test("A wrong flag is refused before anything starts, once for all ranks", arguments: [1, 2])
    func flags(ranks: Int) async throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let train = ["train", "--data", folder.path, "--run", folder.path + "/run"]
      for (arguments, words) in [
        (["--size", "100"], ["--size", "100", "256"]),
        (["--batch-size", "12", "--micro-batch", "8"], ["--batch-size 12", "--micro-batch 8", "16"]),
        (["--temperature", "0"], ["--temperature"]),
        (["--keep", "0"], ["--keep"]),
        (["--cache-memory", "much"], ["much"]),
        (["--architecture", "resnet50"], ["resnet50", "unet", "resnet18"]),
      ] {
        let result = try await Salad.run(ranks: ranks, train + arguments)
        Salad.expectRefusal(result, status: 64, naming: words)
      }
      let evaluate = ["evaluate", folder.path + "/run", "--data", folder.path]
      for argument in ["--bootstrap=-1", "--bootstrap=1000000", "--bootstrap-seed=-1"] {
        let result = try await Salad.run(ranks: ranks, evaluate + [argument])
        Salad.expectRefusal(result, status: 64, naming: argument.split(separator: "=").map(String.init))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    // MARK: Training data

    @Test("A missing folder, or one without training images, is named", arguments: [1, 2])
    func noImages(ranks: Int) async throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let run = folder.path + "/run"
      let missing = folder.path + "/missing"
      let result = try await Salad.run(ranks: ranks, ["train", "--data", missing, "--run", run])
      Salad.expectRefusal(result, status: 65, naming: [missing])

      let empty = folder.path + "/empty"
      try FileManager.default.createDirectory(atPath: empty + "/train/good", withIntermediateDirectories: true)
      let second = try await Salad.run(ranks: ranks, ["train", "--data", empty, "--run", run])
      Salad.expectRefusal(second, status: 65, naming: [empty + "/train/good"])
    }

    @Test("A bad image is named with its reason, or skipped alike on all ranks", arguments: BadImage.allCases)
    func badImages(kind: BadImage) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let name = "train/good/\(kind.rawValue).png"
      try kind.write(to: "\(sample.data)/\(name)")
      let run = sample.path("other")
      let train = ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
      for ranks in [1, 2] {
        let result = try await Salad.run(ranks: ranks, train)
        Salad.expectRefusal(result, status: 65, naming: [name, kind.reason])
      }

      // Left out, the others train, as they would by themselves.
      let skipping = try await Salad.succeed(ranks: 2, train + ["--bad-images", "skip"])
      #expect(skipping.errors.contains(name))
      let record = try JSONSerialization.jsonObject(with: bytes(of: run + "/config.json")) as? [String: Any]
      let data = try #require(record?["data"] as? [String: Any])
      #expect(data["images"] as? Int == SmallTraining.images)
      #expect((data["skipped"] as? [[String: Any]])?.map { $0["path"] as? String } == [name])
    }

    @Test("One image that cannot be read ends no batch that may skip it", arguments: BadImage.allCases)
    func badImageAmongOthers(kind: BadImage) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let test = sample.data + "/test"
      let sound = try await Salad.succeed(["score", sample.run, test, "--csv"]).output.split(separator: "\n")
      let name = "\(test)/good/bad,one.png"
      try kind.write(to: name)
      let reason = kind == .unreadable ? "o such file" : kind.reason
      for ranks in [1, 2] {
        let refused = try await Salad.run(ranks: ranks, ["score", sample.run, test, "--csv"])
        Salad.expectRefusal(refused, status: kind == .unreadable ? 74 : 65, naming: [name, reason])
      }
      var outputs: Set<String> = []
      for ranks in [1, 3] {
        let result = try await Salad.succeed(
          ranks: ranks, ["score", sample.run, test, "--csv", "--bad-images", "skip"])
        #expect(result.errors.contains("skipped: \(name)") && result.errors.contains("1 of 22 images have no score"))
        outputs.insert(result.output)
      }
      #expect(outputs.count == 1)
      // The others' rows are what they were; the bad one's has no score, and says why.
      var rows = try #require(outputs.first).split(separator: "\n").map(String.init)
      #expect(rows.removeFirst() == "path,score,rule,p_value,flagged,error")
      let bad = try #require(rows.firstIndex { $0.hasPrefix("\"\(name)\",,weighted-distance,,,") })
      #expect(rows.remove(at: bad).contains(reason))
      #expect(rows == sound.dropFirst().map { $0 + "," })

      let evaluate = ["evaluate", sample.run, "--data", sample.data, "--bad-images", "skip"]
      let json = try await Salad.succeed(ranks: 2, evaluate + ["--json"]).output
      let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
      #expect(object["count_normal"] as? Int == 9)
      #expect((object["skipped"] as? [[String: Any]])?.map { $0["path"] as? String } == ["test/good/bad,one.png"])
      #expect(try await Salad.succeed(evaluate).output.contains("1 test image could not be read and does not count"))
    }

    @Test("A run that has lost its settings, or whose latest was edited, says what to do, and that helps")
    func damagedRun() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let resume = ["train", "--run", sample.run, "--resume", "--rounds", "2"]
      let expected = try await Salad.succeed(score).output
      let (latest, settings) = (sample.run + "/latest", sample.run + "/config.json")

      // As an editor on Windows leaves it.
      let text = try String(decoding: bytes(of: latest), as: UTF8.self)
      try Data(text.replacingOccurrences(of: "\n", with: "\r\n").utf8).write(to: URL(fileURLWithPath: latest))
      for verb in [score, resume] {
        Salad.expectRefusal(
          try await Salad.run(verb), status: 65, naming: [latest, "remove the file", "train --resume"])
      }
      try FileManager.default.removeItem(atPath: latest)
      try await Salad.succeed(["train", "--run", sample.run, "--resume"])
      #expect(try String(decoding: bytes(of: latest), as: UTF8.self) == text)

      let kept = try bytes(of: settings)
      try FileManager.default.removeItem(atPath: settings)
      Salad.expectRefusal(
        try await Salad.run(resume), status: 65,
        naming: [settings, "found none beside its checkpoints", "put the file back"])
      #expect(try await Salad.succeed(score).output == expected)
      try kept.write(to: URL(fileURLWithPath: settings))
      try await Salad.succeed(resume)
    }

    @Test("A batch above the data set is refused with the numbers", arguments: [1, 2])
    func batchAboveData(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("other")
      let result = try await Salad.run(
        ranks: ranks, ["train", "--data", sample.data, "--run", run, "--batch-size", "32"])
      Salad.expectRefusal(result, status: 64, naming: ["--batch-size 32", "26"])
      #expect(!FileManager.default.fileExists(atPath: run))
    }

    // MARK: Runs

    @Test("A run is neither overwritten nor resumed as another, and scores afterwards as before", arguments: [1, 2])
    func runs(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let before = try await Salad.succeed(score).output
      let train = ["train", "--data", sample.data, "--run", sample.run]

      let again = try await Salad.run(ranks: ranks, train + SmallTraining.arguments)
      Salad.expectRefusal(again, status: 64, naming: [sample.run])

      let other = try await Salad.run(ranks: ranks, train + ["--resume", "--learning-rate", "0.5"])
      Salad.expectRefusal(other, status: 64, naming: ["--learning-rate", "0.5"])

      let nothing = try await Salad.run(ranks: ranks, ["train", "--run", sample.path("nothing"), "--resume"])
      Salad.expectRefusal(nothing, status: 64, naming: [sample.path("nothing"), "--data"])

      // Another data set under the same name.
      try FileManager.default.removeItem(atPath: sample.data + "/train/good/" + firstImage(sample))
      let changed = try await Salad.run(ranks: ranks, ["train", "--run", sample.run, "--resume", "--rounds", "2"])
      Salad.expectRefusal(changed, status: 65, naming: [sample.data, "fingerprint"])

      #expect(try await Salad.succeed(score).output == before)
    }

    @Test("A disk without room ends training, and the checkpoint before stands", arguments: [1, 2])
    func noRoom(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let score = ["score", sample.run, sample.data + "/test", "--csv"]
      let before = try await Salad.succeed(score).output

      // Files may grow to 64 KiB and no further: the kernel then refuses as it does on a full disk.
      let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"]
      let result = try await Salad.run(
        ranks: ranks, ["train", "--run", sample.run, "--resume", "--rounds", "2"], prefix: limited)
      Salad.expectRefusal(result, status: 74, naming: ["model.safetensors"])
      #expect(try await Salad.succeed(score).output == before)
      try await Salad.succeed(ranks: ranks, ["train", "--run", sample.run, "--resume", "--rounds", "2"])
    }

    // MARK: Scoring

    @Test("Scoring refuses what it cannot read by name", arguments: [1, 2])
    func scoring(ranks: Int) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let missing = sample.path("missing.png")
      let noImage = try await Salad.run(ranks: ranks, ["score", sample.run, missing])
      Salad.expectRefusal(noImage, status: 65, naming: [missing])

      let noRun = try await Salad.run(ranks: ranks, ["score", sample.data, sample.data + "/test"])
      Salad.expectRefusal(noRun, status: 65, naming: [sample.data])

      let bad = sample.data + "/test/good/cut.png"
      try BadImage.truncated.write(to: bad)
      let cut = try await Salad.run(ranks: ranks, ["score", sample.run, sample.data + "/test", "--csv"])
      Salad.expectRefusal(cut, status: 65, naming: [bad])

      try FileManager.default.removeItem(atPath: sample.data + "/test")
      let noTest = try await Salad.run(ranks: ranks, ["evaluate", sample.run, "--data", sample.data])
      Salad.expectRefusal(noTest, status: 65, naming: [sample.data, "test"])
    }

    private func firstImage(_ sample: Sample) throws -> String {
      let names = try FileManager.default.contentsOfDirectory(atPath: sample.data + "/train/good").sorted()
      return try #require(names.first)
    }
  }
}

/// Files that are no images, whatever their names say.
enum BadImage: String, CaseIterable, Sendable {
  case text, truncated, huge, unreadable

  /// What the sentence about it must say.
  var reason: String {
    switch self {
    case .text: "text"
    case .truncated: "cut short"
    case .huge: "100000 x 100000"
    case .unreadable: "unreadable.png"
    }
  }

  func write(to path: String) throws {
    switch self {
    case .text:
      try Data("this is no image\n".utf8).write(to: URL(fileURLWithPath: path))
    case .truncated:
      try Self.png(width: 64, height: 64).write(to: URL(fileURLWithPath: path))
    case .huge:
      try Self.png(width: 100_000, height: 100_000).write(to: URL(fileURLWithPath: path))
    case .unreadable:
      // Permissions do not stop root; a link to nowhere stops everyone.
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
    }
  }

  /// The signature and header of a gray PNG, and nothing behind them.
  private static func png(width: UInt32, height: UInt32) -> Data {
    func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
    let header = Array("IHDR".utf8) + bigEndian(width) + bigEndian(height) + [8, 0, 0, 0, 0]
    return Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + bigEndian(13) + header + bigEndian(crc(header)))
  }

  /// CRC-32 as PNG chunks have it.
  static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }
  }
}
