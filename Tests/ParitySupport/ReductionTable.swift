/// The errors of the reductions, of gradients by part of the network and of scores, and what each reduction alone adds.
public struct ReductionTable: CustomStringConvertible {
  private let exact: ParityScenario
  private let float32: ParityScenario
  private let bfloat16: ParityScenario
  /// Micro-batches that a step's gradient is the sum of.
  private let terms: Int

  /// Runs of one fixture.
  public init(exact: ParityScenario, float32: ParityScenario, bfloat16: ParityScenario) {
    self.exact = exact
    self.float32 = float32
    self.bfloat16 = bfloat16
    terms = exact.microBatchesPerStep
  }

  public var description: String {
    let head = tableLine(
      [
        "", "exact", "float32", "bfloat16", "PyTorch's", "tolerance", "exact alone", "float32 alone", "bfloat16 alone",
      ])
    let lines = zip(groups(of: exact), zip(groups(of: float32), groups(of: bfloat16))).map { exact, others in
      let errors = [
        exact.total(\.ours), others.0.total(\.ours), others.1.total(\.ours), exact.total(\.quantity.torch),
        exact.total(\.quantity.tolerance),
      ]
      return tableLine([exact.name] + (errors + added(to: exact)).map(tableNumber))
    }
    return ([head] + lines).joined(separator: "\n")
  }

  private func groups(of scenario: ParityScenario) -> [ComparisonGroup] {
    let shown = scenario.comparisons.filter { comparison in
      let name = comparison.quantity.name
      return name.hasPrefix("gradient ") && name != "gradient of the embedding loss" || name.hasPrefix("end z scores ")
    }
    return ComparisonGroup.groups(of: shown, byPart: true)
  }

  /// What the reductions alone do to these gradients, relative to them: rounding every term to 2^-43, and what sums of
  /// floats and of bfloat16 differ from the exact ones by. Nothing for scores.
  private func added(to group: ComparisonGroup) -> [Double] {
    let names = group.members.map(\.quantity.name)
    let ours = names.compactMap { exact.firstGradients[$0] }.joined()
    guard !ours.isEmpty else { return [] }
    let squares = ours.reduce(0) { $0 + $1 * $1 }
    // Rounding to a grid leaves an error whose variance is a twelfth of the grid's square.
    let rounding = Double(terms * ours.count) / 12 * 0x1p-86
    return [(rounding / squares).squareRoot()]
      + [float32, bfloat16].map { other in
        let theirs = names.compactMap { other.firstGradients[$0] }.joined()
        return (zip(ours, theirs).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / squares).squareRoot()
      }
  }

  /// The largest error of a part's gradient that bfloat16 alone adds, relative to it.
  public var bfloat16Error: Double { groups(of: exact).compactMap { added(to: $0).last }.max() ?? 0 }
}
