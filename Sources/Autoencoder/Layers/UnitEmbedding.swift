// m = images in a micro-batch, D = embedding dimension

/// The L2 normalisation that makes embeddings unit vectors: z = y / max(|y|, 1e-12), and its gradient.
struct UnitEmbedding: Sendable {
  let dimension: Int
  private let microBatch: Int
  // In a slot: z, (m, D), and |y|, (m).
  private let rowsPlace: Slot.Place
  private let normsPlace: Slot.Place

  init(dimension: Int, plan: inout NetworkPlan) {
    self.dimension = dimension
    microBatch = plan.microBatch
    rowsPlace = plan.reserve(microBatch * dimension)
    normsPlace = plan.reserve(microBatch)
  }

  /// (m, D) in the slot: y before `normalise`, z after it.
  func rows(_ slot: Slot) -> UnsafeMutablePointer<Float> { slot[rowsPlace] }

  /// Normalises the slot's rows and copies them out. False when one is not finite.
  func normalise(slot: Slot, into embeddings: UnsafeMutablePointer<Float>) -> Bool {
    let sound = normalise(rows(slot), norms: slot[normsPlace])
    embeddings.update(from: rows(slot), count: microBatch * dimension)
    return sound
  }

  /// Normalises (m, D) in place and keeps the m norms. False when one is not finite.
  @discardableResult
  func normalise(_ rows: UnsafeMutablePointer<Float>, norms: UnsafeMutablePointer<Float>) -> Bool {
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

  /// d y = (d z - z (z . d z)) / |y|, in place.
  func backward(_ gradient: UnsafeMutablePointer<Float>, slot: Slot) {
    for image in 0..<microBatch {
      let z = rows(slot) + image * dimension
      let row = gradient + image * dimension
      var along = 0.0
      for index in 0..<dimension { along += Double(z[index]) * Double(row[index]) }
      let norm = Double(slot[normsPlace][image])
      for index in 0..<dimension { row[index] = Float((Double(row[index]) - Double(z[index]) * along) / norm) }
    }
  }
}
