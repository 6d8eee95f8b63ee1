import Testing

@testable import Radiographs

@Suite("Phantoms")
struct PhantomTests {
  /// The gray values of an 8-bit image.
  private func gray(_ radiograph: Radiograph) throws -> [Int] {
    guard case .eightBit(let values) = radiograph.pixels else {
      Issue.record("a phantom has 8 bits")
      return []
    }
    return values.map(Int.init)
  }

  private func phantom(
    _ index: Int = 0, seed: UInt64 = 1, split: Phantom.Split = .testAnomalous, size: Int = 64, _ anomaly: Anomaly? = nil
  ) -> Phantom {
    Phantom(seed: seed, split: split, index: index, size: size, anomaly: anomaly)
  }

  @Test("Equal questions give equal pixels; another seed, split or index gives another patient")
  func deterministic() throws {
    let first = phantom(3, .opacity)
    #expect(phantom(3, .opacity).radiograph == first.radiograph)
    #expect(phantom(3, .opacity).mask == first.mask)
    let others = [
      phantom(3), phantom(4), phantom(3, seed: 2), phantom(3, split: .train), phantom(3, split: .testNormal),
    ]
    for (index, other) in others.enumerated() {
      for another in others[(index + 1)...] { #expect(other.radiograph != another.radiograph) }
    }
  }

  @Test("A chest is bright in the middle and below, dark in the lungs and beside the neck", arguments: 0..<20)
  func anatomy(index: Int) throws {
    let size = 128
    let values = try gray(phantom(index, size: size).radiograph)
    func mean(x: ClosedRange<Double>, y: ClosedRange<Double>) -> Double {
      var (sum, count) = (0.0, 0.0)
      for row in 0..<size {
        for column in 0..<size {
          let (u, v) = (2 * (Double(column) + 0.5) / Double(size) - 1, 2 * (Double(row) + 0.5) / Double(size) - 1)
          if x.contains(u), y.contains(v) { (sum, count) = (sum + Double(values[row * size + column]), count + 1) }
        }
      }
      return sum / count
    }
    let right = mean(x: -0.5 ... -0.3, y: -0.3...0.2)
    let left = mean(x: 0.3...0.5, y: -0.4 ... -0.1)
    let heart = mean(x: 0...0.15, y: 0.1...0.3)
    let abdomen = mean(x: -0.4 ... -0.2, y: 0.75...0.95)
    let corner = mean(x: -1 ... -0.8, y: -1 ... -0.85)
    #expect(corner < right && corner < left)
    #expect(right + 30 < heart && left + 30 < heart)
    #expect(right + 50 < abdomen)
  }

  @Test("Every size shows the same patient", arguments: [32, 64, 100, 256])
  func sizes(size: Int) throws {
    let picture = phantom(1, size: size).radiograph
    #expect(picture.width == size && picture.height == size)
    let small = try gray(picture.resized(to: 32, fit: .stretch))
    let reference = try gray(phantom(1, size: 512).radiograph.resized(to: 32, fit: .stretch))
    let difference = zip(small, reference).map { abs($0 - $1) }.reduce(0, +)
    #expect(Double(difference) / Double(small.count) < 4)
  }

  @Test("An anomaly changes the picture inside its mask and nowhere else", arguments: Anomaly.allCases)
  func masks(anomaly: Anomaly) throws {
    for index in 0..<12 {
      let size = [64, 128, 256][index % 3]
      let with = phantom(index, size: size, anomaly)
      let mask = try gray(try #require(with.mask))
      let changed = zip(try gray(with.radiograph), try gray(phantom(index, size: size).radiograph)).map { abs($0 - $1) }
      #expect(mask.allSatisfy { $0 == 0 || $0 == 255 })
      let area = mask.filter { $0 > 0 }.count
      #expect(area > size * size / 400 && area < size * size / 4)

      // The same noise falls on both; blur carries a little beyond the mask.
      let reach = max(2, size / 40)
      var inside = 0
      for row in 0..<size {
        for column in 0..<size {
          let near = (max(0, row - reach)...min(size - 1, row + reach)).contains { y in
            (max(0, column - reach)...min(size - 1, column + reach)).contains { mask[y * size + $0] > 0 }
          }
          let change = changed[row * size + column]
          if !near { #expect(change <= 3) }
          if mask[row * size + column] > 0 { inside += change }
        }
      }
      // Plain enough to be seen, far from black on white.
      let mean = Double(inside) / Double(area)
      #expect(mean > 4 && mean < 110)
    }
  }

  @Test("Anomalous images are exposed as normal ones are")
  func exposure() throws {
    // The pictures without their anomalies: same distribution of the mean gray value as normal test images.
    func means(_ split: Phantom.Split) throws -> [Double] {
      try (0..<150).map { index in
        let values = try gray(phantom(index, split: split, size: 32).radiograph)
        return Double(values.reduce(0, +)) / Double(values.count)
      }
    }
    let (normal, anomalous) = (try means(.testNormal), try means(.testAnomalous))
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func deviation(_ values: [Double]) -> Double {
      let centre = mean(values)
      return mean(values.map { ($0 - centre) * ($0 - centre) }).squareRoot()
    }
    // Four standard errors.
    let error = deviation(normal) * (2.0 / 150).squareRoot()
    #expect(abs(mean(normal) - mean(anomalous)) < 4 * error)
    #expect(abs(deviation(anomalous) / deviation(normal) - 1) < 0.35)
  }
}
