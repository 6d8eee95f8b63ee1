public import MPI

/// Sums over all ranks that have the same bits whoever adds what, and in whatever order.
///
///     var sums = ExactSum(count: 3, scale: .loss, terms: images)
///     sums.add(loss, at: 0)
///     try sums.allReduce(communicator)   // all ranks
///     guard sums.faults == 0 else { ... }
///     let total = sums[0]
///
/// A value that is not finite or too large adds nothing and is counted instead; the count travels with the sums, so
/// that all ranks see it.
public struct ExactSum: Sendable {
  public let scale: FixedPoint
  /// How many terms each sum gets at most, over all ranks.
  public let terms: Int
  /// How many sums there are.
  public var count: Int { elements.count - 1 }
  /// The sums, then the count of faults.
  private var elements: [Int64]

  /// `count` sums of nothing, which are 0.
  public init(count: Int, scale: FixedPoint, terms: Int) {
    precondition(terms > 0, "terms is \(terms), expected 1 or more")
    self.scale = scale
    self.terms = terms
    self.elements = [Int64](repeating: 0, count: count + 1)
  }

  /// Values that were not finite or beyond `scale.limit(terms:)`: after `allReduce`, those of all ranks.
  public var faults: Int { Int(elements[count]) }

  /// One sum so far, rounded once.
  public subscript(index: Int) -> Double {
    precondition((0..<count).contains(index), "sum \(index) of \(count)")
    return scale.decode(elements[index])
  }

  /// All sums so far, rounded once each.
  public var values: [Double] { elements.dropLast().map(scale.decode) }

  /// Adds one term to one sum. Local.
  public mutating func add(_ value: Double, at index: Int) {
    precondition((0..<count).contains(index), "sum \(index) of \(count)")
    if let term = scale.encode(value, terms: terms) {
      elements[index] &+= term
    } else {
      elements[count] += 1
    }
  }

  /// Adds `values[i]` to sum i, for all of them. Local.
  public mutating func add(_ values: UnsafeBufferPointer<Float>) {
    let count = count
    elements.withUnsafeMutableBufferPointer { elements in
      let sums = UnsafeMutableBufferPointer(rebasing: elements[..<count])
      elements[count] += Int64(scale.accumulate(values, into: sums, terms: terms))
    }
  }

  /// Adds `values[i]` to sum i, for all of them. Local.
  public mutating func add(_ values: UnsafeBufferPointer<Double>) {
    let count = count
    elements.withUnsafeMutableBufferPointer { elements in
      let sums = UnsafeMutableBufferPointer(rebasing: elements[..<count])
      elements[count] += Int64(scale.accumulate(values, into: sums, terms: terms))
    }
  }

  /// Adds up the sums and the faults of all ranks (`MPI_Allreduce`). All ranks; once.
  public mutating func allReduce(_ communicator: Communicator) throws(MPIError) {
    try communicator.allReduce(&elements, .sum)
  }
}
