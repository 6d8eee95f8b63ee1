/// The baseline that a learned method must beat: how far an image's pixels lie from the nearest training image's.
///
/// Images are stretched to side x side, scaled to -1...1 and compared by Euclidean distance, exactly and one by one.
public struct RawPixelNeighbour: Sendable {
  /// The side to which images are reduced, in pixels.
  public let side: Int
  /// The images remembered so far.
  public private(set) var count = 0
  /// (count, side, side) in -1...1.
  private var pixels: [Float] = []

  public init(side: Int = 32) {
    precondition(side >= 1, "side \(side): images are compared at one pixel or more")
    self.side = side
  }

  /// Adds a normal image.
  public mutating func remember(_ radiograph: Radiograph) {
    pixels += reduced(radiograph)
    count += 1
  }

  /// The Euclidean distance to the nearest image remembered: the anomaly score. Infinite when there is none.
  public func distance(_ radiograph: Radiograph) -> Double {
    nearest(to: radiograph)?.distance ?? .infinity
  }

  /// The nearest image remembered, by its place in the order of remembering; of equally near ones, the first.
  public func nearest(to radiograph: Radiograph) -> (index: Int, distance: Double)? {
    let query = reduced(radiograph)
    var best: (index: Int, squared: Double)?
    pixels.withUnsafeBufferPointer { pixels in
      for index in 0..<count {
        let row = pixels[index * query.count..<(index + 1) * query.count]
        var squared = 0.0
        for (a, b) in zip(row, query) {
          let difference = Double(a) - Double(b)
          squared += difference * difference
        }
        if squared < best?.squared ?? .infinity { best = (index, squared) }
      }
    }
    return best.map { ($0.index, $0.squared.squareRoot()) }
  }

  private func reduced(_ radiograph: Radiograph) -> [Float] {
    let small = radiograph.resized(to: side, fit: .stretch)
    return [Float](unsafeUninitializedCapacity: side * side) { buffer, count in
      small.scaled(into: UnsafeMutableBufferPointer(rebasing: buffer[..<(side * side)]))
      count = side * side
    }
  }
}
