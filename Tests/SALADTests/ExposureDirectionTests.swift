import Platform
import Testing

@testable import SALAD

@Suite("Direction of exposure")
struct ExposureDirectionTests {
  @Test("The principal axis is the direction that rows were stretched along", arguments: [2, 5, 40])
  func axis(features: Int) {
    let random = CounterRandom(seed: 1, name: "axis")
    let direction = (0..<features).map { random.normal(UInt64($0)) }
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // 10 along the direction, 0.1 across it: the axis is off by about a hundredth at most.
    let rows = (0..<200).flatMap { row -> [Float] in
      let along = 10 * random.normal(UInt64(1000 + row))
      return (0..<features).map { index in
        Float(along * direction[index] / length + 0.1 * random.normal(UInt64(10_000 + row * features + index)))
      }
    }
    let axis = ExposureDirection.principalAxis(of: rows, count: features)
    let cosine = zip(axis, direction).reduce(0) { $0 + $1.0 * $1.1 } / length
    #expect(abs(abs(cosine) - 1) < 1e-3)
    #expect(abs(axis.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
  }

  @Test("Rows that are not moved have no axis, and lose nothing")
  func nothing() {
    let axis = ExposureDirection.principalAxis(of: [Float](repeating: 0, count: 12), count: 4)
    #expect(axis == [0, 0, 0, 0])
    var features: [Float] = [1, 2, 3, 4]
    ExposureDirection(axis: axis, damping: 1).damp(&features)
    #expect(features == [1, 2, 3, 4])
  }

  @Test("Damping takes its share of the axis out of each row and leaves what lies across", arguments: [0, 0.5, 1])
  func damping(share: Double) {
    var features: [Float] = [3, 4, 1, 8, -4, 2]
    ExposureDirection(axis: [0, 1, 0], damping: share).damp(&features)
    #expect(features == [3, 4 * Float(1 - share), 1, 8, -4 * Float(1 - share), 2])
  }
}
