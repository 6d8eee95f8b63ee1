/// The comparisons in double of one search: what the total order is made of.
struct ExactComparison {
  /// (Q, D).
  let queries: UnsafePointer<Float>
  /// (M, D).
  let rows: UnsafePointer<Float>
  /// D.
  let dimension: Int
  let metric: SearchMetric
  /// (M), where they are known: the rows' squares in double.
  var squares: UnsafePointer<Double>?

  /// These rows in the total order, best first.
  func neighbours(of query: Int, _ numbers: UnsafePointer<Int32>, _ count: Int) -> [Neighbour] {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { similarities in
      metric.compare(
        queries + query * dimension, rows, numbers, count, dimension: dimension, squares: squares,
        into: similarities.baseAddress!)
      var neighbours = (0..<count).map { Neighbour(similarity: similarities[$0], index: Int(numbers[$0])) }
      neighbours.sort { $0.precedes($1) }
      return neighbours
    }
  }
}
