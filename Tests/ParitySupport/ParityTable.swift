import Foundation

/// The parity table: one line a quantity, all tensors of a kind together.
public struct ParityTable: CustomStringConvertible {
  private let comparisons: [ParityFixture.Comparison]
  /// Each part of the network has its line.
  private let byLayer: Bool

  public init(_ comparisons: [ParityFixture.Comparison], byLayer: Bool = false) {
    self.comparisons = comparisons
    self.byLayer = byLayer
  }

  public var description: String {
    let head = line("quantity", "ours", "PyTorch's", "tolerance", "nearest to its tolerance")
    let ratio = String(format: "%.1f", ratio)
    return ([head] + groups.map(line) + ["ours / PyTorch's, geometric mean over all: \(ratio)"]).joined(separator: "\n")
  }

  /// How many times PyTorch's own error ours is, in the geometric mean; neither counts as less than 2^-24.
  public var ratio: Double {
    let logarithms = comparisons.map { log(max($0.ours, 0x1p-24) / max($0.quantity.torch, 0x1p-24)) }
    return exp(logarithms.reduce(0, +) / Double(max(logarithms.count, 1)))
  }

  private struct Group {
    let name: String
    var members: [ParityFixture.Comparison]

    /// Root of the sum of squares over the tensors, relative to that of the scales.
    func total(_ error: (ParityFixture.Comparison) -> Double) -> Double {
      func norm(_ value: (ParityFixture.Comparison) -> Double) -> Double {
        members.reduce(0) { $0 + value($1) * value($1) }.squareRoot()
      }
      return norm { error($0) * $0.quantity.scale } / norm { $0.quantity.scale }
    }
  }

  /// Tensors of the network have a dot in their names.
  private var groups: [Group] {
    var groups: [Group] = []
    for comparison in comparisons {
      let words = comparison.quantity.name.split(separator: " ")
      let parts = words.last?.split(separator: ".") ?? []
      let name =
        parts.count == 1
        ? words.joined(separator: " ")
        : (words.dropLast() + (byLayer ? parts.prefix(1) : [])).joined(separator: " ")
      if let place = groups.firstIndex(where: { $0.name == name }) {
        groups[place].members.append(comparison)
      } else {
        groups.append(Group(name: name, members: [comparison]))
      }
    }
    return groups
  }

  private func line(_ group: Group) -> String {
    let nearest = group.members.max { $0.ours / $0.quantity.tolerance < $1.ours / $1.quantity.tolerance }!
    let quantity = nearest.quantity
    let tensor =
      group.members.count == 1
      ? ""
      : "\(quantity.name.split(separator: " ").last ?? "") \(number(nearest.ours)), \(number(quantity.torch)), "
        + number(quantity.tolerance)
    return line(
      group.name, number(group.total(\.ours)), number(group.total(\.quantity.torch)),
      number(group.total(\.quantity.tolerance)), tensor)
  }

  private func line(_ name: String, _ ours: String, _ theirs: String, _ tolerance: String, _ nearest: String) -> String
  {
    let columns = [(name, 32), (ours, 10), (theirs, 10), (tolerance, 10)]
    return columns.map { $0.0.padding(toLength: max($0.1, $0.0.count), withPad: " ", startingAt: 0) }
      .joined(separator: " | ") + " | " + nearest
  }

  private func number(_ value: Double) -> String { String(format: "%.1e", value) }
}
