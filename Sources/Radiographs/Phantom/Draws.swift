import Platform

/// Random numbers drawn one after another from one stream.
struct Draws {
  private let stream: CounterRandom
  private var counter: UInt64 = 0

  init(_ stream: CounterRandom) { self.stream = stream }

  /// Uniform in low..<high.
  mutating func uniform(_ low: Double, _ high: Double) -> Double {
    defer { counter += 1 }
    return low + (high - low) * stream.uniform(counter)
  }

  /// Normal, never further than two and a half deviations from the mean: no patient is a monster.
  mutating func normal(_ mean: Double, _ deviation: Double) -> Double {
    defer { counter += 1 }
    return mean + deviation * min(max(stream.normal(counter), -2.5), 2.5)
  }

  /// Uniform in 0..<count.
  mutating func choice(_ count: Int) -> Int {
    min(Int(uniform(0, Double(count))), count - 1)
  }

  mutating func chance(_ probability: Double) -> Bool { uniform(0, 1) < probability }
}
