#if Server
  import Metrics
  import Synchronization

  /// Metrics as Prometheus reads them: a `MetricsFactory` whose values `text` writes in the text format 0.0.4.
  ///
  ///     let factory = PrometheusFactory(help: ["salad_requests_total": "Requests answered, by status."])
  ///     Counter(label: "salad_requests_total", dimensions: [("status", "200")], factory: factory).increment()
  ///     factory.text()
  ///
  /// Counters are counters, meters and recorders that do not aggregate are gauges, timers and other recorders are
  /// histograms: timers in seconds. A label is a metric's name, as it is.
  final class PrometheusFactory: MetricsFactory {
    private struct Key: Hashable {
      let name: String
      /// `{status="200"}`, or nothing.
      let dimensions: String
    }

    private let help: [String: String]
    private let bounds: [String: [Double]]
    private let series = Mutex<[Key: any PrometheusSeries]>([:])

    /// - Parameters:
    ///   - help: what each metric is, by name.
    ///   - bounds: the upper bounds of each histogram's buckets, ascending, by name; seconds for timers.
    init(help: [String: String], bounds: [String: [Double]] = [:]) {
      self.help = help
      self.bounds = bounds
    }

    // MARK: Making

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
      make(label, dimensions) { PrometheusCounter() }
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
      make(label, dimensions) { PrometheusGauge() }
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
      aggregate
        ? make(label, dimensions) { PrometheusHistogram(bounds: bounds[label] ?? Self.defaultBounds) }
        : make(label, dimensions) { PrometheusGauge() }
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
      make(label, dimensions) { PrometheusHistogram(bounds: bounds[label] ?? Self.defaultBounds) }
    }

    /// Values stay: a counter that began anew would look like a restart.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private static let defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private func make<Series: PrometheusSeries>(
      _ name: String, _ dimensions: [(String, String)], _ new: () -> Series
    ) -> Series {
      let pairs = dimensions.map { "\($0)=\"\(Self.escaped($1))\"" }
      let key = Key(name: name, dimensions: pairs.joined(separator: ","))
      return series.withLock { series in
        if let found = series[key] {
          guard let found = found as? Series else { preconditionFailure("\(name) is a metric of two kinds") }
          return found
        }
        let made = new()
        series[key] = made
        return made
      }
    }

    private static func escaped(_ value: String) -> String {
      value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    // MARK: Text

    /// Content type of `text`.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics, sorted by name and dimensions.
    func text() -> String {
      let series = series.withLock { $0 }.sorted { ($0.key.name, $0.key.dimensions) < ($1.key.name, $1.key.dimensions) }
      var (lines, last) = ([String](), "")
      for (key, series) in series {
        if key.name != last {
          if let help = help[key.name] { lines.append("# HELP \(key.name) \(help)") }
          lines.append("# TYPE \(key.name) \(series.kind)")
          last = key.name
        }
        lines += series.samples.map { sample in
          let dimensions = [key.dimensions, sample.dimension].filter { !$0.isEmpty }.joined(separator: ",")
          return "\(key.name)\(sample.suffix)\(dimensions.isEmpty ? "" : "{\(dimensions)}") \(sample.value)"
        }
      }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  /// One line of a metric.
  struct PrometheusSample {
    /// Of the name: `_bucket`.
    var suffix = ""
    /// `le="0.5"`
    var dimension = ""
    var value: String
  }

  /// The values of a metric under one set of dimensions.
  protocol PrometheusSeries: AnyObject, Sendable {
    /// `counter`
    var kind: String { get }
    var samples: [PrometheusSample] { get }
  }

  private final class PrometheusCounter: CounterHandler, PrometheusSeries {
    let kind = "counter"
    private let value = Mutex<Int64>(0)
    var samples: [PrometheusSample] { [PrometheusSample(value: "\(value.withLock { $0 })")] }

    func increment(by amount: Int64) { value.withLock { $0 = $0.addingReportingOverflow(amount).partialValue } }
    func reset() { value.withLock { $0 = 0 } }
  }

  private final class PrometheusGauge: MeterHandler, RecorderHandler, PrometheusSeries {
    let kind = "gauge"
    private let value = Mutex<Double>(0)
    var samples: [PrometheusSample] { [PrometheusSample(value: prometheusNumber(value.withLock { $0 }))] }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
  }

  private final class PrometheusHistogram: TimerHandler, RecorderHandler, PrometheusSeries {
    let kind = "histogram"
    private let bounds: [Double]
    /// Of each bucket alone, the last without a bound; and the sum of all values.
    private let values: Mutex<(counts: [Int], sum: Double)>

    init(bounds: [Double]) {
      self.bounds = bounds
      values = Mutex(([Int](repeating: 0, count: bounds.count + 1), 0))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
      let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
      values.withLock {
        $0.counts[bucket] += 1
        $0.sum += value
      }
    }

    var samples: [PrometheusSample] {
      let (counts, sum) = values.withLock { $0 }
      var total = 0
      var samples = counts.enumerated().map { index, count in
        total += count
        let bound = index < bounds.count ? prometheusNumber(bounds[index]) : "+Inf"
        return PrometheusSample(suffix: "_bucket", dimension: "le=\"\(bound)\"", value: "\(total)")
      }
      samples.append(PrometheusSample(suffix: "_sum", value: prometheusNumber(sum)))
      samples.append(PrometheusSample(suffix: "_count", value: "\(total)"))
      return samples
    }
  }

  /// 5 and 0.25, as Prometheus's own clients write them.
  private func prometheusNumber(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
#endif
