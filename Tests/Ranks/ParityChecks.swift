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
    // parity-reductions FIXTURE: rank 0 prints a table of gradients by layer for each reduction.
    Check("parity-reductions") { facts in
      let fixture = try ParityFixture(path: facts.arguments[0])
      for reduction in ParityScenario.Reduction.allCases {
        var scenario = try ParityScenario(fixture, reduction: reduction, communicator: facts.world)
        try scenario.run()  // all ranks
        let shown = scenario.comparisons.filter {
          $0.quantity.name.hasPrefix("gradient ") || $0.quantity.name.hasPrefix("scores ")
        }
        let title = "\(fixture.case.name), \(reduction.rawValue), \(facts.size) ranks"
        if facts.rank == 0 { print("\(title)\n\(ParityTable(shown, byLayer: true))\n") }
        check(scenario, &facts)
      }
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
    facts.expect(scenario.comparisons.count > 0, "\(scenario.comparisons.count) quantities were compared")
    facts.expect(scenario.wrongChoices, equals: [], "anchors and neighbours are PyTorch's")
  }
}
