import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// A signal is heard in every phase of every verb: the work ends within one item, with a sentence, and leaves nothing
  /// half made.
  @Suite("Signals")
  struct SignalTests {
    /// A data set that takes a while to read: many names of a few large pictures.
    private func longData(_ folder: TemporaryFolder) async throws -> String {
      let data = folder.path + "/long"
      try await Salad.succeed([
        "phantom", data, "--train", "1", "--test-normal", "1", "--test-anomalous", "1", "--size", "1024",
      ])
      let kinds = try FileManager.default.contentsOfDirectory(atPath: data + "/test").map { "test/" + $0 }
      for kind in kinds + ["train/good"] {
        for number in 2...1500 {
          try FileManager.default.linkItem(
            atPath: "\(data)/\(kind)/0001.png", toPath: "\(data)/\(kind)/\(String(format: "%04d", number)).png")
        }
      }
      return data
    }

    @Test("Verbs that make or measure end by 128 and the signal's number, and leave nothing", arguments: [0.0, 1.5])
    func verbs(seconds: Double) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let long = try await longData(sample.folder)
      try await Salad.succeed(["merge", sample.run, "--output", sample.path("deploy")])
      let (deploy, output) = (sample.path("deploy"), sample.path("output"))
      let before = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path).sorted()
      let wide = [String](repeating: long + "/train", count: 20)
      for (signal, arguments) in [
        (SIGTERM, ["score", sample.run] + wide),
        (SIGHUP, ["score", deploy] + wide + ["--csv"]),
        (SIGTERM, ["evaluate", sample.run, "--data", long, "--allow-leaks"]),
        (SIGINT, ["calibrate", deploy, "--data", long + "/train", "--output", output]),
        (SIGTERM, ["import", deploy + "/model.safetensors", "--data", long, "--output", output]),
        (SIGTERM, ["phantom", output, "--train", "5000", "--size", "512"]),
        (SIGUSR1, ["bench", "--train", "--steps", "1000000", "--size", "64", "--max-width", "16", "--rows", "64"]),
        (SIGTERM, ["train", "--data", long, "--run", output, "--dry-run"]),
      ] {
        // A dry run reads nothing, and may be over.
        let mayFinish = arguments[0] == "train"
        let result = try await Salad.run(arguments, watch: sender(of: signal, after: seconds))
        #expect(
          result.status == 128 + signal || mayFinish && result.status == 0,
          "\(result.status) \(arguments[0]): \(result)")
        #expect(result.errors.contains("asked to stop") || mayFinish, "\(arguments[0]): \(result.errors)")
        #expect(result.duration < .seconds(300), "\(arguments[0])")
        #expect(
          try FileManager.default.contentsOfDirectory(atPath: sample.folder.path).sorted() == before, "\(arguments[0])")
      }
    }

    @Test("A merge ends in whichever phase it is, with nothing half made")
    func merge() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let runs = try (0..<40).map { number in
        let run = sample.path("run-\(number)")
        try FileManager.default.copyItem(atPath: sample.run, toPath: run)
        return run
      }
      let before = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path).sorted()
      var stopped = 0
      for (number, seconds) in [0, 0.1, 0.2, 0.4, 0.8].enumerated() {
        let output = sample.path("output-\(number)")
        let result = try await Salad.run(
          ["merge"] + runs + ["--output", output], watch: sender(of: SIGTERM, after: seconds))
        if result.status == 0 {
          try FileManager.default.removeItem(atPath: output)
        } else {
          stopped += 1
          #expect(result.status == 128 + SIGTERM && result.errors.contains("asked to stop"), "\(result)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: sample.folder.path).sorted() == before)
      }
      #expect(stopped > 0)
    }

    @Test("A signal to one rank of several ends all alike")
    func ranks() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let long = try await longData(sample.folder)
      let once = Once()
      let result = try await Salad.run(ranks: 2, ["evaluate", sample.run, "--data", long, "--allow-leaks"]) { mpirun in
        guard let rank = children(of: mpirun).last, isCaught(SIGTERM, by: rank) else { return }
        once { kill(rank, SIGTERM) }
      }
      // mpirun hears of one rank's status and ends the other, which is leaving: where that one is slow, it says 1 itself.
      #expect([128 + SIGTERM, 1].contains(result.status), "\(result)")
      #expect(result.errors.contains("asked to stop"), "\(result)")
    }

    @Test("A result that nobody reads holds up no signal")
    func unread() async throws {
      let sample = try #require(Sample.shared)
      let images = [String](repeating: sample.data + "/train", count: 2000)
      let line = "exec \"$0\" \"$@\" > >(exec sleep 100)"
      let result = try await Program.run(
        ["/bin/bash", "-c", line, try Program.built("salad"), "score", sample.run] + images + ["--csv"],
        timeLimit: .seconds(600), watch: sender(of: SIGTERM, after: 5))
      #expect(result.status == 128 + SIGTERM && !result.timedOut, "\(result.errors)")
    }

    @Test(
      "Limits and lost terminals end a training as SIGTERM does: with a checkpoint",
      arguments: [SIGHUP, SIGXCPU, SIGXFSZ, SIGUSR1, SIGINT])
    func training(signal: Int32) async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("long")
      let train = ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
      let send = sender(of: signal, after: 0)
      let result = try await Salad.run(train + ["--epochs-per-round", "100000", "--checkpoint-every", "3"]) { process in
        if FileManager.default.fileExists(atPath: run + "/latest") { send(process) }
      }
      #expect(result.status == 75, "\(result)")
      #expect(result.errors.contains("--resume"), "\(result)")
    }

    @Test("What the shell has ignored stays ignored: nohup's SIGHUP")
    func ignored() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("long")
      let train = ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
      let hangUp = Once()
      let result = try await Program.run(
        ["/bin/bash", "-c", "trap '' HUP; exec \"$0\" \"$@\"", try Program.built("salad")] + train
          + ["--epochs-per-round", "3", "--checkpoint-every", "1"], timeLimit: .seconds(600)
      ) { process in
        if FileManager.default.fileExists(atPath: run + "/latest") { hangUp { kill(process, SIGHUP) } }
      }
      #expect(result.status == 0, "\(result)")
    }

    @Test("A limit of processor time that is reached saves a checkpoint, and the run goes on")
    func processorTime() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("long")
      let train = ["train", "--data", sample.data, "--run", run] + SmallTraining.arguments
      let limited = ["/bin/bash", "-c", "ulimit -S -t 8; exec \"$0\" \"$@\"", try Program.built("salad")]
      let result = try await Program.run(
        limited + train + ["--epochs-per-round", "100000"], timeLimit: .seconds(600))
      #expect(result.status == 75 && result.errors.contains("SIGXCPU"), "\(result)")
    }

    @Test("A terminal that is gone takes no training along: EIO")
    func lostTerminal() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let run = sample.path("lost")
      // script(1) gives a terminal, and kill -9 takes it away; the training ignores the SIGHUP that comes with that.
      let train =
        [try Program.built("salad"), "train", "--data", sample.data, "--run", run] + SmallTraining.arguments
        + ["--epochs-per-round", "40", "--checkpoint-every", "5"]
      let quoted = train.map { "'\($0)'" }.joined(separator: " ")
      try "trap '' HUP\n\(quoted) < /dev/null > /dev/null\necho $? > '\(run).status'\n".write(
        toFile: sample.path("train.sh"), atomically: true, encoding: .utf8)
      guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else {
        print("a lost terminal is tested where there is script(1)")
        return
      }
      let terminal = Process()
      terminal.executableURL = URL(fileURLWithPath: "/usr/bin/script")
      terminal.arguments = ["-q", "-c", "bash '\(sample.path("train.sh"))'", "/dev/null"]
      terminal.standardOutput = FileHandle.nullDevice
      terminal.standardError = FileHandle.nullDevice
      terminal.standardInput = FileHandle.nullDevice
      try terminal.run()
      for _ in 0..<1200 where !FileManager.default.fileExists(atPath: run + "/latest") { usleep(50_000) }
      kill(terminal.processIdentifier, SIGKILL)
      terminal.waitUntilExit()
      for _ in 0..<2400 where !FileManager.default.fileExists(atPath: run + ".status") { usleep(50_000) }
      #expect(try String(contentsOfFile: run + ".status", encoding: .utf8) == "0\n")
    }
  }
}

/// Sends a signal once, so long after the program has begun to listen for it.
private func sender(of signal: Int32, after seconds: Double) -> @Sendable (pid_t) -> Void {
  let (once, start) = (Once(), Listening())
  return { process in
    guard let since = start.since(process, signal), ContinuousClock.now - since >= .seconds(seconds) else { return }
    once { kill(process, signal) }
  }
}

/// When a program was first seen to listen.
private final class Listening: @unchecked Sendable {
  // One thread watches a program.
  private var first: ContinuousClock.Instant?

  func since(_ process: pid_t, _ signal: Int32) -> ContinuousClock.Instant? {
    if first == nil, isCaught(signal, by: process) { first = .now }
    return first
  }
}

/// Whether the process has a handler for the signal. SIGXFSZ has one from the start, which listens only later.
private func isCaught(_ signal: Int32, by process: pid_t) -> Bool {
  let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
  let mask = line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
  return mask >> UInt64(signal - 1) & 1 == 1
}
