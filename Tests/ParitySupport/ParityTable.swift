import Foundation

/// The parity table: one line a quantity, all tensors of a kind together.
public struct ParityTable: CustomStringConvertible {
  private let comparisons: [ParityFixture.Comparison]

  public init(_ comparisons: [ParityFixture.Comparison]) { self.comparisons = comparisons }

  public var description: String {
    let head = tableLine(["quantity", "ours", "PyTorch's", "tolerance", "nearest to its tolerance"])
    let ratio = String(format: "%.1f", ratio)
    let lines = ComparisonGroup.groups(of: comparisons).map(line)
    return ([head] + lines + ["ours / PyTorch's, geometric mean over all: \(ratio)"]).joined(separator: "\n")
  }

  /// How many times PyTorch's own error ours is, in the geometric mean; neither counts as less than 2^-24.
  public var ratio: Double {
    let logarithms = comparisons.map { log(max($0.ours, 0x1p-24) / max($0.quantity.torch, 0x1p-24)) }
    return exp(logarithms.reduce(0, +) / Double(max(logarithms.count, 1)))
  }

  private func line(_ group: ComparisonGroup) -> String {
    let nearest = group.members.max { $0.ours / $0.quantity.tolerance < $1.ours / $1.quantity.tolerance }!
    let quantity = nearest.quantity
    let errors = [nearest.ours, quantity.torch, quantity.tolerance].map(tableNumber).joined(separator: ", ")
    return tableLine(
      [group.name]
        + [group.total(\.ours), group.total(\.quantity.torch), group.total(\.quantity.tolerance)].map(tableNumber)
        + [group.members.count == 1 ? "" : "\(quantity.name.split(separator: " ").last ?? "") \(errors)"])
  }
}

/// The tensors that share a line.
struct ComparisonGroup {
  let name: String
  private(set) var members: [ParityFixture.Comparison]

  /// Root of the sum of squares over the tensors, relative to that of the scales.
  func total(_ error: (ParityFixture.Comparison) -> Double) -> Double {
    func norm(_ value: (ParityFixture.Comparison) -> Double) -> Double {
      members.reduce(0) { $0 + value($1) * value($1) }.squareRoot()
    }
    return norm { error($0) * $0.quantity.scale } / norm { $0.quantity.scale }
  }

  /// - Parameter byPart: each part of the network for itself.
  static func groups(of comparisons: [ParityFixture.Comparison], byPart: Bool = false) -> [ComparisonGroup] {
    var groups: [ComparisonGroup] = []
    for comparison in comparisons {
      // Tensors of the network have a dot in their names.
      let words = comparison.quantity.name.split(separator: " ")
      let parts = words.last?.split(separator: ".") ?? []
      let name = (parts.count == 1 ? words : words.dropLast() + (byPart ? parts.prefix(1) : [])).joined(separator: " ")
      if let place = groups.firstIndex(where: { $0.name == name }) {
        groups[place].members.append(comparison)
      } else {
        groups.append(ComparisonGroup(name: name, members: [comparison]))
      }
    }
    return groups
  }
}

/// The columns aligned, the first wider.
func tableLine(_ columns: [String]) -> String {
  columns.enumerated().map { place, text in
    place + 1 == columns.count
      ? text : text.padding(toLength: max(place == 0 ? 40 : 10, text.count), withPad: " ", startingAt: 0)
  }.joined(separator: " | ")
}

func tableNumber(_ value: Double) -> String { String(format: "%.1e", value) }
