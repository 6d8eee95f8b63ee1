// m = images in a micro-batch, D = embedding dimension

/// The end of the bottleneck: `Centring` where the network has it, and the L2 normalisation that makes embeddings unit
/// vectors, z = y / max(|y|, 1e-12).
struct UnitEmbedding: Sendable {
  let dimension: Int
  private let microBatch: Int
  private let centring: Centring?
  // In a slot: z, (m, D), and |y|, (m).
  private let rowsPlace: Slot.Place
  private let normsPlace: Slot.Place

  init(dimension: Int, centre: Centre, plan: inout NetworkPlan) {
    self.dimension = dimension
    microBatch = plan.microBatch
    centring = centre == .batch ? Centring(dimension: dimension, plan: &plan) : nil
    rowsPlace = plan.reserve(microBatch * dimension)
    normsPlace = plan.reserve(microBatch)
  }

  /// (m, D) in the slot: what `forward` reads, and then z.
  func rows(_ slot: Slot) -> UnsafeMutablePointer<Float> { slot[rowsPlace] }

  /// Makes embeddings of the slot's rows and copies them out. False when a number is not finite.
  func forward(slot: Slot, into embeddings: UnsafeMutablePointer<Float>, sums: StepSums) -> Bool {
    let isCentred = centring?.forward(rows(slot), slot: slot, sums: sums) ?? true
    let isUnit = normalise(rows(slot), norms: slot[normsPlace])
    embeddings.update(from: rows(slot), count: microBatch * dimension)
    return isCentred && isUnit
  }

  /// Makes embeddings of rows (m, D), in place, by the running statistics.
  ///
  /// - Parameter norms: room for m.
  func evaluate(_ rows: UnsafeMutablePointer<Float>, norms: UnsafeMutablePointer<Float>, running: AlignedBuffer<Float>)
  {
    centring?.evaluate(rows, running: running)
    normalise(rows, norms: norms)
  }

  /// Normalises (m, D) in place and keeps the m norms. False when one is not finite.
  @discardableResult
  private func normalise(_ rows: UnsafeMutablePointer<Float>, norms: UnsafeMutablePointer<Float>) -> Bool {
    var sound = true
    for image in 0..<microBatch {
      let row = rows + image * dimension
      var square = 0.0
      for index in 0..<dimension { square += Double(row[index]) * Double(row[index]) }
      let norm = max(square.squareRoot(), 1e-12)
      if !square.isFinite { sound = false }
      norms[image] = Float(norm)
      for index in 0..<dimension { row[index] = Float(Double(row[index]) / norm) }
    }
    return sound
  }

  /// d y = (d z - z (z . d z)) / |y|, in place, and back through the centring.
  func backward(_ gradient: UnsafeMutablePointer<Float>, slot: Slot) {
    for image in 0..<microBatch {
      let z = rows(slot) + image * dimension
      let row = gradient + image * dimension
      var along = 0.0
      for index in 0..<dimension { along += Double(z[index]) * Double(row[index]) }
      let norm = Double(slot[normsPlace][image])
      for index in 0..<dimension { row[index] = Float((Double(row[index]) - Double(z[index]) * along) / norm) }
    }
    centring?.backward(gradient, slot: slot)
  }
}
