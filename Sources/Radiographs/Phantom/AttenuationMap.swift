/// The line integral of attenuation along the X-ray that meets each pixel: -ln of the fraction that gets through.
///
/// Shapes are given in image coordinates: -1...1 from left to right and from top to bottom.
struct AttenuationMap {
  let side: Int
  /// (side, side), row by row.
  var values: [Double]
  // One shape at a time is drawn here before it is added; all zero between calls.
  private var shape: [Double]

  init(side: Int) {
    self.side = side
    values = [Double](repeating: 0, count: side * side)
    shape = values
  }

  /// What a cross-section along the beam looks like.
  enum Section {
    /// A rod: the chord of a disc.
    case solid
    /// A bone: a dense cortex around a marrow that attenuates `marrow` times as much as the cortex.
    case hollow(marrow: Double)
    /// Falls smoothly from the axis to the edge.
    case soft
  }

  /// A point on the axis of a tube.
  struct Node {
    var x: Double
    var y: Double
    /// In image coordinates.
    var radius: Double
    /// The attenuation on the axis, were the tube solid.
    var peak: Double
  }

  /// Adds a tube of varying radius along a polyline. Where the tube meets itself, the thicker part counts.
  mutating func addTube(_ nodes: [Node], section: Section = .solid) {
    let half = Double(side) / 2
    var bounds = (left: side, right: -1, top: side, bottom: -1)
    for (start, end) in zip(nodes, nodes.dropFirst()) {
      draw(inPixels(start, half), inPixels(end, half), section, &bounds)
    }
    guard bounds.left <= bounds.right, bounds.top <= bounds.bottom else { return }
    for row in bounds.top...bounds.bottom {
      for index in row * side + bounds.left...row * side + bounds.right {
        values[index] += shape[index]
        shape[index] = 0
      }
    }
  }

  /// Coordinates of pixel centres: 0 is the centre of the first pixel.
  private func inPixels(_ node: Node, _ half: Double) -> Node {
    // A tube thinner than a pixel is drawn a pixel wide and fainter, so that its shadow weighs the same at every size.
    let radius = max(node.radius * half, 0.6)
    return Node(
      x: (node.x + 1) * half - 0.5, y: (node.y + 1) * half - 0.5, radius: radius,
      peak: node.peak * node.radius * half / radius)
  }

  private mutating func draw(
    _ start: Node, _ end: Node, _ section: Section, _ bounds: inout (left: Int, right: Int, top: Int, bottom: Int)
  ) {
    let reach = max(start.radius, end.radius)
    let left = max(0, Int((min(start.x, end.x) - reach).rounded(.up)))
    let right = min(side - 1, Int((max(start.x, end.x) + reach).rounded(.down)))
    let top = max(0, Int((min(start.y, end.y) - reach).rounded(.up)))
    let bottom = min(side - 1, Int((max(start.y, end.y) + reach).rounded(.down)))
    guard left <= right, top <= bottom else { return }
    bounds = (
      min(bounds.left, left), max(bounds.right, right), min(bounds.top, top), max(bounds.bottom, bottom)
    )
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let perLength = 1 / max(dx * dx + dy * dy, 1e-12)
    shape.withUnsafeMutableBufferPointer { shape in
      for row in top...bottom {
        let y = Double(row) - start.y
        for column in left...right {
          let x = Double(column) - start.x
          let along = min(max((x * dx + y * dy) * perLength, 0), 1)
          let (offX, offY) = (x - along * dx, y - along * dy)
          let radius = start.radius + along * (end.radius - start.radius)
          let off = (offX * offX + offY * offY) / (radius * radius)
          if off >= 1 { continue }
          let peak = start.peak + along * (end.peak - start.peak)
          let index = row * side + column
          shape[index] = max(shape[index], peak * section.chord(off))
        }
      }
    }
  }
}

extension AttenuationMap.Section {
  // The radius of a bone's marrow as a fraction of the bone's.
  private static let marrowRadius = 0.72

  /// The path through the section, 1 through the middle of a solid one.
  ///
  /// - Parameter off: squared distance from the axis over squared radius, in 0..<1.
  func chord(_ off: Double) -> Double {
    switch self {
    case .solid:
      return (1 - off).squareRoot()
    case .hollow(let marrow):
      let inner = Self.marrowRadius * Self.marrowRadius
      let outside = (1 - off).squareRoot()
      return off < inner ? outside - (1 - marrow) * (inner - off).squareRoot() : outside
    case .soft:
      return (1 - off) * (1 - off)
    }
  }
}
