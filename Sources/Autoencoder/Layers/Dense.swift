import CNetworkKernels

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
    parameters: AlignedBuffer<Float>
  ) {
    ck_dense(
      features, parameters.pointer + weightOffset, Int64(images), Int64(rows), Int64(self.features), output)
  }

  /// (m, D) to (m, F).
  func expand(
    _ vectors: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, images: Int,
    parameters: AlignedBuffer<Float>
  ) {
    ck_dense_transposed(
      vectors, parameters.pointer + weightOffset, Int64(images), Int64(rows), Int64(features), output)
  }

  /// Adds vectors (m, D) transposed x features (m, F) to the sums. False when a gradient is not finite or too large.
  func addWeightGradient(
    vectors: UnsafePointer<Float>, features: UnsafePointer<Float>, images: Int, worker: WorkerBuffers, sums: StepSums
  ) -> Bool {
    var sound = true
    // One row of the matrix at a time: a whole (D, F) would not fit any cache.
    let column = worker.channelFloats.pointer
    let row = worker.weightGradient[0..<self.features]
    for index in 0..<rows {
      for image in 0..<images { column[image] = vectors[image * rows + index] }
      ck_dense_outer(column, features, Int64(images), 1, Int64(self.features), row.baseAddress)
      let offset = weightOffset + index * self.features
      if !sums.addGradient(UnsafeBufferPointer(row), at: offset) { sound = false }
    }
    return sound
  }
}
