/// Two axes and what is drawn between them, as SVG that takes its colours from the page.
///
///     Plot(id: "roc", title: "ROC", description: "...", x: Axis("false alarms", 0...1), y: Axis("found", 0...1),
///       layers: [.diagonal(.quiet), .steps(points, .first)])
public struct Plot: Sendable {
  /// Unique in its page.
  public var id: String
  public var title: String
  /// What is to be seen, for who cannot see it.
  public var description: String
  public var x: Axis
  public var y: Axis
  public var layers: [Layer]
  /// In units of which the plot is 480 wide.
  public var height: Double

  /// A plot.
  ///
  /// - Parameters:
  ///   - id: unique in its page.
  ///   - title: two or three words.
  ///   - description: what is to be seen, for who cannot see it.
  ///   - x: the axis to the right.
  ///   - y: the axis upwards.
  ///   - layers: from the back to the front.
  ///   - height: in units of which the plot is 480 wide.
  public init(
    id: String, title: String, description: String, x: Axis, y: Axis, layers: [Layer], height: Double = 320
  ) {
    self.id = id
    self.title = title
    self.description = description
    self.x = x
    self.y = y
    self.layers = layers
    self.height = height
  }

  private static let width = 480.0
  private static let (left, right, top, bottom) = (62.0, 16.0, 10.0, 52.0)

  private var innerWidth: Double { Self.width - Self.left - Self.right }
  private var innerHeight: Double { height - Self.top - Self.bottom }

  private func px(_ value: Double) -> Double { Self.left + x.place(value) * innerWidth }
  private func py(_ value: Double) -> Double { Self.top + (1 - y.place(value)) * innerHeight }

