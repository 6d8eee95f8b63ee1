// CONTRACT STUB: signatures are agreed, bodies are not.

/// Random numbers as a function of a key and a counter, never of rank, thread or time.
public struct CounterRandom: Sendable {
  /// A stream for these words: equal words, equal stream. Words are mixed in order.
  public init(_ words: UInt64...) { fatalError("stub") }
  /// A stream for a name (a parameter, say) under a seed.
  public init(seed: UInt64, name: String) { fatalError("stub") }
  /// The counter's 64 random bits.
  public func bits(_ counter: UInt64) -> UInt64 { fatalError("stub") }
  /// Uniform in [0, 1), 53 bits.
  public func uniform(_ counter: UInt64) -> Double { fatalError("stub") }
  /// Standard normal.
  public func normal(_ counter: UInt64) -> Double { fatalError("stub") }
}
