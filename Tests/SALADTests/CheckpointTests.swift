import Foundation
import RanksSupport
import Testing

@testable import SALAD

@Suite("Checkpoints") struct CheckpointTests {
  @Test("Any number of ranks reads the rows that any other number wrote, and merges them to the same bytes")
  func layouts() async throws {
    try await withTemporaryFolder { folder in
      // 70 rows are 5 granules: 6 ranks are more than own rows.
      try await check("layouts", folder, ranks: 6)
      var merged: [String: Data?]?
      for writers in 1...6 {
        let run = try contents(of: "\(folder)/run\(writers)")
        let shards = min(writers, 5)
        let banks = ["bank", "momentum"].flatMap { kind in
          (1...shards).map { "\(kind)-0000\($0)-of-0000\(shards).safetensors" }
        }
        let names = banks + ["manifest.json", "model.safetensors", "optimizer.safetensors"]
        let prefix = "checkpoints/0000000006"
        let expected = [".lock", "latest", "checkpoints", prefix] + names.map { "\(prefix)/\($0)" }
        #expect(run.keys.sorted() == expected.sorted())

        let deployment = try contents(of: "\(folder)/deploy\(writers)")
        #expect(deployment.keys.sorted() == ["bank.safetensors", "manifest.json", "model.safetensors"])
        #expect(deployment["model.safetensors"] == run["\(prefix)/model.safetensors"])
        #expect(merged == nil || merged == deployment)
        merged = deployment
      }
    }
  }

  @Test("A bank smaller than a granule belongs to one rank")
  func smallBank() async throws {
    try await withTemporaryFolder { folder in
      try await check("write-run", "\(folder)/run", "3", "1", "1", "2", ranks: 3)
      #expect(try await check("read-model", "\(folder)/run", "momentum", ranks: 2) == ["momentum of step 2 -"])
      let shard = "\(folder)/run/checkpoints/0000000002/momentum-00001-of-00001.safetensors"
      #expect(FileManager.default.fileExists(atPath: shard))
    }
  }

