import CKernels
import Foundation
import Radiographs
import Testing

// s = similarity, x = (s - maximum) / temperature, e = exp(x)

/// The C kernels' clear versions. Swift fuses no multiplication with an addition: whichever version of a kernel this CPU
/// runs, it has the bits of the steps below.
private enum Clear {
  static func exponential(_ x: Double) -> Double {
    let n = (x * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
    let r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33
    // Taylor's series, from 1 / 13! down to 1 / 0!.
    let factorials = (1...13).reduce(into: [1.0]) { $0.append($0[$0.count - 1] * Double($1)) }
    let sum = factorials.reversed().dropFirst().reduce(1 / factorials[13]) { $0 * r + 1 / $1 }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }

  static func belowMaximum(_ similarity: Float, _ maximum: Float, _ scale: Double) -> Double {
    max(-700, (Double(similarity) - Double(maximum)) * scale)
  }

  static func fixedPoint(_ value: Double) -> Int64 { Int64((value * 0x1p40).rounded(.toNearestOrEven)) }
}

@Suite("Memory bank kernels")
struct KernelTests {
  /// Counts around every vector width, and temperatures from sharp to flat.
  private static let counts = Array(0...40) + [1000, 1003]
  private static let temperatures = [1e-3, 0.07, 0.1, 1, 10]

  private func similarities(_ count: Int) -> [Float] {
    let random = CounterRandom(seed: 1, name: "similarities", UInt64(count))
    return (0..<count).map { Float(random.uniform(UInt64($0), in: -1...1)) }
  }

  @Test("The exponential is right to 2 units in the last place")
  func accuracy() {
    let random = CounterRandom(seed: 1, name: "accuracy")
    for number in 0..<100_000 {
      let x = random.uniform(UInt64(number), in: -700...0)
      for x in [x, x / 100, x / 1e6] {
        let expected = exp(x)
        #expect(abs(Clear.exponential(x) - expected) <= 2 * expected.ulp)
      }
    }
    #expect(Clear.exponential(0) == 1)
  }

  @Test("Sums of exponentials are the clear version's, bit for bit")
  func sums() {
    for count in Self.counts {
      let similarities = similarities(count)
      let maximum = similarities.max() ?? 0
      for temperature in Self.temperatures {
        let scale = 1 / temperature
        let terms = similarities.map { Clear.belowMaximum($0, maximum, scale) }
        let sum = terms.reduce(0) { $0 + Clear.fixedPoint(Clear.exponential($1)) }
        let weighted = terms.reduce(0) { $0 + Clear.fixedPoint(-$1 * Clear.exponential($1)) }
        #expect(ck_bank_exponential_sum(similarities, count, maximum, scale) == sum)
        var found: [Int64] = [-1, -1]
        ck_bank_entropy_sums(similarities, count, maximum, scale, &found)
        #expect(found == [sum, weighted])
      }
    }
  }

  @Test("Probabilities are the clear version's, bit for bit")
  func probabilities() {
    for count in Self.counts {
      let similarities = similarities(count)
      let maximum = similarities.max() ?? 0
      for temperature in Self.temperatures {
        let scale = 1 / temperature
        let exponentials = similarities.map { Clear.exponential(Clear.belowMaximum($0, maximum, scale)) }
        let inverse = 1 / exponentials.reduce(0, +)
        var found = similarities
        ck_bank_probabilities(&found, count, maximum, scale, inverse)
        #expect(found == exponentials.map { Float($0 * inverse) })
      }
    }
  }

  @Test("A sum of exponentials agrees with the library's to its resolution")
  func library() {
    let similarities = similarities(1000)
    let maximum = similarities.max() ?? 0
    for temperature in Self.temperatures {
      let expected = similarities.reduce(0) { $0 + exp((Double($1) - Double(maximum)) / temperature) }
      let found = Double(ck_bank_exponential_sum(similarities, 1000, maximum, 1 / temperature)) * 0x1p-40
      #expect(abs(found - expected) <= 1000 * 0x1p-41 + 1e-12 * expected)
    }
  }

  @Test("The maximum is the largest finite value, and the others are counted")
  func maximum() {
    for count in Self.counts {
      let values = similarities(count)
      var found: Float = 7
      #expect(ck_bank_maximum(values, count, &found) == 0)
      #expect(found == values.max() ?? -.infinity)
      for damage in [Float.nan, .infinity, -.infinity] where count > 0 {
        for place in [0, count / 2, count - 1] {
          var damaged = values
          damaged[place] = damage
          #expect(ck_bank_maximum(damaged, count, &found) == 1)
          damaged.remove(at: place)
          #expect(found == damaged.max() ?? -.infinity)
        }
      }
    }
  }

  @Test("The maximum of zeros is 0, never -0, wherever it stands")
  func zeros() {
    for place in 0..<40 {
      var values = [Float](repeating: -0.0, count: 40)
      values[place] = 0
      var found: Float = 7
      #expect(ck_bank_maximum(values, 40, &found) == 0)
      #expect(found == 0 && found.sign == .plus)
      #expect(ck_bank_maximum([Float](repeating: -0.0, count: 40), 40, &found) == 0)
      #expect(found.sign == .plus)
    }
  }

  @Test("Widening pads with zeros and counts what is not finite")
  func widen() {
    var wide = [Double](repeating: 7, count: 16)
    #expect(ck_bank_widen([1, -2, 3, 4, .nan, .infinity], 2, 3, 8, &wide) == 2)
    #expect(Array(wide[..<8]) == [1, -2, 3, 0, 0, 0, 0, 0])
    #expect(wide[8] == 4 && wide[9].isNaN && wide[10] == .infinity && wide[11...].allSatisfy { $0 == 0 })
  }
}
