import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// One rank's failure ends all ranks, in bounded time.
  @Suite("Failures")
  struct FailureTests {
    @Test("A killed rank ends all, and the run goes on from its checkpoint")
    func killed() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let result = try await train(sample, options: [], signal: SIGKILL)
      #expect(result.status != 0, "\(result)")
      #expect(result.duration < .seconds(300))
      try await Salad.succeed(ranks: 2, ["train", "--run", sample.path("long"), "--resume"])
    }

    @Test("A rank that hangs is noticed, and all say where they were")
    func hung() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let result = try await train(sample, options: ["--timeout", "5"], signal: SIGSTOP)
      #expect(result.status == 70, "\(result)")
      #expect(result.errors.contains("no progress for 5 s"))
      #expect(result.errors.contains(#/rank \d on \S+ at step \d+, /#), "\(result)")
      #expect(result.duration < .seconds(300))
    }

    @Test("A signal to one rank stops all with a checkpoint")
    func oneSignal() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let result = try await train(sample, options: [], signal: SIGTERM)
      #expect(result.status == 75, "\(result)")
      #expect(result.errors.contains("--resume"))
    }

    /// Trains on three ranks, and sends the last one a signal once there is a checkpoint.
    private func train(_ sample: Sample, options: [String], signal: Int32) async throws -> ProgramResult {
      let run = sample.path("long")
      let long = SmallTraining.arguments + ["--epochs-per-round", "20", "--checkpoint-every", "3"]
      let once = Once()
      return try await Salad.run(ranks: 3, ["train", "--data", sample.data, "--run", run] + long + options) { mpirun in
        guard FileManager.default.fileExists(atPath: run + "/latest"), let rank = children(of: mpirun).last else {
          return
        }
        once { kill(rank, signal) }
      }
    }
  }
}

/// Processes that `parent` started.
func children(of parent: pid_t) -> [pid_t] {
  let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return entries.compactMap { pid_t($0) }.sorted().filter { process in
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    return status.contains("PPid:\t\(parent)\n")
  }
}
