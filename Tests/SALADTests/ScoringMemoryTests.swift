import Autoencoder
import MemoryBank
import Platform
import Testing

@testable import SALAD

@Suite("Memory that scoring takes")
struct ScoringMemoryTests {
  private func memory(
    rows: Int = 1000, topK: Int = 30, holdsBank: Bool = true, workers: Int = 2, microBatch: Int = 8, ranks: Int = 1
  ) throws -> [String: Int] {
    var configuration = Configuration()
    (configuration.size, configuration.maximumWidth, configuration.microBatch) = (64, 16, microBatch)
    let memory = ScoringMemory(
      scoring: configuration.scoring, precision: .float32, rows: rows, features: 48, topK: topK, holdsBank: holdsBank,
      measuresBank: false, workers: workers, ranks: ranks)
    return Dictionary(uniqueKeysWithValues: try memory.items().map { ($0.name, $0.bytes) })
  }

  @Test("Each item grows with what it is of, and no number that the command line takes overflows")
  func items() throws {
    let small = try memory()
    #expect(small["memory bank"] == 1000 * 48 * 4)
    #expect(try memory(ranks: 2)["memory bank"] == 512 * 48 * 4)
    #expect(try memory(holdsBank: false)["memory bank"] == 0)
    #expect(try memory(rows: 0)["memory bank"] == 0)
    #expect(try memory(workers: 4)["workers' buffers"] == 2 * small["workers' buffers"]!)
    #expect(try memory(topK: 10_000_000)["prototypes looked up"] == memory(topK: 1000)["prototypes looked up"])
    #expect(try memory(topK: 60)["prototypes looked up"]! > small["prototypes looked up"]!)
    let largest = try memory(
      rows: 1 << 22, topK: 10_000_000, workers: 4096, microBatch: 4096, ranks: 1024)
    #expect(largest.values.allSatisfy { $0 > 0 })
  }

  @Test("What does not fit is refused in one sentence, with cures that apply")
  func refusal() {
    let need = MemoryNeed(
      work: "scoring",
      items: [
        MemoryItem(name: "parameters", bytes: 1000), MemoryItem(name: "workers' buffers", bytes: 5_000_000),
        MemoryItem(name: "memory bank", bytes: 2_000_000),
      ], cure: "a smaller --top-k")
    #expect(need.refusal(memory: 8_000_000, ranksOnHost: 2) == nil)
    #expect(
      need.refusal(memory: 4_000_000, ranksOnHost: 2)
        == "scoring takes 14.0 MB of memory on a host (2 ranks, of which each workers' buffers 5.00 MB, memory bank 2.00 MB), "
        + "and 8.00 MB is free: give fewer --workers or ranks a host, a smaller --top-k, or a larger machine")
    let most = MemoryNeed(
      work: "scoring", items: [MemoryItem(name: "a", bytes: .max), MemoryItem(name: "b", bytes: .max)], cure: nil)
    #expect(
      most.refusal(memory: 1, ranksOnHost: 64)?.hasSuffix(
        "is free: give fewer --workers or ranks a host, or a larger machine") == true)
  }
}
