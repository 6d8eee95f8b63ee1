import CBankKernels
import Foundation
import Platform
import Radiographs
import Testing

@testable import MemoryBank

// s = similarity, x = (s - maximum) / temperature, e = exp(x)

/// The C kernels' clear versions, bit for bit, whichever version of a kernel this CPU runs.
private enum Clear {
  static func exponential(_ x: Double) -> Double {
    let n = (x * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
    let r = multiplyAdd(n, -0x1.62e42fefa39efp-1, x)
    // Taylor's series, from 1 / 11! down to 1 / 0!.
    let factorials = (1...11).reduce(into: [1.0]) { $0.append($0[$0.count - 1] * Double($1)) }
    let sum = factorials.reversed().dropFirst().reduce(1 / factorials[11]) { multiplyAdd($0, r, 1 / $1) }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }

  static func belowMaximum(_ similarity: Float, _ maximum: Float, _ scale: Double) -> Double {
    max(-700, (Double(similarity) - Double(maximum)) * scale)
  }

  static func fixedPoint(_ value: Double) -> Int64 { Int64((value * 0x1p40).rounded(.toNearestOrEven)) }
}

@Suite("Memory bank kernels")
struct KernelTests {
  /// Lanes of a panel.
  private let lanes = Int(CK_BANK_LANES)
  /// Rows of a tile, and temperatures from sharp to flat.
  private static let counts = [0, 1, 2, 7, 8, 9, 31, 32]
  private static let temperatures = [1e-3, 0.07, 0.1, 1, 10]

  private func numbers(_ count: Int, _ name: String = "similarities") -> [Float] {
    let random = CounterRandom(seed: 1, name: name, UInt64(count))
    return (0..<count).map { Float(random.uniform(UInt64($0), in: -1...1)) }
  }

  @Test("The exponential is right to 2^-46 of its value")
  func accuracy() {
    let random = CounterRandom(seed: 1, name: "accuracy")
    for number in 0..<100_000 {
      let x = random.uniform(UInt64(number), in: -700...0)
      // Where it is far below the resolution of the fixed point, the reduction's rounding counts |x| times.
      for x in [x / 10, x / 100, x / 1e6] {
        let expected = exp(x)
        #expect(abs(Clear.exponential(x) - expected) <= (0x1p-46 + abs(x) * 0x1p-53) * expected)
      }
    }
    #expect(Clear.exponential(0) == 1)
  }

  @Test("Similarities are chains of fused multiply-adds, for any number of rows and lanes")
  func similarities() {
    for dimension in [1, 2, 15, 16, 17, 200] {
      for rows in Self.counts where rows > 0 {
        for used in [1, 16, 31, 32] {
          let (values, embeddings) = (numbers(rows * dimension), numbers(used * dimension, "embeddings"))
          var panel = [Float](repeating: .nan, count: lanes * dimension)
          ck_bank_panel(embeddings, used, dimension, &panel)
          var tile = [Float](repeating: .nan, count: rows * lanes)
          ck_bank_similarities(values, rows, dimension, panel, &tile)
          for (place, found) in tile.enumerated() {
            let (row, lane) = place.quotientAndRemainder(dividingBy: lanes)
            let expected = (0..<dimension).reduce(Float(0)) {
              multiplyAdd(values[row * dimension + $1], lane < used ? embeddings[lane * dimension + $1] : 0, $0)
            }
            #expect(found == expected)
          }
        }
      }
    }
  }

  @Test("Similarities in any order are as near as the bound says, for any dimension")
  func rowSimilarities() {
    for dimension in Array(1...40) + [200, 257] {
      let (values, embedding) = (numbers(7 * dimension), numbers(dimension, "embedding"))
      var found = [Float](repeating: .nan, count: 7)
      ck_bank_row_similarities(values, 7, dimension, embedding, &found)
      for row in 0..<7 {
        let products = (0..<dimension).map { Double(values[row * dimension + $0]) * Double(embedding[$0]) }
        let size = products.reduce(0) { $0 + abs($1) }
        #expect(abs(Double(found[row]) - products.reduce(0, +)) <= Double(dimension) * 0x1p-24 * size)
      }
      let squares = (0..<7).map { row in (0..<dimension).reduce(0) { $0 + pow(Double(values[row * dimension + $1]), 2) }
      }
      var rowSquares = [Float](repeating: .nan, count: 7)
      let largest = ck_bank_row_squares(values, 7, dimension, &rowSquares)
      #expect(largest == rowSquares.max())
      for (found, square) in zip(rowSquares, squares) {
        #expect(abs(Double(found) - square) <= Double(dimension) * 0x1p-24 * square)
      }
    }
  }

  @Test("The largest square is infinite when a value is not finite or a square overflows")
  func squares() {
    for damage in [Float.nan, .infinity, -.infinity, 1e30] {
      for place in [0, 199, 200, 650, 999] {
        var values = numbers(1000)
        values[place] = damage
        var squares = [Float](repeating: 0, count: 5)
        #expect(ck_bank_row_squares(values, 5, 200, &squares) == .infinity)
      }
    }
    var none: [Float] = []
    #expect(ck_bank_row_squares([], 0, 200, &none) == 0)
  }

