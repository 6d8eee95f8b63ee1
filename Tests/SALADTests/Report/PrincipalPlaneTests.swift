import Testing

@testable import SALAD

@Suite("Principal plane")
struct PrincipalPlaneTests {
  /// A cheap generator of numbers in -1...1.
  private func noise(_ index: Int) -> Double { Double((index &* 2_654_435_761) & 0xFFFF) / 32_768 - 1 }

  @Test("Rows in a plane are found there, longest direction first, shares as spread")
  func plane() throws {
    // Along (3, 4, 0) / 5 they spread three times as far as along (0, 0, 1); the centre is (1, 2, 3).
    let rows = (0..<200).flatMap { index -> [Float] in
      let (a, b) = (3 * noise(2 * index), noise(2 * index + 1))
      return [Float(1 + 0.6 * a), Float(2 + 0.8 * a), Float(3 + b)]
    }
    let plane = try #require(PrincipalPlane(rows, features: 3))
    // Chance mixes the two a little.
    #expect(abs(plane.axes[0][0] - 0.6) < 0.02 && abs(plane.axes[0][1] - 0.8) < 0.02)
    #expect(abs(plane.axes[1][2] - 1) < 0.02)
    #expect(abs(plane.shares[0] + plane.shares[1] - 1) < 1e-9 && abs(plane.shares[0] - 0.9) < 0.05)
    // Distances in the plane are those of the rows.
    let places = plane.places(of: rows)
    for index in stride(from: 0, to: 198, by: 7) {
      let (p, q) = (places[index], places[index + 1])
      let seen = (p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y)
      let real = (0..<3).reduce(0.0) { sum, column in
        let difference = Double(rows[3 * index + column]) - Double(rows[3 * index + 3 + column])
        return sum + difference * difference
      }
      #expect(abs(seen - real) < 1e-9)
    }
  }

  @Test("The axes are eigenvectors of the covariance: what is left of a row has nothing along them on the average")
  func eigenvectors() throws {
    let (count, features) = (64, 7)
    let rows = (0..<count * features).map { Float(noise($0) * Double(1 + $0 % features)) }
    let plane = try #require(PrincipalPlane(rows, features: features))
    #expect(plane.shares[0] >= plane.shares[1] && plane.shares[1] > 0)
    for axis in 0..<2 {
      // C u = lambda u
      var image = [Double](repeating: 0, count: features)
      for row in 0..<count {
        let centred = (0..<features).map { Double(rows[row * features + $0]) - plane.centre[$0] }
        let along = zip(centred, plane.axes[axis]).reduce(0) { $0 + $1.0 * $1.1 }
        for column in 0..<features { image[column] += along * centred[column] / Double(count) }
      }
      let size = zip(image, plane.axes[axis]).reduce(0) { $0 + $1.0 * $1.1 }
      for (value, component) in zip(image, plane.axes[axis]) { #expect(abs(value - size * component) < 1e-5 * size) }
      #expect(abs(plane.axes[axis].reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
    }
    #expect(abs(zip(plane.axes[0], plane.axes[1]).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-12)
  }

  @Test("Rows that span no plane have none")
  func degenerate() {
    #expect(PrincipalPlane([1, 2, 3, 4], features: 2) == nil)
    #expect(PrincipalPlane([Float](repeating: 3, count: 40), features: 4) == nil)
    #expect(PrincipalPlane((0..<20).flatMap { [Float($0), 2 * Float($0)] }, features: 2) == nil)
    #expect(PrincipalPlane((0..<20).map { Float($0) }, features: 1) == nil)
    #expect(PrincipalPlane([.nan, 1, 2, 3, 4, 5, 6, 7], features: 2) == nil)
  }
}
