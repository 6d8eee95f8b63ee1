import RanksSupport
import Testing

@Suite("Memory bank under mpirun", .serialized)
struct RanksTests {
  @Test("Every result equals its clear reference, and has the same bits on any number of ranks")
  func ranks() async throws {
    let alone = try await Program.run([Program.built("ranks"), "memory-bank"])
    #expect(alone.status == 0, "\(alone)")
    let bits = alone.output.split(separator: "\n").filter { $0.hasPrefix("bits ") }
    #expect(bits.count == 6, "\(alone)")
    // Six ranks are more than the granules of most of its banks.
    for ranks in [1, 2, 3, 4, 6] {
      let run = try await Program.mpirun(ranks: ranks, [Program.built("ranks"), "memory-bank"])
      #expect(run.status == 0, "\(run)")
      #expect(run.output.split(separator: "\n").filter { $0.hasPrefix("bits ") } == bits, "\(ranks) ranks: \(run)")
    }
  }
}
