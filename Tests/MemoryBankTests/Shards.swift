import CBankKernels
import Platform
import Radiographs

@testable import MemoryBank

/// (rows, dimension) unit vectors, every 5th equal to an earlier one.
func unitRows(_ rows: Int, _ dimension: Int, seed: UInt64 = 1) -> [Float] {
  (0..<rows).flatMap { row in
    let random = CounterRandom(seed: seed, name: "rows", UInt64(row % 5 == 4 ? row / 2 : row))
    return MemoryBank.normalised((0..<dimension).map { random.normal(UInt64($0)) })
  }
}

/// Banks and queries at which a filter might fail: (name, (N, D) rows, (Q, D) queries).
func hardCases(_ dimension: Int) -> [(name: String, rows: [Float], queries: [Float])] {
  let (count, queries) = (1500, unitRows(9, dimension, seed: 2))
  let rows = unitRows(count, dimension)
  func row(_ index: Int) -> ArraySlice<Float> { rows[(index * dimension)..<((index + 1) * dimension)] }
  func similarity(_ index: Int) -> Double { DotProduct.clear(Array(row(index)), Array(queries[..<dimension])) }
  let ascending = (0..<count).map { (similarity($0), $0) }.sorted { $0 < $1 }.flatMap { row($0.1) }
  let descending = (0..<count).map { (similarity($0), $0) }.sorted { $0 > $1 }.flatMap { row($0.1) }
  let equal = (0..<count).flatMap { _ in row(7) }
  // Rows that differ in the last bits: float cannot tell them apart.
  let random = CounterRandom(seed: 9, name: "nearly equal")
  let nearlyEqual = (0..<(count * dimension)).map { element in
    let value = rows[7 * dimension + element % dimension]
    return value + value.ulp * Float(random.index(UInt64(element), below: 5) - 2)
  }
  func scaled(_ factor: (Int) -> Float) -> [Float] { rows.indices.map { rows[$0] * factor($0 / dimension) } }
  return [
    ("random", rows, queries), ("ascending", ascending, queries), ("descending", descending, queries),
    ("equal", equal, queries), ("nearly equal", nearlyEqual, queries + row(7)),
    ("of many lengths", scaled { $0 % 7 == 3 ? 1000 : 0.001 * Float($0) }, queries),
    ("tiny", scaled { _ in 1e-30 }, queries), ("zero", scaled { _ in 0 }, queries),
    ("denormal", scaled { _ in 0x1p-140 }, queries), ("denormal queries", rows, queries.map { $0 * 0x1p-140 }),
    ("around a far place", rows.map { $0 * 0.01 + 30 }, queries.map { $0 * 0.01 + 30 }),
    (
      "clustered", rows.indices.map { rows[$0] * 1e-3 + rows[$0 / dimension % 4 * dimension + $0 % dimension] },
      queries + row(2)
    ),
    ("one huge", scaled { $0 == 700 ? 1e5 : 1 }, queries),
    ("long", scaled { $0 == 1400 ? 1e10 : 1 }, queries), ("far too long", scaled { $0 == 1400 ? 1e30 : 1 }, queries),
    ("long queries", rows, queries.map { $0 * 1e15 }),
  ]
}

/// The shards of `ranks` ranks of one bank, in one process, each with so many workers.
func shards(_ values: [Float], dimension: Int, ranks: Int, workers: Int = 1) -> [MemoryBank] {
  let sharding = Sharding(rows: values.count / dimension, ranks: ranks)
  return (0..<ranks).map { rank in
    let range = sharding.range(of: rank)
    return MemoryBank(
      sharding: sharding, rank: rank, dimension: dimension,
      shard: Array(values[(range.lowerBound * dimension)..<(range.upperBound * dimension)]),
      workers: Workers(count: workers))
  }
}

/// Whether this CPU's kernels round a product and the sum it goes into once: all but those for x86-64 before AVX2 do.
private let fuses: Bool = {
  // -1 + (1 + 2^-12)^2, whose last term is lost where the square is rounded first.
  let values: [Float] = [1, 1 + 0x1p-12]
  var panel = [Float](repeating: 0, count: 2 * Panels.lanes)
  var tile = [Float](repeating: 0, count: Panels.lanes)
  ck_bank_panel(values, 1, 2, &panel)
  ck_bank_similarities([-1, 1 + 0x1p-12], 1, 2, panel, &tile)
  return tile[0] == 0x1p-11 + 0x1p-24
}()

/// a * b + c as the kernels compute it.
func multiplyAdd<Number: BinaryFloatingPoint>(_ a: Number, _ b: Number, _ c: Number) -> Number {
  fuses ? c.addingProduct(a, b) : a * b + c
}
