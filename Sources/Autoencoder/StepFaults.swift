import Synchronization

/// Where a step's numbers went out of hand: what an error can name of it.
final class StepFaults: Sendable {
  /// What could not be added to its sum.
  enum Place: Sendable, Equatable {
    /// The offset in the flat gradients, and in the statistics.
    case gradient(Int), statistic(Int)
    case loss
  }

  private struct Found: Sendable {
    var place: Place?
    var microBatches: Set<Int> = []
  }
  private let found = Mutex(Found())

  func clear() { found.withLock { $0 = Found() } }

  /// The first one counts: what comes after it has caught it.
  func note(_ place: Place) { found.withLock { if $0.place == nil { $0.place = place } } }

  func note(microBatch: Int) { _ = found.withLock { $0.microBatches.insert(microBatch) } }

  var place: Place? { found.withLock { $0.place } }
  var microBatches: [Int] { found.withLock { $0.microBatches.sorted() } }
}

extension Replica {
  /// Of this rank's micro-batches of the last step those that met numbers out of hand, and the layer where that was seen
  /// first, as the weights' files call it; nil where no layer saw it.
  public var faults: (microBatches: [Int], layer: String?) {
    let layer: String? =
      switch sums.places.place {
      case .gradient(let offset): self.layer { $0 == .parameter(offset: offset) } ?? self.layer(containing: offset)
      case .statistic(let offset): self.layer { $0 == .statistic(offset: offset) }
      case .loss: "reconstruction loss"
      case nil: nil
      }
    return (sums.places.microBatches, layer)
  }

  /// The tensor with the number of largest magnitude: infinity stands for what is not finite.
  public var largestWeight: (tensor: String, magnitude: Float) {
    var largest: (tensor: String, magnitude: Float) = ("", 0)
    for tensor in layout.tensors {
      guard case .parameter(let offset) = tensor.storage else { continue }
      for value in shared.parameters[offset..<offset + tensor.count] {
        let magnitude = value.isFinite ? abs(value) : .infinity
        if magnitude > largest.magnitude { largest = (tensor.name, magnitude) }
      }
    }
    return largest
  }

  /// `e3.conv.conv.1` of `e3.conv.conv.1.running_mean`.
  private func layer(where isMeant: (ParameterLayout.Storage) -> Bool) -> String? {
    layout.tensors.first { isMeant($0.storage) }.map { Self.layer(of: $0.name) }
  }

  private func layer(containing offset: Int) -> String? {
    layout.tensors.first { tensor in
      if case .parameter(let start) = tensor.storage { start..<start + tensor.count ~= offset } else { false }
    }.map { Self.layer(of: $0.name) }
  }

  private static func layer(of name: String) -> String {
    let parts = name.split(separator: ".")
    return parts.count > 1 ? parts.dropLast().joined(separator: ".") : name
  }
}
