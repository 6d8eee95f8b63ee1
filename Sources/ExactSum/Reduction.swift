/// How gradients are summed over the ranks.
public enum Reduction: String, Codable, Sendable, CaseIterable {
  /// In fixed point: the number of ranks changes no bit.
  case exact
  /// In 32-bit floating point: two thirds of the bytes, and the last bits depend on the number of ranks.
  case float32
  /// Rounded to bfloat16 (8 significant bits) on the way: a third of the bytes, and what is rounded depends on the number
  /// of ranks.
  case bfloat16

  /// Bytes that an element takes to the rank that sums it, and its sum takes from there.
  public var bytesOnTheWire: (to: Int, from: Int) {
    switch self {
    case .exact: (8, 4)
    case .float32: (4, 4)
    case .bfloat16: (2, 2)
    }
  }

  /// Bytes that each of some ranks sends to the others, and gets from them, when `count` gradients are reduced: (P - 1) / P
  /// of all elements to the ranks that sum them, and as many sums to all others.
  public func traffic(count: Int, ranks: Int) -> Int {
    count * (ranks - 1) / ranks * (bytesOnTheWire.to + bytesOnTheWire.from)
  }
}