  @Test("Sums of exponentials are the clear version's, bit for bit")
  func sums() {
    for rows in Self.counts {
      let tile = numbers(rows * lanes)
      let maxima = (0..<lanes).map { lane in (0..<rows).reduce(Float(-1)) { max($0, tile[$1 * lanes + lane]) } }
      for temperature in Self.temperatures {
        let scale = 1 / temperature
        func expected(_ maxima: [Float], _ places: [Int], _ term: (Double) -> Double) -> Int64 {
          places.reduce(5) { sum, place in
            sum + Clear.fixedPoint(term(Clear.belowMaximum(tile[place], maxima[place % lanes], scale)))
          }
        }
        let weight = { (x: Double) in -x * Clear.exponential(x) }
        let columns = (0..<lanes).map { lane in (0..<rows).map { $0 * lanes + lane } }
        let tileRows = (0..<rows).map { row in (0..<lanes).map { row * lanes + $0 } }

        var sums = [Int64](repeating: 5, count: lanes)
        ck_bank_exponential_sums(tile, rows, maxima, scale, &sums)
        #expect(sums == columns.map { expected(maxima, $0, Clear.exponential) })
        var (again, weighted) = ([Int64](repeating: 5, count: lanes), [Int64](repeating: 5, count: lanes))
        ck_bank_entropy_sums(tile, rows, maxima, scale, &again, &weighted)
        #expect(again == sums)
        #expect(weighted == columns.map { expected(maxima, $0, weight) })

        let ones = [Float](repeating: 1, count: lanes)
        var (laneSums, laneWeighted) = ([Int64](repeating: 5, count: lanes), [Int64](repeating: 5, count: lanes))
        var (rowSums, rowWeighted) = ([Int64](repeating: 5, count: rows), [Int64](repeating: 5, count: rows))
        ck_bank_pair_sums(tile, rows, scale, &laneSums, &laneWeighted, &rowSums, &rowWeighted)
        #expect(laneSums == columns.map { expected(ones, $0, Clear.exponential) })
        #expect(laneWeighted == columns.map { expected(ones, $0, weight) })
        #expect(rowSums == tileRows.map { expected(ones, $0, Clear.exponential) })
        #expect(rowWeighted == tileRows.map { expected(ones, $0, weight) })
      }
    }
  }

  @Test("Probabilities are the clear version's, bit for bit")
  func probabilities() {
    let tile = numbers(32 * lanes)
    let maxima = (0..<lanes).map { lane in (0..<32).reduce(Float(-1)) { max($0, tile[$1 * lanes + lane]) } }
    let inverses = (0..<lanes).map { 1 / Double($0 + 2) }
    for temperature in Self.temperatures {
      var found = tile
      ck_bank_probabilities(&found, 32, maxima, 1 / temperature, inverses)
      let expected = tile.enumerated().map { place, similarity in
        Float(
          Clear.exponential(Clear.belowMaximum(similarity, maxima[place % lanes], 1 / temperature))
            * inverses[place % lanes])
      }
      #expect(found == expected)
    }
  }

  @Test("A sum of exponentials agrees with the library's to its resolution")
  func library() {
    let tile = numbers(32 * lanes)
    for temperature in Self.temperatures {
      var sums = [Int64](repeating: 0, count: lanes)
      ck_bank_exponential_sums(tile, 32, [Float](repeating: 1, count: lanes), 1 / temperature, &sums)
      for lane in 0..<lanes {
        let expected = (0..<32).reduce(0) { $0 + exp((Double(tile[$1 * lanes + lane]) - 1) / temperature) }
        #expect(abs(Double(sums[lane]) * 0x1p-40 - expected) <= 32 * 0x1p-41 + 0x1p-45 * expected)
      }
    }
  }

  @Test("The maxima are the largest finite values, and the others are counted in lanes that are used")
  func maxima() {
    for rows in Self.counts where rows > 0 {
      let tile = numbers(rows * lanes)
      for damage in [Float.nan, .infinity, -.infinity] {
        var damaged = tile
        damaged[(rows - 1) * lanes + 3] = damage
        damaged[20] = damage
        var found = [Float](repeating: -.infinity, count: lanes)
        #expect(ck_bank_maxima(damaged, rows, 20, &found) == 1)
        for lane in 0..<lanes {
          let finite = (0..<rows).map { damaged[$0 * lanes + lane] }.filter(\.isFinite)
          #expect(found[lane] == finite.max() ?? -.infinity)
        }
      }
    }
  }

  @Test("The maximum of zeros is 0, never -0, wherever it stands")
  func zeros() {
    for place in [0, 5, 31] {
      var tile = [Float](repeating: -0.0, count: 32 * lanes)
      tile[place * lanes] = 0
      var found = [Float](repeating: -.infinity, count: lanes)
      #expect(ck_bank_maxima(tile, 32, lanes, &found) == 0)
      #expect(found.allSatisfy { $0 == 0 && $0.sign == .plus })
    }
  }

