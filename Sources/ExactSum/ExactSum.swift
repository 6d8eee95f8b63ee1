public import MPI

/// Sums over all ranks that have the same bits whoever adds what, and in whatever order.
///
///     var sums = ExactSum(count: 3, scale: .loss)
///     sums.add(values, at: 0, terms: images)   // three more terms
///     try sums.allReduce(communicator)   // all ranks
///     guard sums.faults == 0 else { ... }
///     let total = sums[0]
///
/// A value that is not finite or too large adds nothing and is counted instead; the count travels with the sums, so
/// that all ranks see it.
public struct ExactSum: Sendable {
  public let scale: FixedPoint
  /// The sums, then the count of faults.
  private(set) var elements: [Int64]

  /// `count` sums of nothing, which are 0.
  public init(count: Int, scale: FixedPoint) {
    self.init([Int64](repeating: 0, count: count), scale: scale)
  }

  /// Sums that somebody else has added up in `scale`, who met `faults` values that could not be added.
  public init(_ sums: [Int64], faults: Int64 = 0, scale: FixedPoint) {
    self.scale = scale
    elements = sums
    elements.append(faults)
  }

  /// How many sums there are.
  public var count: Int { elements.count - 1 }

  /// Values that were not finite or too large: after `allReduce`, those of all ranks.
  public var faults: Int64 { elements[count] }

  /// One sum so far, rounded once.
  public subscript(index: Int) -> Double {
    precondition((0..<count).contains(index), "sum \(index) of \(count)")
    return scale.decode(elements[index])
  }

  /// All sums so far, rounded once each.
  public var values: [Double] { elements.dropLast().map(scale.decode) }

  /// Adds `values[i]` to sum `first` + i, for all of them. Local.
  ///
  /// - Parameter terms: how many terms each of these sums gets at most, over all ranks: a value is a fault beyond
  ///   `scale.limit(terms:)`.
  public mutating func add(_ values: UnsafeBufferPointer<Double>, at first: Int, terms: Int) {
    let count = count
    precondition(0 <= first && first + values.count <= count, "\(values.count) values from sum \(first) of \(count) on")
    elements.withUnsafeMutableBufferPointer { elements in
      let sums = UnsafeMutableBufferPointer(rebasing: elements[first..<first + values.count])
      elements[count] += Int64(scale.accumulate(values, into: sums, terms: terms))
    }
  }

  /// Adds up the sums and the faults of all ranks (`MPI_Allreduce`). All ranks; once.
  public mutating func allReduce(_ communicator: Communicator) throws(MPIError) {
    try communicator.allReduce(&elements, .sum)
  }
}
