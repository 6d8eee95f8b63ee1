import CBankKernels

// B = embeddings, D = embedding dimension, P = panels of 32 embeddings

/// Embeddings laid side by side, 32 to a panel, as the kernels that compare them with rows want them.
///
/// A similarity is a chain of fused multiply-adds, element after element: its bits follow from the two vectors alone.
/// Neither the place of an embedding, nor its company, nor the rank that owns the row can change them.
struct Panels {
  /// Embeddings in a panel.
  static let lanes = Int(CK_BANK_LANES)

  /// B.
  let count: Int
  /// D.
  let dimension: Int
  /// (P, D, 32), zeros beyond B.
  private let values: Scratch<Float>

  /// - Parameter embeddings: (B, D).
  init(_ embeddings: UnsafeBufferPointer<Float>, dimension: Int) {
    self.dimension = dimension
    count = embeddings.count / dimension
    values = Scratch(count: Self.number(of: count) * dimension * Self.lanes)
    for panel in 0..<number {
      let first = panel * Self.lanes
      ck_bank_panel(
        embeddings.baseAddress! + first * dimension, min(Self.lanes, count - first), dimension, self[panel])
    }
  }

  /// P.
  var number: Int { Self.number(of: count) }

  /// Panels for `count` embeddings.
  static func number(of count: Int) -> Int { (count + lanes - 1) / lanes }

  /// How many embeddings a panel holds.
  func lanes(in panel: Int) -> Int { min(Self.lanes, count - panel * Self.lanes) }

  /// (D, 32).
  subscript(panel: Int) -> UnsafeMutablePointer<Float> { values.elements + panel * dimension * Self.lanes }
}