  @Test("The oldest checkpoints go, the newest stay, and latest names the last; the same step is replaced")
  func keep() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/run"
      try await check("write-run", run, "20", "2", "1", "2", "9", "9r", "10", ranks: 2)
      #expect(try RunDirectory(path: run).checkpointSteps() == [9, 10])
      #expect(try RunDirectory(path: run).latestStep() == 10)
      #expect(try String(contentsOfFile: "\(run)/latest", encoding: .utf8) == "0000000010\n")
      try await check("resume-run", run, "1", "10r")
      #expect(try await check("read-model", run) == ["refreshed of step 10 -"])
      let names = try FileSystem.names(in: "\(run)/checkpoints") + FileSystem.names(in: run)
      #expect(names == ["0000000010", ".lock", "checkpoints", "config.json", "latest"])
    }
  }

  @Test("Until a checkpoint is finished the one before stands, and so it does when one fails", arguments: [1, 3])
  func unfinished(ranks: Int) async throws {
    try await withTemporaryFolder { folder in
      try await check("unfinished", "\(folder)/run", ranks: ranks)
      #expect(try FileSystem.names(in: "\(folder)/run/checkpoints") == ["0000000001", "0000000002"])
    }
  }

  @Test("A copied run works, and no file names its place")
  func noAbsolutePaths() async throws {
    try await withTemporaryFolder { folder in
      try await check("write-run", "\(folder)/run", "20", "1", "1r", ranks: 2)
      for (name, data) in try contents(of: "\(folder)/run") {
        #expect(data?.range(of: Data(folder.utf8)) == nil, "\(name)")
      }
      try FileManager.default.moveItem(atPath: "\(folder)/run", toPath: "\(folder)/moved")
      #expect(try await check("read-model", "\(folder)/moved") == ["refreshed of step 1 -"])
    }
  }

  @Test("Every damage is found, and the same by any number of ranks")
  func damages() async throws {
    try await withTemporaryFolder { folder in
      let (run, damaged) = ("\(folder)/run", "\(folder)/damaged")
      try await check("write-run", run, "70", "2", "1", "2r", ranks: 3)
      let checkpoint = "\(damaged)/checkpoints/0000000002"
      for damage in Damage.all {
        try FileManager.default.copyItem(atPath: run, toPath: damaged)
        defer { try? FileManager.default.removeItem(atPath: damaged) }
        try damage.apply(checkpoint, "\(damaged)/checkpoints/0000000001")
        for ranks in [1, 3, 20] {
          let error = #expect(throws: SaladError.self) {
            let verification = Verification(folder: checkpoint, files: try Manifest.read(folder: checkpoint).files)
            let faults = (0..<ranks).compactMap { verification.firstFault(rank: $0, ranks: ranks) }
            if let first = faults.min(by: { $0.index < $1.index }) { throw first.error }
            try verification.refuseStrangers()
          }
          #expect(error?.status == .badData)
          let sentence = error?.description ?? ""
          #expect(sentence.hasPrefix("\(checkpoint)/\(damage.file): expected"), "\(damage.name): \(sentence)")
          #expect(sentence.contains(damage.words), "\(damage.name): \(sentence)")
        }
      }
    }
  }

  @Test("A damaged shard is neither scored with nor merged, and nothing is changed or left behind")
  func damagedRun() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/run"
      try await check("write-run", run, "70", "2", "1", "2r", ranks: 3)
      let shard = "\(run)/checkpoints/0000000002/bank-00002-of-00003.safetensors"
      try FileManager.default.removeItem(atPath: shard)
      let before = try contents(of: folder)
      let sentence = "refused 65 \(shard): expected this file, which manifest.json lists, found none"
      #expect(try await check("merge", run, "\(folder)/merged") == [sentence])
      #expect(try await check("read-model", run) == [sentence])
      let shared = try await check("read-model", run, ranks: 3)
      #expect(shared.count == 1 && shared[0].hasPrefix(sentence))
      let resumed = try await check("resume-run", run, "2", "3", ranks: 2)
      #expect(resumed.count == 1 && resumed[0].hasPrefix(sentence))
      // The lock's file names its last holder.
      var after = try contents(of: folder)
      after["run/.lock"] = before["run/.lock"]
      #expect(after == before)
    }
  }

  @Test("Latest without its checkpoint, or with something else in it, is refused")
  func latest() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/run"
      try await check("write-run", run, "20", "2", "3")
      try "0000000004\n".write(toFile: "\(run)/latest", atomically: false, encoding: .utf8)
      let absent = try await check("read-model", run, ranks: 2)
      #expect(absent.first?.hasPrefix("refused 65 \(run)/checkpoints/0000000004/manifest.json: expected") == true)
      try "../../x\n".write(toFile: "\(run)/latest", atomically: false, encoding: .utf8)
      let strange = try await check("read-model", run, ranks: 2)
      let sentence = #"\#(run)/latest: expected a step of 10 digits, found "../../x": remove the file"#
      #expect(strange.count == 1 && strange[0].hasPrefix("refused 65 \(sentence)"))
      try FileManager.default.removeItem(atPath: "\(run)/latest")
      let none = try await check("read-model", run, ranks: 2)
      #expect(none.first?.hasPrefix("refused 65 \(run): expected a run with a checkpoint, found none yet") == true)
    }
  }

  @Test("One rank's full disk stops all ranks with 74, and leaves what was written before", arguments: [0, 1, 2])
  func oneRanksDisk(failing: Int) async throws {
    try await withTemporaryFolder { folder in
      let (run, ranks) = ("\(folder)/run", try Program.built("ranks"))
      try await check("write-run", run, "20000", "2", "1", ranks: 3)
      let before = try contents(of: run)
      // A file-size limit of this rank alone; ignoring its signal makes it an error of write(2).
      let limited = ["bash", "-c", "trap '' XFSZ; ulimit -f 60; exec \"$0\" \"$@\"", ranks]
      let command = (0..<3).map { rank in
        (rank == 0 ? [] : [":", "-n", "1"]) + (rank == failing ? limited : [ranks]) + ["resume-run", run, "2", "2"]
      }
      let result = try await Program.mpirun(ranks: 1, command.flatMap(\.self))
      #expect(result.status == 0, "\(result)")
      let sentence =
        "momentum-0000\(failing + 1)-of-00003.safetensors: cannot be written: File too large (rank \(failing) on"
      #expect(result.output.contains("refused 74 \(run)/checkpoints/.0000000002-writing/\(sentence)"), "\(result)")
      var after = try contents(of: run)
      // The lock's file names its last holder.
      after.updateValue(before[".lock"] ?? nil, forKey: ".lock")
      #expect(after == before)
      #expect(try await check("read-model", run, "momentum", ranks: 2) == ["momentum of step 1 -"])
    }
  }

  @Test(
    "A full disk stops all ranks with 74, and training goes on once there is room",
    .enabled(if: SmallDisk.unavailable == nil, "\(SmallDisk.unavailable ?? "")"))
  func fullDisk() async throws {
    try await withTemporaryFolder { folder in
      let disk = try SmallDisk(at: "\(folder)/disk", bytes: 4 << 20)
      defer { disk.remove() }
      let run = "\(disk.path)/run"
      // A checkpoint of 40000 rows takes 1.9 MB, of which 0.8 are its rows: the disk has room for two.
      try await check("write-run", run, "40000", "2", "1", ranks: 2)
      try Data(count: 1_700_000).write(to: URL(filePath: "\(disk.path)/other"))
      let lines = try await check("resume-run", run, "2", "2", ranks: 2)
      #expect(lines.count == 1)
      #expect(
        lines.first?.hasPrefix("refused 74 \(run)/checkpoints/.0000000002-writing/momentum-0000") == true, "\(lines)")
      #expect(lines.first?.contains("No space left on device") == true, "\(lines)")
      #expect(try FileSystem.names(in: "\(run)/checkpoints") == ["0000000001"])
      #expect(try await check("read-model", run, "momentum", ranks: 2) == ["momentum of step 1 -"])

      let merge = try await check("merge", run, "\(disk.path)/deploy")
      #expect(merge.first?.hasPrefix("refused 74 \(disk.path)/.deploy-") == true, "\(merge)")
      #expect(try FileSystem.names(in: disk.path) == ["other", "run"])

      try FileManager.default.removeItem(atPath: "\(disk.path)/other")
      try await check("resume-run", run, "1", "2", ranks: 3)
      #expect(try await check("read-model", run, "momentum", ranks: 2) == ["momentum of step 2 -"])
    }
  }
}

