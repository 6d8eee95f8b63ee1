import Foundation
import ParitySupport
import RanksSupport
import Testing

/// The fixtures that `make reference` wrote.
enum Fixtures {
  static var all: [String] {
    let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures").path ?? ""
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".json") }.sorted().map { "\(folder)/\($0)" }
  }
}

@Suite("Parity with PyTorch", .serialized)
struct ParityTests {
  @Test("Every number of a step, a round and a score is PyTorch's, as far as float32 can tell", arguments: Fixtures.all)
  func numbers(fixture: String) async throws {
    let run = try await Program.run([Program.built("ranks"), "parity", fixture], timeLimit: .seconds(300))
    print(run.output)
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test("Gradients and scores stay within PyTorch's tolerances by exact and float32 reductions on four ranks")
  func reductions() async throws {
    let fixture = try #require(Fixtures.all.first { $0.hasSuffix("/unet-64-narrow-mse.json") })
    let run = try await Program.mpirun(ranks: 4, [Program.built("ranks"), "parity-reductions", fixture])
    print(run.output)
    #expect(run.status == 0, "\(run.errors)")
  }
}
