import CBankKernels
import Platform
import Testing

@testable import MemoryBank

@Suite("The small copy")
struct SmallCopyTests {
  /// Encoded by the kernels: bytes, S and traits.
  private func encoded(_ vectors: [Float], _ centre: [Float]) -> (bytes: [UInt8], traits: ck_bank_small_traits) {
    let (dimension, stride) = (centre.count, SmallCopy.stride(dimension: centre.count))
    var bytes = [UInt8](repeating: 1, count: vectors.count / dimension * stride + 64)
    var traits = ck_bank_small_traits()
    _ = ck_bank_small_strip(vectors, vectors.count / dimension, centre, dimension, stride, &bytes, &traits)
    return (bytes, traits)
  }

  @Test("Products of bytes are those of whole numbers, for any dimension, and number of rows and queries")
  func products() {
    let lanes = Panels.lanes
    for stride in [4, 8, 12, 28, 32, 36, 60, 64, 68, 124, 200, 896, 65536] {
      for (rows, queries) in [(1, 1), (3, 32), (4, 31), (5, 2), (8, 1), (32, 32)] where stride < 1000 || rows < 4 {
        let random = CounterRandom(seed: 1, name: "bytes", UInt64(stride), UInt64(rows))
        // The extremes among them, which would overflow 16 bits.
        func byte(_ index: Int) -> UInt8 {
          let drawn = random.index(UInt64(index), below: 400)
          return drawn > 300 ? 255 : drawn > 255 ? 1 : UInt8(max(1, drawn))
        }
        let bytes = (0..<(rows * stride + 64)).map(byte)
        let codes = (0..<(queries * stride)).map { byte(1_000_000 + $0) }
        var panel = [Int8](repeating: 1, count: stride * lanes)
        ck_bank_small_panel(codes, queries, stride, &panel)
        var tile = [Int32](repeating: -1, count: rows * lanes)
        ck_bank_small_products(bytes, rows, stride, panel, &tile)
        for query in 0..<queries {
          let whole = (0..<stride).map { Int(codes[query * stride + $0]) - 128 }
          let expected = (0..<rows).map { row in
            Int32(truncatingIfNeeded: (0..<stride).reduce(0) { $0 + Int(bytes[row * stride + $1]) * whole[$1] })
          }
          #expect((0..<rows).map { tile[$0 * lanes + query] } == expected, "S \(stride), M \(rows), Q \(queries)")
          var single = whole.map { Int8($0) } + [Int8](repeating: 0, count: (stride + 63) / 64 * 64 - stride)
          single.reserveCapacity(single.count + 64)
          var products = [Int32](repeating: -1, count: rows)
          ck_bank_small_row_products(bytes, rows, stride, single, &products)
          #expect(products == expected, "S \(stride), M \(rows), Q \(queries)")
        }
        for lane in queries..<lanes { #expect((0..<rows).allSatisfy { tile[$0 * lanes + lane] == 0 }) }
      }
    }
  }

  @Test("What is said of a vector beside its bytes is true", arguments: [1, 3, 16, 37, 200])
  func traits(dimension: Int) {
    for (name, rows, _) in hardCases(dimension) where !["long", "far too long"].contains(name) {
      let centre = Array(rows[(5 * dimension)..<(6 * dimension)])
      let strip = Array(rows[..<(32 * dimension)])
      let (bytes, traits) = encoded(strip, centre)
      let stride = SmallCopy.stride(dimension: dimension)
      for row in 0..<32 {
        let (scale, residual, length, half) = traits.of(row)
        let x = (0..<dimension).map { Double(strip[row * dimension + $0]) - Double(centre[$0]) }
        let code = (0..<dimension).map { Double(bytes[row * stride + $0]) - 128 }
        let (near, off) = (code.map { $0 * Double(scale) }, zip(x, code).map { $0 - $1 * Double(scale) })
        func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
        #expect(code.allSatisfy { abs($0) <= 127 })
        #expect(square(off).squareRoot() <= Double(residual), "\(name)")
        #expect(square(near).squareRoot() <= Double(length), "\(name)")
        #expect(Double(half) <= square(x) / 2, "\(name)")
        // And not much more than true.
        #expect(Double(residual) <= square(off).squareRoot() + 1e-3 * square(x).squareRoot() + 0x1p-59, "\(name)")
        #expect((dimension..<stride).allSatisfy { bytes[row * stride + $0] == 128 })
      }
    }
  }

  @Test("Rows that are not finite, or far too long, have no copy")
  func refused() {
    for value in [Float.nan, .infinity, -.infinity, 1e30, 1e7] {
      for place in [0, 17, 40 * 33 + 32] {
        var rows = unitRows(41, 33)
        rows[place] = value
        let copy = rows.withUnsafeBufferPointer { SmallCopy($0, dimension: 33, workers: Workers(count: 2)) }
        #expect(copy == nil)
      }
    }
  }

  @Test(
    "A search by way of a small copy finds what the clear one finds, whatever the rows", arguments: [8, 33, 200],
    [SearchMetric.dotProduct, .euclidean])
  func searches(dimension: Int, metric: SearchMetric) {
    var answered = 0
    for (name, rows, queries) in hardCases(dimension) {
      for (ranks, workers) in [(1, 1), (2, 2)] {
        for var bank in shards(rows, dimension: dimension, ranks: ranks, workers: workers) {
          bank.smallCopyUse = .always
          for (k, count) in [(1, 9), (10, 1), (100, 9), (1499, 3), (10, 40)] {
            let asked = (0..<count).flatMap {
              queries[($0 % (queries.count / dimension) * dimension)...].prefix(dimension)
            }
            for excluding in [nil, (0..<count).map { 30 * $0 }] {
              let found = bank.candidates(asked[...], k: k, excluding: excluding?[...], by: metric)
              let (expected, small) = asked.withUnsafeBufferPointer {
                let k = min(k, bank.ownedRows.count)
                return (
                  bank.clearCandidates($0, k: k, excluding: excluding, by: metric),
                  bank.smallCandidates($0, k: k, excluding: excluding, by: metric)
                )
              }
              #expect(found.neighbours == expected.neighbours, "\(name), K \(k), Q \(count)")
              if let small {
                answered += 1
                #expect(small.neighbours == expected.neighbours, "\(name), K \(k), Q \(count)")
              } else {
                #expect(name != "random", "K \(k), Q \(count)")
              }
            }
          }
        }
      }
    }
    #expect(answered > 100)
  }

  @Test("Shards without rows, and of fewer than there are neighbours, are searched")
  func smallShards() throws {
    let (rows, queries) = (unitRows(20, 12), unitRows(3, 12, seed: 5))
    for ranks in [1, 2, 4] {
      let parts = shards(rows, dimension: 12, ranks: ranks).map { bank in
        var bank = bank
        bank.smallCopyUse = .always
        return bank.candidates(queries[...], k: 30, excluding: nil, by: .euclidean).packed
      }
      let whole = shards(rows, dimension: 12, ranks: 1)[0]
      let expected = queries.withUnsafeBufferPointer {
        whole.clearCandidates($0, k: 20, excluding: nil, by: .euclidean)
      }
      #expect(try Candidates.merge(parts, queries: 3, k: 30).flatMap { $0 } == expected.neighbours)
    }
  }

  @Test("A copy is made once it pays, and not of few rows")
  func whenItPays() {
    func madeAfter(_ rows: Int, use: SmallCopyUse, queries: Int) -> Int? {
      let dimension = 64
      var bank = shards(unitRows(rows, dimension), dimension: dimension, ranks: 1)[0]
      bank.smallCopyUse = use
      let asked = unitRows(queries, dimension, seed: 2)
      return (1...12).first { _ in
        asked.withUnsafeBufferPointer { bank.smallCandidates($0, k: 5, excluding: nil, by: .euclidean) != nil }
      }
    }
    #expect(madeAfter(4100, use: .automatic, queries: 1) == 9)
    #expect(madeAfter(4100, use: .automatic, queries: 96) == 3)
    #expect(madeAfter(4000, use: .automatic, queries: 1) == nil)
    #expect(madeAfter(100, use: .always, queries: 1) == 1)
    #expect(madeAfter(4100, use: .never, queries: 1) == nil)
  }

  @Test("A bank whose rows change searches those that it has now")
  func changes() {
    let dimension = 12
    let rows = unitRows(100, dimension)
    var bank = shards(rows, dimension: dimension, ranks: 1)[0]
    bank.smallCopyUse = .always
    let query = unitRows(1, dimension, seed: 7)
    func nearest(_ bank: MemoryBank) -> Int {
      bank.candidates(query[...], k: 1, excluding: nil, by: .euclidean).neighbours[0].index
    }
    let before = (nearest(bank), bank)
    let place = before.0 == 40 ? 41 : 40
    bank.replace(imageIndices: [place], rows: query)
    #expect(nearest(bank) == place)
    #expect(nearest(before.1) == before.0)
  }
}

extension ck_bank_small_traits {
  fileprivate func of(_ row: Int) -> (scale: Float, residual: Float, length: Float, half: Float) {
    func value(_ values: some Any) -> Float { withUnsafeBytes(of: values) { $0.bindMemory(to: Float.self)[row] } }
    return (value(scales), value(residuals), value(lengths), value(half_squares))
  }
}