  @Test("Weighted rows are the clear version's, bit for bit, and what is out of range is counted")
  func weightedRows() {
    for padded in [16, 32, 208] {
      let (coefficients, rows) = (numbers(16 * lanes), numbers(16 * padded, "rows"))
      var sums = [Int64](repeating: 9, count: lanes * padded)
      #expect(ck_bank_weighted_sums(coefficients, rows, padded, 97, &sums) == 0)
      for (place, sum) in sums.enumerated() {
        let (lane, element) = place.quotientAndRemainder(dividingBy: padded)
        let product = (0..<16).reduce(Float(0)) {
          multiplyAdd(coefficients[$1 * lanes + lane], rows[$1 * padded + element], $0)
        }
        #expect(sum == 9 + Int64((Double(product) * 0x1p43).rounded(.toNearestOrEven)))
      }
      var large = rows
      large[3] = .nan
      large[5] = 1e6
      var others = [Int64](repeating: 9, count: lanes * padded)
      #expect(ck_bank_weighted_sums(coefficients, large, padded, 97, &others) == 2 * Int64(lanes))
      for place in others.indices {
        #expect(others[place] == (place % padded == 3 || place % padded == 5 ? 9 : sums[place]))
      }
    }
  }

  @Test("Dot products in double are the clear version's, bit for bit, for any dimension")
  func dots() {
    for dimension in Array(1...40) + [200, 257, 1000] {
      let (rows, embedding) = (unitRows(11, dimension), unitRows(1, dimension, seed: 2))
      let numbers = [0, 10, 3, 3, 7, 9, 1].map { Int32($0) }
      var found = [Double](repeating: .nan, count: numbers.count)
      ck_bank_dots(embedding, rows, numbers, numbers.count, dimension, &found)
      let expected = numbers.map { row in
        DotProduct.clear(embedding, Array(rows[(Int(row) * dimension)..<((Int(row) + 1) * dimension)]))
      }
      #expect(found == expected)
    }
  }

  @Test("Shortlists take what is not below their cutoff")
  func shortlists() {
    let (rows, capacity) = (9, 64)
    var tile = numbers(rows * lanes)
    tile[5 * lanes + 7] = .nan
    let cutoffs = numbers(lanes, "cutoffs")
    func take(_ list: Int, _ places: [Int]) -> [Int32] {
      places.indices.filter { !(tile[places[$0]] < cutoffs[list]) }.map { Int32($0) }
    }
    let size = lanes * capacity
    var (values, numbers) = ([Float](repeating: 0, count: size), [Int32](repeating: 0, count: size))
    var counts = [Int32](repeating: 1, count: lanes)
    let most = ck_bank_shortlist_lanes(tile, rows, 100, cutoffs, capacity, &values, &numbers, &counts)
    #expect(most == counts.max())
    for lane in 0..<lanes {
      let expected = take(lane, (0..<rows).map { $0 * lanes + lane })
      let found = (lane * capacity + 1)..<(lane * capacity + Int(counts[lane]))
      #expect(numbers[found].map { $0 - 100 } == expected)
      #expect(zip(values[found], expected).allSatisfy { $0 == tile[Int($1) * lanes + lane] || $0.isNaN })
      let alone = (0..<rows).map { tile[$0 * lanes + lane] }
      let count = ck_bank_shortlist(alone, rows, 100, cutoffs[lane], &values, &numbers, 0)
      #expect(numbers[..<Int(count)].map { $0 - 100 } == expected)
    }
    counts = [Int32](repeating: 1, count: lanes)
    #expect(
      ck_bank_shortlist_rows(tile, rows, 100, cutoffs, capacity, &values, &numbers, &counts) == counts[..<rows].max())
    for row in 0..<rows {
      let found = (row * capacity + 1)..<(row * capacity + Int(counts[row]))
      #expect(numbers[found].map { $0 - 100 } == take(row, (0..<lanes).map { row * lanes + $0 }))
    }
  }

  @Test("A lower bound has k values or more that are not below it, and few more unless they are equal")
  func lowerBound() {
    for number in 0..<500 {
      let random = CounterRandom(seed: 1, name: "bound", UInt64(number))
      let count = 1 + random.index(0, below: 200)
      let k = 1 + random.index(1, below: count)
      let levels = number % 2 == 0 ? 1 << 30 : 5
      let values = (0..<count).map { Float(random.index(UInt64(2 + $0), below: levels)) - 2 }
      let bound = ck_bank_lower_bound(values, count, k)
      let kth = values.sorted(by: >)[k - 1]
      let found = values.count { $0 >= bound }
      #expect(found >= k && (bound == kth || found <= k + k / 8))
      var (kept, numbers) = (values, (0..<Int32(count)).map { $0 })
      #expect(ck_bank_keep(&kept, &numbers, Int32(count), bound) == Int32(found))
      #expect(numbers[..<found].allSatisfy { values[Int($0)] >= bound })
      #expect(zip(numbers[..<found], kept).allSatisfy { values[Int($0)] == $1 })
    }
  }
}
