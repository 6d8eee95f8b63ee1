import Foundation
import MemoryBank
import Platform
import Radiographs

/// The memory bank's mathematics, clear and slow: the whole bank in one place, in double.
struct ReferenceBank {
  /// N rows of D.
  let rows: [[Double]]

  init(_ values: [Float], dimension: Int) {
    rows = Self.rows(of: values, dimension: dimension)
  }

  static func rows(of values: [Float], dimension: Int) -> [[Double]] {
    stride(from: 0, to: values.count, by: dimension).map { values[$0..<($0 + dimension)].map(Double.init) }
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// -log of the sum of p_ij over `targets`.
  func loss(_ embedding: [Double], targets: [Int], temperature: Double) -> Double {
    let exponents = rows.map { Self.dot(embedding, $0) / temperature }
    return Self.logSumExp(exponents) - Self.logSumExp(targets.map { exponents[$0] })
  }

  /// H_i = -sum_j p_ij log p_ij with z_i = m_i.
  func entropy(_ row: Int, temperature: Double) -> Double {
    let exponents = rows.map { Self.dot(rows[row], $0) / temperature }
    let all = Self.logSumExp(exponents)
    return exponents.reduce(0) { $0 - exp($1 - all) * ($1 - all) }
  }

  /// The K nearest rows in the total order, by sorting all of them.
  func nearest(_ query: [Double], k: Int, excluding: Int?, by metric: SearchMetric) -> [Neighbour] {
    nearest(query, k: k, by: metric) { $0 != excluding }
  }

  func nearest(_ query: [Double], k: Int, by metric: SearchMetric, isOffered: (Int) -> Bool) -> [Neighbour] {
    let square = Self.similarity(query, query)
    let all = rows.indices.filter(isOffered).map { row in
      let dot = Self.similarity(query, rows[row])
      let similarity =
        metric == .dotProduct ? dot : min(2 * dot - square - Self.similarity(rows[row], rows[row]), 0)
      return Neighbour(similarity: similarity, index: row)
    }
    return Array(all.sorted { ($1.similarity, $0.index) < ($0.similarity, $1.index) }.prefix(k))
  }

  /// What the rule makes of neighbours: from the formulas, by plain distances.
  func distance(_ query: [Double], _ nearest: [Neighbour], _ aggregation: Aggregation) -> Double {
    let distances = nearest.map { neighbour in
      zip(query, rows[neighbour.index]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    let exponents = distances.map { -$0 * $0 / (aggregation.temperature * aggregation.squaredScale) }
    let all = Self.logSumExp(exponents)
    let weights = exponents.map { exp($0 - all) }
    switch aggregation.rule {
    case .weightedDistance: return zip(weights, distances).reduce(0) { $0 + $1.0 * $1.1 }
    case .weighted:
      var aggregated = [Double](repeating: 0, count: query.count)
      for (weight, neighbour) in zip(weights, nearest) {
        for element in aggregated.indices { aggregated[element] += weight * rows[neighbour.index][element] }
      }
      return zip(query, aggregated).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    case .meanAngle:
      let angles = nearest.map { neighbour in
        let cosine =
          Self.dot(query, rows[neighbour.index])
          / (Self.dot(query, query) * Self.dot(rows[neighbour.index], rows[neighbour.index])).squareRoot()
        return acos(min(max(cosine, -1), 1)) / .pi
      }
      return angles.reduce(0, +) / Double(angles.count)
    }
  }

  /// The dot product in the order that the bank promises: 8 lanes, then a tree.
  private static func similarity(_ a: [Double], _ b: [Double]) -> Double {
    let lanes = (0..<8).map { lane in
      stride(from: lane, to: a.count, by: 8).reduce(0) { $0 + a[$1] * b[$1] }
    }
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
  }

  private static func logSumExp(_ values: [Double]) -> Double {
    let largest = values.reduce(-.infinity, max)
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}

/// Random numbers in the order in which they are asked for, equal on all ranks.
struct Draws {
  private let random: CounterRandom
  private var count: UInt64 = 0

  init(_ name: String, _ word: Int = 0) {
    random = CounterRandom(seed: 1, name: name, UInt64(word))
  }

  mutating func integer(in range: ClosedRange<Int>) -> Int {
    count += 1
    return range.lowerBound + random.index(count, below: range.count)
  }

  mutating func isTrue(one inHowMany: Int) -> Bool { integer(in: 1...inHowMany) == 1 }

  /// A vector of unit length, its direction uniform.
  mutating func unitVector(_ dimension: Int) -> [Float] {
    let values = (0..<dimension).map { _ in
      count += 1
      return random.normal(count)
    }
    let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return values.map { Float($0 / length) }
  }

  /// (count, dimension) unit vectors, around `centres` directions or, where that is 0, in any direction.
  mutating func unitVectors(_ number: Int, _ dimension: Int, around centres: Int = 0) -> [Float] {
    let middles = (0..<centres).map { _ in unitVector(dimension) }
    return (0..<number).flatMap { _ -> [Float] in
      let noise = unitVector(dimension)
      guard centres > 0 else { return noise }
      let middle = middles[integer(in: 0...(centres - 1))]
      let mixed = zip(middle, noise).map { Double($0) + 0.7 * Double($1) }
      let length = mixed.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return mixed.map { Float($0 / length) }
    }
  }

  /// A vector of small integers: many of them are equal, and many more are equally near.
  mutating func integerVector(_ dimension: Int) -> [Float] {
    (0..<dimension).map { _ in Float(integer(in: -1...1)) }
  }
}

/// A number for the bits of results, to compare runs by: FNV-1a.
struct BitHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bits: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      value = (value ^ (bits >> UInt64(shift) & 0xFF)) &* 0x100_0000_01B3
    }
  }

  mutating func add(_ values: [Double]) { for value in values { add(value.bitPattern) } }
  mutating func add(_ values: [Float]) { for value in values { add(UInt64(value.bitPattern)) } }
  mutating func add(_ values: [Int]) { for value in values { add(UInt64(bitPattern: Int64(value))) } }
}
