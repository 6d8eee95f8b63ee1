import Foundation
import Platform
import RanksSupport
import Testing

@testable import SALAD

@Suite("Run directories") struct RunDirectoryTests {
  private struct Record: Codable {
    var step: Int
    var loss: Double
  }

  @Test("Metrics are a line a record, and a resume cuts them back to its step")
  func metrics() async throws {
    try await withTemporaryFolder { folder in
      let run = RunDirectory(path: folder)
      try run.cutBackMetrics(toStep: 3)
      for step in 1...5 { try run.appendMetrics(Record(step: step, loss: 1 / Double(step))) }
      let url = URL(filePath: run.metricsPath)
      let lines = try String(contentsOf: url, encoding: .utf8)
      #expect(lines.hasPrefix("{\"loss\":1,\"step\":1}\n{\"loss\":0.5,\"step\":2}\n"))
      try run.cutBackMetrics(toStep: 5)
      #expect(try String(contentsOf: url, encoding: .utf8) == lines)

      // A line that a kill left torn, then one behind the step.
      try (lines + "{\"loss\":0.1,\"st").write(to: url, atomically: false, encoding: .utf8)
      try run.cutBackMetrics(toStep: 9)
      #expect(try String(contentsOf: url, encoding: .utf8) == lines)
      try run.cutBackMetrics(toStep: 2)
      #expect(try String(contentsOf: url, encoding: .utf8) == "{\"loss\":1,\"step\":1}\n{\"loss\":0.5,\"step\":2}\n")
      try run.appendMetrics(Record(step: 3, loss: 7))
      #expect(try String(contentsOf: url, encoding: .utf8).hasSuffix("0.5,\"step\":2}\n{\"loss\":7,\"step\":3}\n"))
      try run.cutBackMetrics(toStep: nil)
      #expect(try Data(contentsOf: url).isEmpty)
    }
  }