  /// One decimal of such a unit is finer than any screen.
  private static func text(_ value: Double) -> String {
    let text = Figures.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func pair(_ x: Double, _ y: Double) -> String { "\(text(x)) \(text(y))" }

  // MARK: The whole

  var svg: HTML {
    """
    <svg class="plot" viewBox="0 0 480 \(Self.text(height))" role="img" aria-labelledby="\(id)-title \(id)-desc">\
    <title id="\(id)-title">\(title)</title><desc id="\(id)-desc">\(description)</desc>\(grid)\(layers.map(drawn))\
    \(labels)</svg>
    """
  }

  /// Names of the layers, each with a sample of its line.
  var legend: HTML {
    let named = layers.filter { $0.name != nil }
    if named.isEmpty { return "" }
    return "<ul class=\"legend\">\(named.map { "<li>\(sample($0))\($0.name ?? "")</li>" as HTML })</ul>"
  }

  private func sample(_ layer: Layer) -> HTML {
    let tone = layer.tone.rawValue
    let shape: HTML =
      switch layer.shape {
      case .line: "<path class=\"line \(tone)\" d=\"M1 7H27\"/>"
      case .vertical, .horizontal, .diagonal: "<path class=\"line rule \(tone)\" d=\"M1 7H27\"/>"
      case .band, .bars: "<path class=\"fill \(tone)\" d=\"M2 2H26V12H2Z\"/>"
      case .marks: "<path class=\"mark \(tone)\" d=\"\(Self.mark(layer.tone, 14, 7))\"/>"
      }
    return "<svg class=\"sample\" viewBox=\"0 0 28 14\" aria-hidden=\"true\">\(shape)</svg>"
  }

  // MARK: Axes

  private var grid: HTML {
    var path = ""
    for tick in x.ticks() { path += "M\(Self.pair(px(tick.value), Self.top))v\(Self.text(innerHeight))" }
    for tick in y.ticks() { path += "M\(Self.pair(Self.left, py(tick.value)))h\(Self.text(innerWidth))" }
    let frame = "M\(Self.pair(Self.left, Self.top))v\(Self.text(innerHeight))h\(Self.text(innerWidth))"
    return "<path class=\"grid\" d=\"\(path)\"/><path class=\"axis\" d=\"\(frame)\"/>"
  }

  private var labels: HTML {
    var labels: [HTML] = []
    if x.isNumbered {
      for tick in x.ticks() {
        labels.append(
          "<text x=\"\(Self.text(px(tick.value)))\" y=\"\(Self.text(height - 34))\" text-anchor=\"middle\">\(tick.text)</text>"
        )
      }
    }
    if y.isNumbered {
      for tick in y.ticks() {
        labels.append(
          "<text x=\"\(Self.text(Self.left - 6))\" y=\"\(Self.text(py(tick.value) + 5))\" text-anchor=\"end\">\(tick.text)</text>"
        )
      }
    }
    let (middle, half) = (Self.left + innerWidth / 2, Self.top + innerHeight / 2)
    labels.append(
      "<text x=\"\(Self.text(middle))\" y=\"\(Self.text(height - 10))\" text-anchor=\"middle\">\(x.label)</text>")
    labels.append(
      "<text transform=\"translate(15 \(Self.text(half))) rotate(-90)\" text-anchor=\"middle\">\(y.label)</text>")
    return HTML(labels)
  }

  // MARK: Layers

  private func drawn(_ layer: Layer) -> HTML {
    let tone = layer.tone.rawValue
    switch layer.shape {
    case .line(let points): return "<path class=\"line \(tone)\" d=\"\(path(points.map { ($0.x, $0.y) }))\"/>"
    case .marks(let points): return marks(points, layer.tone)
    case .band(let spans):
      let outline = spans.map { ($0.x, $0.high) } + spans.reversed().map { ($0.x, $0.low) }
      return outline.isEmpty ? "" : "<path class=\"fill \(tone)\" d=\"\(path(outline))Z\"/>"
    case .bars(let bars): return HTML(bars.filter { $0.height > 0 }.map { bar($0, tone) })
    case .vertical(let value):
      return "<path class=\"line rule \(tone)\" d=\"M\(Self.pair(px(value), Self.top))v\(Self.text(innerHeight))\"/>"
    case .horizontal(let value):
      return "<path class=\"line rule \(tone)\" d=\"M\(Self.pair(Self.left, py(value)))h\(Self.text(innerWidth))\"/>"
    case .diagonal:
      let (end, start) = (Self.pair(Self.left + innerWidth, Self.top), Self.pair(Self.left, Self.top + innerHeight))
      return "<path class=\"line rule \(tone)\" d=\"M\(start)L\(end)\"/>"
    }
  }

  private func path(_ points: [(Double, Double)]) -> String {
    points.isEmpty ? "" : "M" + points.map { Self.pair(px($0.0), py($0.1)) }.joined(separator: "L")
  }

  private func bar(_ bar: Layer.Bar, _ tone: String) -> HTML {
    let (left, right, top, bottom) = (px(bar.from), px(bar.to), py(bar.height), py(y.range.lowerBound))
    // A gap between neighbours, and something to be seen of one image among many.
    let (width, height) = (max(0.5, right - left - 1), max(1, bottom - top))
    return """
      <rect class="fill \(tone)" x="\(Self.text(left + 0.5))" y="\(Self.text(bottom - height))" \
      width="\(Self.text(width))" height="\(Self.text(height))">\(Self.title(bar.title))</rect>
      """
  }

  /// Marks without titles are one path.
  private func marks(_ points: [Layer.Point], _ tone: Tone) -> HTML {
    let untitled = points.filter { $0.title == nil }.map { Self.mark(tone, px($0.x), py($0.y)) }.joined()
    let titled = points.filter { $0.title != nil }.map { point -> HTML in
      "<path d=\"\(Self.mark(tone, px(point.x), py(point.y)))\">\(Self.title(point.title))</path>"
    }
    let rest: HTML = untitled.isEmpty ? "" : "<path d=\"\(untitled)\"/>"
    return "<g class=\"mark \(tone.rawValue)\">\(rest)\(titled)</g>"
  }

  private static func title(_ text: String?) -> HTML { text.map { "<title>\($0)</title>" } ?? "" }

  /// A dot is a line of no length with round ends.
  private static func mark(_ tone: Tone, _ x: Double, _ y: Double) -> String {
    switch tone {
    case .first, .quiet: "M\(pair(x, y))h0"
    case .second: "M\(pair(x - 3, y - 3))l6 6m0-6l-6 6"
    case .third: "M\(pair(x, y - 4))l4 4l-4 4l-4-4Z"
    }
  }
}
