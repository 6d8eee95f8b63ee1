import ExactSum
import MPI
import ParitySupport

/// Checks of the same numbers as PyTorch's.
enum ParityChecks {
  static let all = [
    // parity FIXTURE: rank 0 prints the table.
    Check("parity") { facts in
      let fixture = try ParityFixture(path: facts.arguments[0])
      var scenario = try ParityScenario(fixture, reduction: .exact, communicator: facts.world)
      try scenario.run()  // all ranks
      let table = ParityTable(scenario.comparisons)
      if facts.rank == 0 { print("\(fixture.case.name)\n\(table)\n") }
      check(scenario, &facts)
      facts.expect(table.ratio <= 3, "our errors are of the order of PyTorch's: \(table.ratio) times as large")
    },
    // parity-reductions FIXTURE: rank 0 prints a table of gradients by part of the network and of scores.
    Check("parity-reductions") { facts in
      let fixture = try ParityFixture(path: facts.arguments[0])
      var exact = try ParityScenario(fixture, reduction: .exact, communicator: facts.world)
      var float32 = try ParityScenario(fixture, reduction: .float32, communicator: facts.world)
      var bfloat16 = try ParityScenario(fixture, reduction: .bfloat16, communicator: facts.world)
      try exact.run()  // all ranks
      try float32.run()  // all ranks
      try bfloat16.run()  // all ranks
      let table = ReductionTable(exact: exact, float32: float32, bfloat16: bfloat16)
      if facts.rank == 0 { print("\(fixture.case.name), \(facts.size) ranks\n\(table)\n") }
      check(exact, &facts)
      check(float32, &facts)
      // Half a unit of 8 bits is 2^-9 at most, a term; a sum of four that partly cancel is off by some more of itself.
      facts.expect(
        (0x1p-11...0x1p-7).contains(table.bfloat16Error), "bfloat16 costs its rounding: \(table.bfloat16Error)")
    },
  ]

  /// States that every quantity is within its tolerance.
  private static func check(_ scenario: ParityScenario, _ facts: inout Facts) {
    for comparison in scenario.comparisons {
      let (quantity, ours) = (comparison.quantity, comparison.ours)
      guard ours > quantity.tolerance else { continue }
      facts.expect(
        false, "\(quantity.name): off by \(ours), PyTorch's float32 \(quantity.torch), allowed \(quantity.tolerance)")
    }
    facts.expect(scenario.isComplete, "\(scenario.comparisons.count) quantities were compared: all but one")
    facts.expect(scenario.wrongChoices, equals: [], "anchors and neighbours are PyTorch's")
  }
}
