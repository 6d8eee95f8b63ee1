import Foundation
import RanksSupport
import Testing

extension CommandTests {
  /// Short forms of the scripts in `Tests/Cluster`, which say what is expected; their long forms are in docs/faults.md.
  @Suite("A cluster", .enabled(if: python != nil, "the scripts in Tests/Cluster need python3, found none on PATH"))
  struct ClusterTests {
    @Test(
      "Whatever dies or hangs ends all ranks and is named, and slow work goes on",
      .enabled(if: NetworkHosts.unavailable == nil, "\(NetworkHosts.unavailable ?? "")"),
      arguments: ["rank", "cut", "stop", "stop_early", "slow", "suspend"])
    func fault(name: String) async throws {
      try await script("faults", ["--only", name])
    }

    @Test(
      "A disk that hangs ends all ranks and is named",
      .enabled(if: NetworkHosts.unavailable == nil, "\(NetworkHosts.unavailable ?? "")"),
      .enabled(if: found("bindfs") != nil, "a disk that hangs needs bindfs, found none on PATH"),
      .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/fuse"), "a disk that hangs needs /dev/fuse"),
      arguments: ["read", "write"])
    func hangingDisk(name: String) async throws {
      try await script("faults", ["--only", name])
    }

    @Test("Kills while checkpoints are written leave whole ones, and the bits of an undisturbed run")
    func kills() async throws {
      try await script("checkpoints", ["--only", "kills", "--times", "20"])
    }

    private func script(_ name: String, _ arguments: [String]) async throws {
      let path = Program.source("Tests/Cluster/\(name)")
      // No compiled copies among the sources.
      let run = try await Program.run(
        [try #require(python), "-B", path, "--salad", Program.built("salad")] + arguments, timeLimit: .seconds(600))
      #expect(run.status == 0 && !run.output.contains("left out"), "\(run)")
    }
  }
}

private let python = found("python3")

/// The path of a program, nil when there is none on PATH.
private func found(_ program: String) -> String? {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  return folders.map { "\($0)/\(program)" }.first(where: FileManager.default.isExecutableFile(atPath:))
}
