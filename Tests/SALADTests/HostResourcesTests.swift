import Testing

@testable import SALAD

@Suite("Host")
struct HostResourcesTests {
  @Test("An instruction set is named by what changes kernels")
  func instructionSets() {
    let avx512: Set = ["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]
    #expect(InstructionSet.name(flags: []) == "sse2")
    #expect(InstructionSet.name(flags: ["avx2", "fma"]) == "avx2")
    #expect(InstructionSet.name(flags: avx512) == "avx512")
    #expect(InstructionSet.name(flags: avx512.union(["avx512_bf16", "avx512_vnni"])) == "avx512+vnni+bf16")
  }

  @Test(
    "Times left read like a clock",
    arguments: [(0.0, "0:00"), (59.6, "1:00"), (247, "4:07"), (3729, "1:02:09")])
  func clock(seconds: Double, expected: String) {
    #expect(ProgressDisplay.clock(seconds) == expected)
  }
}
