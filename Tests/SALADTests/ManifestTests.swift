import Foundation
import Autoencoder
import MemoryBank
import Testing

@testable import SALAD

@Suite("Manifests") struct ManifestTests {
  @Test("A manifest reads back as it was written, with the same bytes")
  func roundTrip() async throws {
    try await withTemporaryFolder { folder in
      let path = "\(folder)/manifest.json"
      try FileSystem.write(try JSONText.pages(manifest), to: path)
      let read = try Manifest.read(folder: folder)
      #expect(read == manifest)
      #expect(try JSONText.pages(read) == FileSystem.read(path))
      #expect(read.shards(of: .momentum).map(\.firstRow) == [0, 16])
      #expect(read.shards(of: .refreshed).isEmpty)
    }
  }

  @Test("Every contradiction in a manifest is refused in one sentence with its path")
  func contradictions() async throws {
    let first = "momentum-00001-of-00002.safetensors"
    let second = "momentum-00002-of-00002.safetensors"
    let faults: [(String, (inout Manifest) -> Void)] = [
      ("expected salad-checkpoint version 2, found salad-checkpoint version 3", { $0.formatVersion = 3 }),
      (
        "found version 1, whose scores were other numbers: make a new deployment of its weights",
        { $0.formatVersion = 1 }
      ),
      ("found salad-deployment version 2", { $0.format = "salad-deployment" }),
      ("found 0 x 96 at step 7", { $0.rows = 0 }),
      ("found 4194305 x 96", { $0.rows = (1 << 22) + 1 }),
      ("expected banks of 5 and 96 numbers an image, found -1 and 96", { $0.dimension = -1 }),
      ("expected banks of 5 and 96 numbers an image, found 5 and 7", { $0.featureCount = 7 }),
      ("expected levels of a resnet18, found \"e3\"", { $0.scoring.levels = Levels(["e3"]) }),
      ("expected a network and scoring of sizes that can be", { $0.scoring.size = 65 }),
      ("found 20 x 96 at step -7", { $0.step = -7 }),
      ("expected 20 image ids, one a row of the bank, found 19", { $0.imageIDs.removeLast() }),
      ("expected optimizer.safetensors among the files", { $0.files.removeAll { $0.name == "optimizer.safetensors" } }),
      ("expected the SHA-256 of model.safetensors", { $0.encoderHash = String(repeating: "0", count: 64) }),
      ("found \(first) twice among the files", { $0.files.append($0.files[1]) }),
      ("found \"../x\"", { $0.files[0].name = "../x" }),
      ("found \".x\"", { $0.files[0].name = ".x" }),
      ("for \(first), found -1", { $0.files[1].bytes = -1 }),
      ("for \(first), found 1 and xyz", { $0.files[1].sha256 = "xyz" }),
      (
        "found notes.safetensors",
        { $0.files.append(.init(name: "notes.safetensors", bytes: 1, sha256: String(repeating: "a", count: 64))) }
      ),
      ("expected shards of the momentum bank for 20 rows, found them for 0", { $0.shards = [] }),
      ("expected momentum-00001-of-00001.safetensors to hold row 0", { $0.shards.removeLast() }),
      (
        "expected \(second) to start at row 16, every row in one shard, found 15 ..< 20", { $0.shards[1].firstRow = 15 }
      ),
      (
        "expected \(second) to start at row 16, every row in one shard, found 17 ..< 20", { $0.shards[1].firstRow = 17 }
      ),
      ("for 20 rows, found them for 19", { $0.shards[1].endRow = 19 }),
      (
        "expected distances and a median that calibrate weighted", { $0.calibration?.leftOut["weighted"] = [0.2, 0.1] }
      ),
      ("expected distances and a median that calibrate weighted", { $0.calibration?.leftOut["weighted"]?[3] = -1 }),
      ("expected distances and a median that calibrate weighted", { $0.calibration?.medians = [:] }),
      ("expected distances and a median that calibrate weighted", { $0.calibration?.reference = ["weighted": []] }),
      ("expected a calibration of settings that can be", { $0.calibration?.topK = 0 }),
      ("expected 20 image hashes of 144 hexadecimal digits", { $0.imageHashes?.removeLast() }),
      ("found 19 among 20", { $0.imageHashes?[3] = "+" + String(repeating: "0", count: 143) }),
      ("expected a false-alarm rate above 0 and below 1, found 1.0", { $0.calibration?.falseAlarmRate = 1 }),
      ("found 16 ..< \(Int.min)", { $0.shards[1].endRow = .min }),
      ("expected \(second) to hold row 16", { $0.shards[1].name = first }),
      ("expected \(second) to hold row 16 and to be among the files", { $0.files.removeAll { $0.name == second } }),
      ("expected momentum-00001-of-00001.safetensors to hold row 0", { $0.shards[1].kind = .refreshed }),
    ]
    try await withTemporaryFolder { folder in
      for (words, change) in faults {
        var changed = manifest
        change(&changed)
        let path = "\(folder)/manifest.json"
        try FileSystem.write(try JSONText.pages(changed), to: path)
        expectRefusal(.badData, containing: words) { try Manifest.read(folder: folder) }
        expectRefusal(.badData, containing: "\(path): ") { try Manifest.read(folder: folder) }
      }
    }
  }

