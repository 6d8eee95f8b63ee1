import CNetworkKernels
import Platform

// m = images in a micro-batch, D = embedding dimension, F = features: channels * side * side of the deepest map

/// A convolution that covers its whole map, or the transposed one that grows a map from a vector: a matrix (D, F).
///
/// Both directions keep their weights with D outermost: PyTorch's (D, channels, k, k) of the convolution and (D in,
/// channels out, k, k) of the transposed one. Every output follows a fixed order of operations, whatever images come along.
struct Dense: Sendable {
  let rows: Int
  let features: Int
  private let weightOffset: Int

  init(rows: Int, features: Int, weightOffset: Int) {
    self.rows = rows
    self.features = features
    self.weightOffset = weightOffset
  }

  /// (m, F) to (m, D).
  func reduce(
    _ features: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, team: Team
  ) {
    let (weights, rows, inner) = (parameters.pointer + weightOffset, rows, self.features)
    guard team.size > 1 else {
      return ck_dense(features, weights, Int64(images), Int64(rows), Int64(inner), output)
    }
    // Some rows of weights at a time, for all images.
    team.run(elements: rows, piece: 8) { _, range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: images * range.count) { room in
        ck_dense(
          features, weights + range.lowerBound * inner, Int64(images), Int64(range.count), Int64(inner),
          room.baseAddress!)
        for image in 0..<images {
          (output + image * rows + range.lowerBound).update(
            from: room.baseAddress! + image * range.count, count: range.count)
        }
      }
    }
  }

  /// (m, D) to (m, F).
  func expand(
    _ vectors: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>, team: Team
  ) {
    let (weights, rows, features) = (parameters.pointer + weightOffset, rows, features)
    guard team.size > 1 else {
      return ck_dense_transposed(vectors, weights, Int64(images), Int64(rows), Int64(features), output)
    }
    team.run(pieces: images) { _, image in
      ck_dense_transposed(
        vectors + image * rows, weights, 1, Int64(rows), Int64(features), output + image * features)
    }
  }

  /// Adds vectors (m, D) transposed x features (m, F) to the sums. False when a gradient is not finite or too large.
  func addWeightGradient(
    vectors: UnsafePointer<Float>, features: UnsafePointer<Float>, images: Int, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    let faults = Faults()
    let (rows, inner) = (rows, self.features)
    // One row of the matrix at a time: a whole (D, F) would not fit any cache.
    worker.team.run(pieces: rows) { member, index in
      let room = worker.members.isEmpty ? worker.weightGradient : worker.members[member].weightGradient
      let row = room[0..<inner]
      withUnsafeTemporaryAllocation(of: Float.self, capacity: images) { column in
        for image in 0..<images { column[image] = vectors[image * rows + index] }
        ck_dense_outer(column.baseAddress!, features, Int64(images), 1, Int64(inner), row.baseAddress!)
      }
      let offset = weightOffset + index * inner
      if !sums.addGradient(UnsafeBufferPointer(row), at: offset) { faults.note() }
    }
    return !faults.isNoted
  }
}
