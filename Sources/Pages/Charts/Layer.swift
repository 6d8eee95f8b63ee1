/// Colours that a colour-blind eye tells apart, each with a dash and a mark of its own, in light, dark and print.
public enum Tone: String, Sendable, CaseIterable {
  /// Blue, dots, whole lines.
  case first = "a"
  /// Orange, crosses, dashes.
  case second = "b"
  /// Green, diamonds, dots and dashes.
  case third = "c"
  /// Gray, for what is behind.
  case quiet = "q"
}

/// What is drawn into a plot, later layers over earlier ones.
public struct Layer: Sendable {
  /// A point, in the axes' units.
  public struct Point: Sendable, Equatable {
    public var x: Double
    public var y: Double
    /// Shown by a browser when one points at it.
    public var title: String?

    public init(_ x: Double, _ y: Double, title: String? = nil) {
      self.x = x
      self.y = y
      self.title = title
    }
  }

  /// A stretch from `low` to `high` above x.
  public struct Span: Sendable, Equatable {
    public var x: Double
    public var low: Double
    public var high: Double

    public init(_ x: Double, _ low: Double, _ high: Double) {
      self.x = x
      self.low = low
      self.high = high
    }
  }

  /// A bar from x = `from` to `to`, of a height.
  public struct Bar: Sendable, Equatable {
    public var from: Double
    public var to: Double
    public var height: Double
    public var title: String?

    public init(_ from: Double, _ to: Double, height: Double, title: String? = nil) {
      self.from = from
      self.to = to
      self.height = height
      self.title = title
    }
  }

  enum Shape: Sendable {
    case line([Point])
    case marks([Point])
    case band([Span])
    case bars([Bar])
    case vertical(Double)
    case horizontal(Double)
    case diagonal
  }

  let shape: Shape
  public let tone: Tone
  /// In the legend; nil: it is not there.
  public let name: String?

  /// A line through the points, in their order.
  public static func line(_ points: [Point], _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .line(points), tone: tone, name: name)
  }

  /// A line that goes from point to point by steps: to the right, then up or down.
  public static func steps(_ points: [Point], _ tone: Tone, name: String? = nil) -> Layer {
    var corners: [Point] = []
    for point in points {
      if let last = corners.last { corners.append(Point(point.x, last.y)) }
      corners.append(point)
    }
    return line(corners, tone, name: name)
  }

  public static func marks(_ points: [Point], _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .marks(points), tone: tone, name: name)
  }

  public static func band(_ spans: [Span], _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .band(spans), tone: tone, name: name)
  }

  public static func bars(_ bars: [Bar], _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .bars(bars), tone: tone, name: name)
  }

  /// A line across at x.
  public static func vertical(_ x: Double, _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .vertical(x), tone: tone, name: name)
  }

  /// A line across at y.
  public static func horizontal(_ y: Double, _ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .horizontal(y), tone: tone, name: name)
  }

  /// From the lower left corner to the upper right one.
  public static func diagonal(_ tone: Tone, name: String? = nil) -> Layer {
    Layer(shape: .diagonal, tone: tone, name: name)
  }
}
