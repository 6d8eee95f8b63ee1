import MPI
import ParitySupport

/// Checks of the same numbers as PyTorch's.
enum ParityChecks {
  static let all = [
    // parity FIXTURE [REDUCTION]: rank 0 prints the table.
    Check("parity") { facts in
      let fixture = try ParityFixture(path: facts.arguments[0])
      let reduction = facts.arguments.count > 1 ? ParityScenario.Reduction(rawValue: facts.arguments[1]) : .exact
      guard let reduction else { preconditionFailure("no reduction named \(facts.arguments[1])") }
      var scenario = try ParityScenario(fixture, reduction: reduction, communicator: facts.world)
      try scenario.run()  // all ranks
      if facts.rank == 0 { print("\(fixture.case.name)\n\(ParityTable(scenario.comparisons))\n") }
      for comparison in scenario.comparisons where !comparison.isMet {
        let (quantity, ours) = (comparison.quantity, comparison.ours)
        facts.expect(
          false, "\(quantity.name): off by \(ours), PyTorch's float32 \(quantity.torch), allowed \(quantity.tolerance)")
      }
      facts.expect(scenario.comparisons.count > 0, "\(scenario.comparisons.count) quantities were compared")
      facts.expect(scenario.wrongChoices, equals: [], "anchors and neighbours are PyTorch's")
    }
  ]
}