  @Test("A key that is missing or wrong is named")
  func keys() async throws {
    try await withTemporaryFolder { folder in
      let path = "\(folder)/manifest.json"
      let whole = String(decoding: try JSONText.pages(manifest), as: UTF8.self)
      for (old, new, sentence) in [
        ("\"rows\" : 20", "\"columns\" : 20", "expected the key rows, found none"),
        ("\"rows\" : 20", "\"rows\" : \"many\"", "expected Int as rows, found something else"),
        ("\"top_k\" : 100", "\"top_k\" : true", "expected Int as scoring.top_k, found something else"),
        ("\"fit\" : \"pad\"", "\"fit\" : \"crop\"", "found a value of scoring.fit that is not known here"),
        ("\"kind\" : \"momentum\"", "\"kind\" : \"x\"", "found a value of shards.0.kind that is not known here"),
        ("}", "", "expected JSON, found something else or only part of it"),
      ] {
        let text = whole.replacingOccurrences(of: old, with: new)
        #expect(text != whole)
        try FileSystem.write(Array(text.utf8), to: path)
        let error = #expect(throws: SaladError.self) { try Manifest.read(folder: folder) }
        #expect(error?.description == "\(path): \(sentence)")
      }
    }
  }

  private var manifest: Manifest {
    let names = ["model.safetensors", "momentum-00001-of-00002.safetensors", "momentum-00002-of-00002.safetensors"]
    return Manifest(
      saladVersion: "0.0.0", step: 7, epoch: 3, ranks: 2, instructionSet: "baseline", reduction: .exact,
      dataFingerprint: "abc",
      run: RunIdentity(settings: ["seed": "1"], initialWeights: String(repeating: "b", count: 64)),
      encoderHash: String(repeating: "a", count: 64), rows: 20, dimension: 5, featureCount: 96,
      scoring: ScoringConfiguration(
        architecture: .resnet18, size: 128, channels: 3, maximumWidth: 48, embeddingDimension: 5, microBatch: 8,
        fit: .pad, levels: Levels(["layer1", "layer3"]), featureScale: .root, scoreRule: .weighted, topK: 100,
        scoreTemperature: 0.7),
      files: (names + ["optimizer.safetensors"]).map {
        Manifest.File(name: $0, bytes: 1, sha256: String(repeating: "a", count: 64))
      },
      shards: [
        Manifest.Shard(name: names[1], kind: .momentum, firstRow: 0, endRow: 16),
        Manifest.Shard(name: names[2], kind: .momentum, firstRow: 16, endRow: 20),
      ],
      imageIDs: (0..<20).map { "train/good/ü \($0).png" },
      imageHashes: Array(repeating: String(repeating: "0123456789abcdef", count: 9), count: 20),
      calibration: Calibration(
        LeftOutDistances(squaredScale: 0.1, distances: [.weighted: (0..<20).map { Double($0) / 3 }]), bank: .refreshed,
        topK: 20, scoreTemperature: 0.7, falseAlarmRate: 0.05))
  }
}
