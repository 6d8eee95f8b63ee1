import Foundation
import RanksSupport
import Synchronization
import Testing

extension CommandTests {
  /// What a training will take, told before it is taken.
  @Suite("Dry run")
  struct DryRunTests {
    @Test("The memory that is told is within 15 % of what training then takes")
    func memory() async throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let data = try #require(Sample.shared).data
      let run = folder.path + "/run"
      // Large enough that the program itself is the smaller part.
      let network = ["--size", "64", "--max-width", "256", "--batch-size", "24", "--workers", "2"]
      let train = ["train", "--data", data, "--run", run, "--rounds", "0", "--epochs-per-round", "1"] + network
      let dry = try await Salad.succeed(train + ["--dry-run", "--json", "--images-per-second", "20"])
      let plan = try JSONDecoder().decode(Plan.self, from: Data(dry.output.utf8))
      #expect(plan.images == SmallTraining.images && plan.steps == 1 && plan.idleWorkers == 0)
      #expect(abs(plan.hours - 24.0 / 20 / 3600) < 1e-6)
      #expect(!FileManager.default.fileExists(atPath: run), "a dry run writes nothing")

      let peak = Mutex(0)
      let trained = try await Salad.run(train) { process in
        let resident = peakResidentBytes(of: process)
        peak.withLock { $0 = max($0, resident) }
      }
      #expect(trained.status == 0, "\(trained)")
      let ratio = Double(plan.memory) / Double(peak.withLock { $0 })
      #expect((0.85...1.15).contains(ratio), "told \(plan.memory) bytes, \(ratio) of what was taken")
    }

    @Test("What a step sends is told, and workers without work", arguments: [1, 3])
    func traffic(ranks: Int) async throws {
      let data = try #require(Sample.shared).data
      let dry = try await Salad.succeed(
        ranks: ranks,
        ["train", "--data", data, "--run", "none", "--dry-run", "--json", "--workers", "2"]
          + SmallTraining.arguments)
      let plan = try JSONDecoder().decode(Plan.self, from: Data(dry.output.utf8))
      #expect(plan.ranks == ranks && plan.idleWorkers == max(0, 2 * ranks - 4) && plan.hours > 0)
      #expect((plan.sent == 0) == (ranks == 1))
    }

    @Test("A training that cannot fit is refused before anything is read or written", arguments: [1, 2])
    func refusal(ranks: Int) async throws {
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let data = try #require(Sample.shared).data
      let run = folder.path + "/run"
      let train = ["train", "--data", data, "--run", run, "--size", "512", "--batch-size", "24", "--workers", "4096"]
      for arguments in [train, train + ["--dry-run"]] {
        let result = try await Salad.run(ranks: ranks, arguments)
        Salad.expectRefusal(result, status: 64, naming: ["memory", "free", "--workers"])
      }
      #expect(!FileManager.default.fileExists(atPath: run))
    }

    private struct Plan: Decodable {
      var memory: Int
      var images: Int
      var steps: Int
      var ranks: Int
      var hours: Double
      var idleWorkers: Int
      var sent: Int

      enum CodingKeys: String, CodingKey {
        case images, steps, ranks, hours
        case memory = "memory_bytes_per_rank"
        case idleWorkers = "idle_workers"
        case sent = "sent_bytes_per_step"
      }
    }
  }
}

/// Bytes that a process had in memory at the most; 0 once it has ended.
private func peakResidentBytes(of process: pid_t) -> Int {
  let lines = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8))?.split(separator: "\n") ?? []
  let line = lines.first { $0.hasPrefix("VmHWM:") }
  return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
}
