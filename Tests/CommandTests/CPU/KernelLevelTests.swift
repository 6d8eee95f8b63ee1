import Platform
import RanksSupport
import Testing

/// The tests of kernels run at the level that the CPU has; here they run again, in a process each, at those below it.
@Suite("Kernels at every level")
struct KernelLevelTests {
  /// Suites that call kernels and start no programs.
  private static let suites =
    ["Kernel", "Convolution", "WinogradConvolution", "Replica", "StepSums"].map { "AutoencoderTests.\($0)Tests" }
    + ["Kernel", "TopK", "SmallCopy", "Assignment", "LocalBank"].map { "MemoryBankTests.\($0)Tests" }
    + ["ExactSumTests.FixedPointTests", "RadiographsTests.ResizeTests"]

  @Test("Kernels pass their tests", arguments: CPULevel.allCases.filter { $0 < .inUse })
  func kernels(_ level: CPULevel) async throws {
    let suites = Self.suites.flatMap { ["--filter", $0] }
    let result = try await Program.run(
      [Host.ownProgram, "--testing-library", "swift-testing"] + suites, environment: ["SALAD_CPU": level.rawValue],
      timeLimit: .seconds(1200))
    #expect(result.status == 0, "\(result)")
  }
}