  @Test(
    "A full disk leaves no half line in the metrics",
    .enabled(if: SmallDisk.unavailable == nil, "\(SmallDisk.unavailable ?? "")"))
  func fullDisk() async throws {
    try await withTemporaryFolder { folder in
      let disk = try SmallDisk(at: "\(folder)/disk", bytes: 4096 * 8)
      defer { disk.remove() }
      let run = RunDirectory(path: disk.path)
      var written = 0
      let error = #expect(throws: SaladError.self) {
        for step in 1...10_000 {
          try run.appendMetrics(Record(step: step, loss: 0.25))
          written = step
        }
      }
      #expect(error?.status == .inputOutput)
      #expect(error?.description == "\(disk.path)/metrics.jsonl: cannot be written: No space left on device")
      let lines = try String(contentsOfFile: run.metricsPath, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == written && lines.last == "{\"loss\":0.25,\"step\":\(written)}")
    }
  }

  @Test("What a kill can leave is cleared: unfinished folders go, a replaced one returns, latest follows")
  func leftovers() async throws {
    try await withTemporaryFolder { folder in
      let run = RunDirectory(path: folder)
      let checkpoints = run.checkpointsPath
      func make(_ name: String, mark: String) throws {
        try FileSystem.makeFolder("\(checkpoints)/\(name)")
        try FileSystem.write(Array(mark.utf8), to: "\(checkpoints)/\(name)/mark")
      }
      try make("0000000003", mark: "old")
      try make("0000000006", mark: "new")
      try make(".0000000003-removing", mark: "x")
      try make(".0000000006-replaced", mark: "x")
      try make(".0000000009-replaced", mark: "returns")
      try make(".0000000009-writing", mark: "x")
      try make(".mine", mark: "not ours")
      try make("notes", mark: "not ours")
      for name in [".token-1", ".token-1-2", ".latest-writing"] { try FileSystem.write([], to: "\(folder)/\(name)") }
      try FileSystem.write(Array("0000000003\n".utf8), to: run.latestPath)

      try run.clearLeftovers()
      #expect(try FileSystem.names(in: checkpoints) == [".mine", "0000000003", "0000000006", "0000000009", "notes"])
      #expect(try FileSystem.read("\(checkpoints)/0000000009/mark") == Array("returns".utf8))
      #expect(try FileSystem.read("\(checkpoints)/0000000006/mark") == Array("new".utf8))
      #expect(try FileSystem.names(in: folder) == ["checkpoints", "latest"])
      #expect(try run.latestStep() == 9)
      try run.clearLeftovers()
      #expect(try run.latestStep() == 9)
    }
  }

  @Test("Pruning removes the oldest and never the newest")
  func prune() async throws {
    try await withTemporaryFolder { folder in
      let run = RunDirectory(path: folder)
      for step in [5, 30, 200, 1000] {
        try FileSystem.makeFolder("\(folder)/\(RunDirectory.checkpointFolder(step: step))")
      }
      try FileSystem.makeFolder(run.unfinishedFolder(step: 2000, .writing))
      try run.prune(keep: 7)
      #expect(try run.checkpointSteps() == [5, 30, 200, 1000])
      try run.prune(keep: 3)
      #expect(try run.checkpointSteps() == [30, 200, 1000])
      try run.prune(keep: 1)
      #expect(try run.checkpointSteps() == [1000])
      #expect(FileSystem.exists(run.unfinishedFolder(step: 2000, .writing)))
    }
  }

  @Test("A folder that has a run is refused for another, and one without a run for a resume")
  func createAndResume() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/a/b/run"
      let none = try await check("resume-run", run, "2", "1", ranks: 2)
      #expect(
        none.count == 1 && none[0].hasPrefix("refused 64 \(run): expected a run to resume (config.json), found none"))
      #expect(!FileSystem.exists("\(folder)/a"))

      // An empty folder is welcome, and so is one with other things in it.
      try FileSystem.makeFolder(run)
      try FileSystem.write([1], to: "\(run)/notes.txt")
      try await check("write-run", run, "20", "2", ranks: 2)
      let before = try contents(of: run)
      #expect(before.keys.sorted() == [".lock", "checkpoints", "config.json", "notes.txt"])
      let second = try await check("write-run", run, "20", "2", "1", ranks: 2)
      #expect(
        second == [
          "refused 64 \(run): expected a folder without a run, found one: go on with it by --resume, or choose another"
        ])
      #expect(try contents(of: run) == before)

      // Killed before the first checkpoint: a resume finds none and starts afresh.
      try await check("resume-run", run, "2", "1", ranks: 2)
      #expect(try await check("read-model", run, "momentum", ranks: 2) == ["momentum of step 1 -"])

      let file = "\(folder)/file"
      try FileSystem.write([], to: file)
      let refused = try await check("write-run", file, "20", "2", "1")
      #expect(refused == ["refused 64 \(file): expected a folder for the run, found a file: choose another"])
      let below = try await check("write-run", "\(file)/run", "20", "2", "1")
      #expect(below.first?.hasPrefix("refused 74 \(file)/run: cannot be created: Not a directory") == true, "\(below)")
    }
  }

  @Test("Ranks that see different folders are refused, with the host's name")
  func differentFolders() async throws {
    try await withTemporaryFolder { folder in
      let ranks = try Program.built("ranks")
      for name in ["one", "other"] { try FileSystem.makeFolder("\(folder)/\(name)/run") }
      let command = [ranks, "write-run", "run", "20", "2", "1"]
      let result = try await Program.mpirun(
        ranks: 2, command + [":", "-n", "1", "--wdir", "\(folder)/other"] + command,
        options: ["--wdir", "\(folder)/one"])
      #expect(result.status == 0, "\(result)")
      #expect(
        result.output.contains(
          "refused 64 run: expected one folder that all ranks see, found another folder on \(Host.name)"),
        "\(result)")
      #expect(try FileSystem.names(in: "\(folder)/one/run") == [".lock", "checkpoints"])
      #expect(try FileSystem.names(in: "\(folder)/other/run").isEmpty)
    }
  }

  @Test("A second job waits for the lock, is told who holds it, and gets it when the holder is killed")
  func lock() async throws {
    try await withTemporaryFolder { folder in
      let run = "\(folder)/run"
      try await check("write-run", run, "20", "2", "1")
      let holder = Process()
      holder.executableURL = URL(filePath: try Program.built("ranks"))
      holder.arguments = ["hold-run", run]
      holder.standardError = FileHandle.nullDevice
      try holder.run()
      defer { kill(holder.processIdentifier, SIGKILL) }
      for _ in 0..<300 where !FileSystem.exists("\(run)/held") { try await Task.sleep(for: .milliseconds(100)) }

      let start = ContinuousClock.now
      expectRefusal(.usage, containing: "locked by process \(holder.processIdentifier) on \(Host.name)") {
        _ = try RunLock(path: "\(run)/.lock", waiting: 0.5)
      }
      #expect(ContinuousClock.now - start > .seconds(0.5))

      let process = holder.processIdentifier
      // A thread of its own: this one blocks, and a pool of few threads may have no other for a task.
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: 0.5)
        kill(process, SIGKILL)
      }
      _ = try RunLock(path: "\(run)/.lock", waiting: 10)
      #expect(String(decoding: try FileSystem.read("\(run)/.lock"), as: UTF8.self).hasPrefix("process \(getpid()) on "))
    }
  }
}
