import CSumKernels
import RanksSupport
import Testing

@testable import ExactSum

@Suite("Reductions of gradients")
struct GradientReductionTests {
  @Test("Ranks get the sums that each reduction defines", arguments: [1, 2, 3, 5])
  func ranks(count: Int) async throws {
    let run = try await Program.mpirun(ranks: count, [Program.built("ranks"), "reductions"])
    #expect(run.status == 0, "\(run)")
  }

  @Test("bfloat16 is the nearest, ties to even, and comes back as it is")
  func bfloat16() {
    let values: [Float] = [0, -0.0, 1, 1 + 0x1p-8, 1 + 0x1.8p-7, 1 + 0x1.01p-8, -1 - 0x1p-8, 0x1p-140, 0x1.fep19, 0.1]
    let expected: [Float] = [0, -0.0, 1, 1, 1 + 0x1p-6, 1 + 0x1p-7, -1, 0, 0x1.fep19, 0x1.9ap-4]
    var halves = [UInt16](repeating: 0, count: values.count)
    var found = [Float](repeating: .nan, count: values.count)
    ck_to_bfloat16(values, &halves, values.count)
    ck_from_bfloat16(halves, &found, values.count)
    #expect(zip(found, expected).allSatisfy { $0 == $1 || ($1 == 0 && $0.magnitude < 0x1p-133) })
    var again = halves
    ck_to_bfloat16(found, &again, values.count)
    #expect(again == halves)
  }

  @Test("Traffic is what a rank sends of each element to where it is summed and from there")
  func traffic() {
    #expect(Reduction.exact.traffic(count: 100, ranks: 2) == 600)
    #expect(Reduction.float32.traffic(count: 100, ranks: 4) == 600)
    #expect(Reduction.bfloat16.traffic(count: 100, ranks: 1) == 0)
  }
}
