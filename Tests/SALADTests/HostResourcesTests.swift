import Platform
import Testing

@testable import SALAD

@Suite("Host")
struct HostResourcesTests {
  @Test("An instruction set is named by what changes kernels")
  func instructionSets() {
    let flags: Set = ["avx", "avx2", "fma", "avx512f", "amx_tile"]
    for level in CPULevel.allCases {
      #expect(InstructionSet.name(level, isHeld: true, flags: flags) == level.rawValue)
      #expect(InstructionSet.name(level, isHeld: false, flags: []) == level.rawValue)
    }
    #expect(InstructionSet.name(.avx512BFloat16, isHeld: false, flags: flags) == "avx512_bf16+amx")
    #expect(InstructionSet.name(.avx512, isHeld: false, flags: flags) == "avx512")
    #expect(InstructionSet.name(.baseline, isHeld: false, flags: flags) == "baseline+avx")
  }

  @Test(
    "Times left read like a clock",
    arguments: [(0.0, "0:00"), (59.6, "1:00"), (247, "4:07"), (3729, "1:02:09")])
  func clock(seconds: Double, expected: String) {
    #expect(ProgressDisplay.clock(seconds) == expected)
  }
}
