import CBankKernels

// K = rows looked for, C = capacity

/// For each of many lists, the rows that may still be among its K best, by similarities in float.
///
/// A similarity in float is off by at most a bound e. So when K rows have a similarity of at least v in float, the K-th
/// best has one of at least v - e in truth, and a row that is below v - 2 e in float is not among the K best, whatever
/// the rounding. `margins` are e, `bounds` are v - e, `cutoffs` are v - 2 e.
///
/// Rows are appended without order until a list is full, and only then the worst are struck off: that costs less than
/// a heap, and it costs the same in any order of rows.
final class Shortlists {
  /// Rows appended between two calls of `makeRoom`.
  static let strip = 32
  /// What any similarity of rows of moderate length exceeds.
  static let nothing = -Float.greatestFiniteMagnitude

  /// K.
  let k: Int
  /// C.
  let capacity: Int
  let count: Int
  /// (count, C): similarities, and the rows they belong to.
  let values: Scratch<Float>
  let numbers: Scratch<Int32>
  /// One for each list.
  let counts: Scratch<Int32>
  let margins: Scratch<Float>
  let bounds: Scratch<Float>
  let cutoffs: Scratch<Float>

  /// - Parameter capacity: nil: K three times over, and two strips.
  init(count: Int, k: Int, capacity: Int? = nil) {
    self.k = k
    self.count = count
    let capacity = capacity ?? 3 * k + 2 * Self.strip
    self.capacity = capacity
    values = Scratch(count: count * capacity)
    numbers = Scratch(count: count * capacity)
    counts = Scratch(repeating: 0, count: count)
    margins = Scratch(repeating: 0, count: count)
    bounds = Scratch(repeating: Self.nothing, count: count)
    cutoffs = Scratch(repeating: Self.nothing, count: count)
  }

  /// One list of what several have in the same place.
  convenience init(joining lists: [Shortlists], _ list: Int) {
    self.init(
      count: 1, k: lists[0].k, capacity: lists.reduce(0) { $0 + Int($1.counts.elements[list]) })
    for part in lists {
      setMargin(max(margins.elements[0], part.margins.elements[list]), of: 0)
      append(part, list, to: 0)
    }
  }

  /// The bound e of a similarity in float of D elements, per unit of both lengths.
  ///
  /// A chain of D fused multiply-adds is off by at most D u / (1 - D u) |z| |m|, u = 2^-24 (Higham, "Accuracy and
  /// Stability of Numerical Algorithms", section 3.1), any other order of them by no more. Twice that leaves room for
  /// lengths and bounds in float, and for the similarity in double, which is rounded too.
  static func error(dimension: Int) -> Double { 2 * Double(dimension + 8) * 0x1p-24 }

  /// The largest count of a list that has room for another strip.
  var most: Int { capacity - Self.strip }

  func setMargin(_ margin: Float, of list: Int) {
    margins.elements[list] = margin
    cutoffs.elements[list] = bounds.elements[list] - margin
  }

  /// At least K rows of this list are known to have a similarity of `bound` or more.
  func raise(_ list: Int, to bound: Float) {
    bounds.elements[list] = max(bounds.elements[list], bound)
    cutoffs.elements[list] = bounds.elements[list] - margins.elements[list]
  }

  /// Nothing is appended to this list any more.
  func close(_ list: Int) {
    counts.elements[list] = 0
    bounds.elements[list] = .infinity
    cutoffs.elements[list] = .infinity
  }

  func isClosed(_ list: Int) -> Bool { bounds.elements[list] == .infinity }

  /// Whether so many more fit into a list, once it is shortened if need be.
  func hasRoom(for more: Int, in list: Int) -> Bool {
    if Int(counts.elements[list]) + more > capacity { shorten(list) }
    return Int(counts.elements[list]) + more <= capacity
  }

  /// This list, empty, after `other`'s list of the same rows looked for.
  func restart(_ list: Int, as other: Shortlists, _ otherList: Int) {
    counts.elements[list] = 0
    margins.elements[list] = other.margins.elements[otherList]
    bounds.elements[list] = other.bounds.elements[otherList]
    cutoffs.elements[list] = other.cutoffs.elements[otherList]
  }

  /// Strikes off what cannot be among the K best. K or a few more are left, or all of those that are too near to tell.
  func shorten(_ list: Int) {
    let count = Int(counts.elements[list])
    guard count > k else { return }
    let (values, numbers) = (values.elements + list * capacity, numbers.elements + list * capacity)
    raise(list, to: ck_bank_lower_bound(values, count, k) - margins.elements[list])
    counts.elements[list] = ck_bank_keep(values, numbers, Int32(count), cutoffs.elements[list])
  }

  /// Shortens those of `lists` that have no room for a strip; calls `full` where that leaves no room either.
  func makeRoom(_ lists: Range<Int>, full: (Int) -> Void) {
    for list in lists where Int(counts.elements[list]) > most {
      shorten(list)
      if Int(counts.elements[list]) > most { full(list) }
    }
  }

  /// Appends what `other`'s list holds, and takes over its bound. There must be room.
  func append(_ other: Shortlists, _ otherList: Int, to list: Int) {
    let (source, target) = (other.entries(otherList), entries(list))
    precondition(target.count + source.count <= capacity, "\(target.count) + \(source.count) of \(capacity)")
    (target.values + target.count).update(from: source.values, count: source.count)
    (target.numbers + target.count).update(from: source.numbers, count: source.count)
    counts.elements[list] += Int32(source.count)
    raise(list, to: other.bounds.elements[otherList])
  }

  /// Similarities and rows of a list.
  func entries(_ list: Int) -> (values: UnsafeMutablePointer<Float>, numbers: UnsafeMutablePointer<Int32>, count: Int) {
    (values.elements + list * capacity, numbers.elements + list * capacity, Int(counts.elements[list]))
  }
}
