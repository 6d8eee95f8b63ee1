/// What one direction of a plot means.
public struct Axis: Sendable {
  /// "false alarms".
  public var label: String
  /// What it shows, the lower bound at the left or the bottom.
  public var range: ClosedRange<Double>
  /// Whether ticks have numbers: a plane of principal components has no units.
  public var isNumbered: Bool

  /// An axis over a given range.
  ///
  /// - Parameters:
  ///   - label: with the unit, if there is one.
  ///   - range: a range of no length is widened.
  ///   - isNumbered: whether its ticks have numbers.
  public init(_ label: String, _ range: ClosedRange<Double>, isNumbered: Bool = true) {
    self.label = label
    self.isNumbered = isNumbered
    let (low, high) = (range.lowerBound, range.upperBound)
    let isUsable = low.isFinite && high.isFinite && high - low > 1e-9 * max(1, abs(low), abs(high))
    let middle = low.isFinite ? low : 0
    let reach = max(0.5, 1e-6 * abs(middle))
    self.range = isUsable ? range : (middle - reach)...(middle + reach)
  }

  /// An axis over these values with a little room around them, and `including` in any case.
  public init(_ label: String, over values: [Double], including: [Double] = [], isNumbered: Bool = true) {
    let values = (values + including).filter(\.isFinite)
    guard let low = values.min(), let high = values.max() else {
      self.init(label, 0...1, isNumbered: isNumbered)
      return
    }
    let room = 0.04 * (high - low)
    // Where zero is asked for it is the edge itself.
    self.init(
      label, (low == 0 && including.contains(0) ? 0 : low - room)...(high + room), isNumbered: isNumbered)
  }

  /// Round numbers within the range, about `wanted` of them, each with its text.
  func ticks(_ wanted: Int = 5) -> [(value: Double, text: String)] {
    let span = range.upperBound - range.lowerBound
    var unit = 1.0
    while unit * 10 <= span / Double(wanted) { unit *= 10 }
    while unit > span / Double(wanted) { unit /= 10 }
    let step = unit * ([1, 2, 5].first { Double(wanted) * unit * $0 >= span * 0.8 } ?? 10)
    let digits =
      step >= 1
      ? 0
      : Int(
        (1...12).first { step * power($0) > 0.5 && abs((step * power($0)).rounded() - step * power($0)) < 1e-6 } ?? 12)
    let first = (range.lowerBound / step - 1e-9).rounded(.up)
    let last = (range.upperBound / step + 1e-9).rounded(.down)
    guard first <= last, last - first < 100 else { return [] }
    return stride(from: first, through: last, by: 1).map { place in
      let value = place * step
      let text =
        abs(value) >= 1000 && digits == 0 && abs(value) < 1e15
        ? Figures.count(Int(value)) : Figures.fixed(value, digits)
      return (value, text)
    }
  }

  private func power(_ exponent: Int) -> Double { (0..<exponent).reduce(1.0) { power, _ in power * 10 } }

  /// Where a value lies, in 0...1, and not outside of it.
  func place(_ value: Double) -> Double {
    let place = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return place.isFinite ? min(max(0, place), 1) : 0
  }
}
