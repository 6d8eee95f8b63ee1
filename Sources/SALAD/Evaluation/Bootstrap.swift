import Platform
import Radiographs
import Synchronization

// n = images, U = units

/// Confidence intervals: how far a number measured on test images moves when other patients are drawn.
///
/// The percentile bootstrap. A resample draws as many patients as there are, with repetition, and takes each with all of
/// its images as often as it was drawn: images of one patient resemble one another, and intervals that took them for
/// independent would be too narrow. An image whose name tells no patient is a unit of its own.
///
/// Patients are drawn from all of them, not class by class: one patient may have normal and anomalous images, which must
/// come and go together, and how many are anomalous is itself by chance, which moves average precision and F1. A
/// resample without both classes is drawn again.
///
/// Every draw is a function of (seed, resample) alone: the number of threads and ranks changes no bit.
public struct Bootstrap: Sendable, Equatable {
  /// Part of the resamples that an interval spans.
  public static let level = 0.95
  public var resamples: Int
  public var seed: UInt64

  /// - Parameters:
  ///   - resamples: at least 1.
  ///   - seed: determines the resamples.
  public init(resamples: Int, seed: UInt64) {
    precondition(resamples >= 1, "\(resamples) resamples")
    self.resamples = resamples
    self.seed = seed
  }

  /// The interval of each statistic: its quantiles at 2.5 and 97.5 % of the resamples that define it, if any.
  ///
  /// - Parameters:
  ///   - curve: of the images that `units` groups.
  ///   - statistics: as many for every curve; nil is one that a resample leaves undefined.
  /// - Throws: `SaladError` 70 when a resample with both classes cannot be had.
  func intervals(
    of curve: OperatingCurve, units: ResamplingUnits, workers: Int,
    statistics: @escaping @Sendable (OperatingCurve) -> [Double?]
  ) throws -> [ClosedRange<Double>?] {
    let samples = try samples(of: curve, units: units, workers: workers, statistics: statistics)
    return samples[0].indices.map { index in Self.interval(samples.compactMap { $0[index] }) }
  }

  /// (resamples), the statistics of each.
  func samples(
    of curve: OperatingCurve, units: ResamplingUnits, workers: Int,
    statistics: @escaping @Sendable (OperatingCurve) -> [Double?]
  ) throws -> [[Double?]] {
    let samples = Mutex([[Double?]](repeating: [], count: resamples))
    try forEachConcurrently(resamples, workers: workers) { index in
      try Signals.throwIfReceived()
      let values = statistics(try resample(index, of: curve, units: units))
      samples.withLock { $0[index] = values }
    }
    return samples.withLock { $0 }
  }

  /// A draw lacks one of the classes in at most half of all cases - with two units, one of each class; with more units, or
  /// with both classes in one, it is rarer - so that 64 draws in vain do not happen.
  private func resample(_ index: Int, of curve: OperatingCurve, units: ResamplingUnits) throws -> OperatingCurve {
    for attempt in 0..<64 {
      let random = CounterRandom(seed: seed, name: "bootstrap", UInt64(index), UInt64(attempt))
      if let resample = curve.counting(units.draw(random)) { return resample }
    }
    throw SaladError(.internalError, "resample \(index) of the bootstrap: 64 draws lacked normal or anomalous images")
  }

  /// Quantiles between two values are interpolated linearly, as NumPy's are; nil without values.
  static func interval(_ values: [Double]) -> ClosedRange<Double>? {
    guard !values.isEmpty else { return nil }
    let values = values.sorted()
    func quantile(_ part: Double) -> Double {
      let position = part * Double(values.count - 1)
      let (below, above) = (Int(position), min(Int(position) + 1, values.count - 1))
      let between = values[below] + (position - Double(below)) * (values[above] - values[below])
      // Rounding must not carry one bound past the other.
      return min(between, values[above])
    }
    return quantile((1 - level) / 2)...quantile((1 + level) / 2)
  }
}

/// What the bootstrap draws: patients with all of their images, and images of unknown patients.
struct ResamplingUnits: Sendable, Equatable {
  /// (n), the unit of each image, in 0 ..< U.
  let unit: [Int]
  /// U.
  let count: Int
  /// Units that are patients.
  let patients: Int

  /// - Parameter patients: (n), whose image each is; nil where that is unknown.
  init(patients: [String?]) {
    var (unit, count) = ([Int](), 0)
    var known: [String: Int] = [:]
    for patient in patients {
      if let patient, let index = known[patient] {
        unit.append(index)
        continue
      }
      if let patient { known[patient] = count }
      unit.append(count)
      count += 1
    }
    self.unit = unit
    self.count = count
    self.patients = known.count
  }

  /// (n), how often each image is drawn when U units are, with repetition.
  func draw(_ random: CounterRandom) -> [Int] {
    var times = [Int](repeating: 0, count: count)
    for draw in 0..<count { times[random.index(UInt64(draw), below: count)] += 1 }
    return unit.map { times[$0] }
  }
}
