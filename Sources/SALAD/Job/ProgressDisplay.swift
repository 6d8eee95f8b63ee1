import Platform

/// How far long work has come, on standard error: a bar on a terminal, lines in a file.
///
///     reading images [==============>               ] 512/1024 images, 210.3 images/s, 0:02 left
///
/// A line in a file comes at most every ten seconds, and at the end.
public final class ProgressDisplay {
  private let title: String
  private let unit: String
  private let total: Int
  private let isTerminal: Bool
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?
  private var lineIsOpen = false

  /// - Parameters:
  ///   - title: what is being done.
  ///   - unit: what is counted, plural.
  ///   - total: how many there will be.
  ///   - isShown: true on the one rank that reports.
  public init(_ title: String, unit: String, total: Int, isShown: Bool) {
    self.title = PlainText.of(title)
    self.unit = unit
    self.total = total
    self.isShown = isShown && !StandardStreams.isQuiet
    isTerminal = StandardStreams.errorIsTerminal
  }

  /// Work that ends early, by an error or a signal, leaves its bar on a line of its own.
  deinit {
    if lineIsOpen { StandardStreams.say("\n") }
  }

  /// - Parameters:
  ///   - done: of `total`, since the beginning.
  ///   - note: what else there is to say, such as a loss.
  public func show(_ done: Int, note: String = "") {
    guard isShown else { return }
    let now = ContinuousClock.now
    let interval = Duration.milliseconds(isTerminal ? 100 : 10_000)
    guard done >= total || now - (lastShown ?? (isTerminal ? start - interval : start)) >= interval else { return }
    lastShown = now

    let seconds = (now - start).inSeconds
    let rate = seconds > 0 ? Double(done) / seconds : 0
    var facts = ["\(done)/\(total) \(unit)"]
    if rate > 0 { facts.append("\(rate.rounded(toPlaces: 1)) \(unit)/s") }
    if rate > 0, done < total { facts.append("\(Self.clock(Double(total - done) / rate)) left") }
    if !note.isEmpty { facts.append(note) }
    let text = PlainText.of(facts.joined(separator: ", "))

    if isTerminal {
      // Erase what is right of the text: it may be shorter than the last one.
      lineIsOpen = done < total
      let line = Self.line(title, bar: bar(done), text, columns: StandardStreams.terminalWidth)
      StandardStreams.say("\r\(line)\u{1B}[K" + (lineIsOpen ? "" : "\n"))
    } else {
      StandardStreams.say("\(title): \(text)\n")
    }
  }

  /// What fits on a terminal of so many columns (nil: any), its last one left free: a line that wraps leaves a line
  /// behind at each redraw.
  static func line(_ title: String, bar: String, _ text: String, columns: Int?) -> String {
    let whole = "\(title) \(bar) \(text)"
    guard let columns, whole.count >= columns else { return whole }
    let short = "\(title): \(text)"
    return short.count < columns ? short : String(short.prefix(max(0, columns - 1)))
  }

  private func bar(_ done: Int) -> String {
    let width = 30
    let filled = total > 0 ? min(width, done * width / total) : width
    let head = filled < width ? ">" : ""
    return "[" + String(repeating: "=", count: filled) + head
      + String(repeating: " ", count: width - filled - head.count) + "]"
  }

  /// Seconds as `4:07` or `1:02:09`.
  static func clock(_ seconds: Double) -> String {
    let seconds = Int(seconds.rounded())
    func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return seconds < 3600
      ? "\(seconds / 60):\(twoDigits(seconds % 60))"
      : "\(seconds / 3600):\(twoDigits(seconds / 60 % 60)):\(twoDigits(seconds % 60))"
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension Double {
  /// The decimal number of so many places that is nearest.
  public func rounded(toPlaces places: Int) -> Double {
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    return (self * scale).rounded() / scale
  }
}
