/// The errors of both reductions, by part of the network, and what each reduction alone adds.
public struct ReductionTable: CustomStringConvertible {
  private let exact: ParityScenario
  private let float32: ParityScenario
  /// Micro-batches that a step's gradient is the sum of.
  private let terms: Int

  /// Two runs of one fixture.
  public init(exact: ParityScenario, float32: ParityScenario) {
    self.exact = exact
    self.float32 = float32
    terms = exact.microBatchesPerStep
  }

  public var description: String {
    let head = tableLine(["", "exact", "float32", "PyTorch's", "tolerance", "exact alone", "float32 alone"])
    let lines = zip(groups(of: exact), groups(of: float32)).map { exact, float32 in
      let errors = [
        exact.total(\.ours), float32.total(\.ours), exact.total(\.quantity.torch), exact.total(\.quantity.tolerance),
      ]
      return tableLine([exact.name] + (errors + added(to: exact)).map(tableNumber))
    }
    return ([head] + lines).joined(separator: "\n")
  }

  private func groups(of scenario: ParityScenario) -> [ComparisonGroup] {
    let shown = scenario.comparisons.filter { comparison in
      ["gradient ", "scores "].contains { comparison.quantity.name.hasPrefix($0) }
        && comparison.quantity.name != "gradient of the embedding loss"
    }
    return ComparisonGroup.groups(of: shown, byPart: true)
  }

  /// What the reductions alone do to these gradients, relative to them: rounding every term to 2^-43, and what float32
  /// sums differ from the exact ones by. Nothing for scores.
  private func added(to group: ComparisonGroup) -> [Double] {
    let names = group.members.map(\.quantity.name)
    let ours = names.compactMap { exact.firstGradients[$0] }.joined()
    let theirs = names.compactMap { float32.firstGradients[$0] }.joined()
    guard !ours.isEmpty else { return [] }
    let squares = ours.reduce(0) { $0 + $1 * $1 }
    let differences = zip(ours, theirs).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    // Rounding to a grid leaves an error whose variance is a twelfth of the grid's square.
    let rounding = Double(terms * ours.count) / 12 * 0x1p-86
    return [(rounding / squares).squareRoot(), (differences / squares).squareRoot()]
  }
}
