import Safetensors

// M = rows of this rank, D = embedding dimension

/// Where a rank's rows lie, (M, D) one after the other in both cases: the kernels ask for no more alignment than a
/// float's, and read nothing beyond the last row.
enum ShardStorage: Sendable {
  /// In this process's own memory, where they may change.
  case owned([Float])
  /// In a file that is mapped, read-only: the processes of a host hold its rows once, and none waits for a copy.
  case mapped(MappedFloats)

  var count: Int {
    switch self {
    case .owned(let values): values.count
    case .mapped(let values): values.count
    }
  }

  /// The rows in memory of their own: a copy where they are mapped.
  var values: [Float] {
    switch self {
    case .owned(let values): values
    case .mapped(let values): values.withUnsafeBufferPointer(Array.init)
    }
  }

  func withUnsafeBufferPointer<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
    switch self {
    case .owned(let values): try values.withUnsafeBufferPointer(body)
    case .mapped(let values): try values.withUnsafeBufferPointer(body)
    }
  }

  /// Changes the rows: where they are mapped, in a copy that takes their place.
  mutating func change(_ body: (inout [Float]) -> Void) {
    var values = self.values
    // Two owners of one array would copy it at the first change.
    self = .owned([])
    body(&values)
    self = .owned(values)
  }
}
