import Foundation
import RanksSupport
import Synchronization
import Testing

extension CommandTests {
  /// How far a run is, and its curves.
  @Suite("Status and curves")
  struct StatusTests {
    private struct Status: Decodable {
      var state: String
      var step: Int
      var steps: Int
      var epoch: Int
      var epochs: Int
      var ranks: Int?
      var checkpoint: Int?
      var ending: String?
      var holder: String?
      var losses: [String: Double]?
    }

    private static func status(of run: String) async throws -> Status {
      let result = try await Salad.succeed(["status", run, "--json"])
      return try JSONDecoder().decode(Status.self, from: Data(result.output.utf8))
    }

    private static func train(_ sample: Sample, _ run: String, _ more: [String] = []) -> [String] {
      ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments + more
    }

    @Test("A finished run is told to be, with its steps, ranks and losses")
    func finished() async throws {
      let sample = try #require(Sample.shared)
      let status = try await Self.status(of: sample.run)
      // 4 epochs of 4 steps: 26 images in steps of 8.
      #expect(status.state == "finished" && status.step == 16 && status.steps == 16 && status.checkpoint == 16)
      #expect(status.epoch == 4 && status.epochs == 4 && status.ranks == 2 && status.holder == nil)
      #expect(status.losses?.keys.count == 3)
      let text = try await Salad.succeed(["status", sample.run]).output
      #expect(text.contains("finished") && text.contains("16 of 16 (100 %)") && text.contains("salad merge"))
    }

    @Test("A run that trains is told to, without disturbing it, and one that was stopped or killed how it goes on")
    func running() async throws {
      let sample = try #require(Sample.shared)
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let run = "\(folder.path)/run"
      // Looks from within, once a step is taken: the process still holds the lock.
      let seen = Mutex<Status?>(nil)
      let once = Once()
      let binary = try Program.built("salad")
      let long = ["--rounds", "0", "--epochs-per-round", "100000"]
      let stopped = try await Salad.run(Self.train(sample, run, long + ["--checkpoint-every", "1"])) { process in
        guard FileManager.default.fileExists(atPath: "\(run)/latest") else { return }
        once {
          seen.withLock {
            $0 = try? JSONDecoder().decode(Status.self, from: output(binary, ["status", run, "--json"]))
          }
          kill(process, SIGTERM)
        }
      }
      #expect(stopped.status == 75, "\(stopped)")
      let during = try #require(seen.withLock { $0 })
      #expect(during.state == "running" && during.step >= 1 && during.steps == 400_000 && during.ranks == 1)
      #expect(during.holder?.hasPrefix("process ") == true)
      let after = try await Self.status(of: run)
      #expect(after.state == "stopped" && after.ending?.contains("signal") == true && after.checkpoint == after.step)

      let again = Once()
      _ = try await Salad.run(["train", "--run", run, "--resume"]) { process in
        let note = try? String(contentsOfFile: "\(run)/job.json", encoding: .utf8)
        if note?.contains("\"ending\"") == false { again { kill(process, SIGKILL) } }
      }
      let died = try await Salad.succeed(["status", run]).output
      #expect(died.contains("died") && died.contains("--resume"), "\(died)")
    }

    @Test("Where there is no run, status ends with 65")
    func none() async throws {
      let sample = try #require(Sample.shared)
      Salad.expectRefusal(
        try await Salad.run(["status", sample.data]), status: 65, naming: [sample.data, "found none"])
    }

    @Test("Curves hold the numbers of metrics.jsonl, are cut back with them, and can be left away")
    func curves() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let file = "tensorboard/events.out.tfevents.salad"
      let whole = try bytes(of: "\(sample.run)/\(file)")
      // 16 steps and 4 epochs behind the head.
      #expect(whole.count > 20 * 100)
      // Back to the checkpoint before the last, and on.
      let run = "\(sample.folder.path)/stopped"
      let first = try await Salad.run(Self.train(sample, run, ["--checkpoint-every", "3", "--stop-after", "1s"]))
      #expect([0, 75].contains(first.status), "\(first)")
      try await Salad.succeed(["train", "--run", run, "--resume"])
      #expect(try bytes(of: "\(run)/\(file)").count == whole.count)
      let without = "\(sample.folder.path)/without"
      try await Salad.succeed(Self.train(sample, without, ["--no-tensorboard", "--rounds", "0"]))
      #expect(!FileManager.default.fileExists(atPath: "\(without)/tensorboard"))
    }

    @Test("The tensorboard package reads the curves")
    func tensorboard() async throws {
      let sample = try #require(Sample.shared)
      let python = ProcessInfo.processInfo.environment["SALAD_TEST_PYTHON"] ?? "python3"
      guard try await Program.run([python, "-c", "import tensorboard"]).status == 0 else {
        print("skipped: \(python) has no package tensorboard (pip install tensorboard)")
        return
      }
      let script = """
        from json import dumps
        from sys import argv
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util import tensor_util
        events = EventAccumulator(argv[1], size_guidance={'tensors': 0, 'scalars': 0}).Reload()
        tags = events.Tags()
        read = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags['scalars']}
        for tag in tags['tensors']:
            read[tag] = [[e.step, float(tensor_util.make_ndarray(e.tensor_proto))] for e in events.Tensors(tag)]
        print(dumps(read))
        """
      let result = try await Program.run([python, "-c", script, sample.run + "/tensorboard"])
      #expect(result.status == 0, "\(result)")
      let read = try JSONDecoder().decode([String: [[Double]]].self, from: Data(result.output.utf8))
      let metrics = try String(contentsOfFile: "\(sample.run)/metrics.jsonl", encoding: .utf8).split(separator: "\n")
        .map { try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
      for (kind, name) in [("step", "loss"), ("step", "embedding_loss"), ("epoch", "reconstruction_loss")] {
        let lines = metrics.filter { $0["kind"] as? String == kind }
        let found = try #require(read["\(kind)/\(name)"])
        #expect(found.map { Int($0[0]) } == lines.map { $0["step"] as? Int })
        #expect(found.map { Float($0[1]) } == lines.map { Float($0[name] as? Double ?? .nan) })
      }
    }
  }
}

/// What a program prints, started beside the tests' queue of programs.
private func output(_ program: String, _ arguments: [String]) throws -> Data {
  let process = Process()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return data
}