/// What can happen to a checkpoint of 70 rows that three ranks wrote.
private struct Damage {
  let name: String
  /// The file that the refusal must name.
  let file: String
  /// Words of the sentence.
  let words: String
  /// Does it to a checkpoint's folder; the other is an older checkpoint's.
  let apply: (String, String) throws -> Void

  static var all: [Damage] {
    // 32, 32 and 6 rows.
    let first = "bank-00001-of-00003.safetensors"
    let second = "bank-00002-of-00003.safetensors"
    let third = "bank-00003-of-00003.safetensors"
    let files = [second, "momentum-00003-of-00003.safetensors", "model.safetensors", "optimizer.safetensors"]
    let any = files.flatMap { file in
      [
        Damage(name: "missing", file: file, words: "which manifest.json lists, found none") { folder, _ in
          try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
        },
        // Nobody waits for its writer.
        Damage(name: "a pipe", file: file, words: "which manifest.json lists, found a pipe") { folder, _ in
          try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
          #expect(mkfifo("\(folder)/\(file)", 0o600) == 0)
        },
        Damage(name: "truncated", file: file, words: "it was truncated") { folder, _ in
          try change("\(folder)/\(file)") { $0.removeLast(8) }
        },
        Damage(name: "extended", file: file, words: "it was extended") { folder, _ in
          try change("\(folder)/\(file)") { $0.append(0) }
        },
        Damage(name: "altered", file: file, words: "it was altered or is foreign") { folder, _ in
          try change("\(folder)/\(file)") { $0[$0.count - 5] ^= 1 }
        },
      ]
    }
    let shards = [
      Damage(name: "duplicated", file: second, words: "found the content of bank-00001-of-00003") { folder, _ in
        try change("\(folder)/\(second)") {
          $0 = try Data(contentsOf: URL(filePath: "\(folder)/bank-00001-of-00003.safetensors"))
        }
      },
      Damage(name: "swapped", file: first, words: "found the content of \(second)") { folder, _ in
        let old = try Data(contentsOf: URL(filePath: "\(folder)/\(first)"))
        let other = try Data(contentsOf: URL(filePath: "\(folder)/\(second)"))
        try change("\(folder)/\(first)") { $0 = other }
        try change("\(folder)/\(second)") { $0 = old }
      },
      Damage(name: "swapped with a shorter one", file: second, words: "found the content of \(third)") { folder, _ in
        let old = try Data(contentsOf: URL(filePath: "\(folder)/\(second)"))
        let other = try Data(contentsOf: URL(filePath: "\(folder)/\(third)"))
        try change("\(folder)/\(second)") { $0 = other }
        try change("\(folder)/\(third)") { $0 = old }
      },
      Damage(name: "foreign", file: "momentum-00002-of-00003.safetensors", words: "it was altered or is foreign") {
        let name = "momentum-00002-of-00003.safetensors"
        let other = try Data(contentsOf: URL(filePath: "\($1)/\(name)"))
        try change("\($0)/\(name)") { $0 = other }
      },
      Damage(name: "one too many", file: "bank-00004-of-00003.safetensors", words: "found this foreign one") {
        folder, _ in
        try FileManager.default.copyItem(
          atPath: "\(folder)/\(second)", toPath: "\(folder)/bank-00004-of-00003.safetensors")
      },
    ]
    let manifest = [
      Damage(name: "no manifest", file: "manifest.json", words: "expected the checkpoint's manifest") { folder, _ in
        try FileManager.default.removeItem(atPath: "\(folder)/manifest.json")
      },
      Damage(name: "half a manifest", file: "manifest.json", words: "expected JSON") { folder, _ in
        try change("\(folder)/manifest.json") { $0.removeLast($0.count / 2) }
      },
    ]
    return any + shards + manifest
  }

  private static func change(_ path: String, _ body: (inout Data) throws -> Void) throws {
    var data = try Data(contentsOf: URL(filePath: path))
    try body(&data)
    try data.write(to: URL(filePath: path))
  }
}
