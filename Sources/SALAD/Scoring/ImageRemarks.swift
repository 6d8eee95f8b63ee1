/// How many images have what is odd, and the first of each kind: for a sentence each.
public struct ImageRemarks: Sendable {
  private var images = 0
  private var counts: [ImageRemark: Int] = [:]
  private var first: [ImageRemark: String] = [:]

  /// - Parameter scores: the first images.
  public init(_ scores: [ImageScore] = []) { add(scores) }

  /// - Parameter scores: further images.
  public mutating func add(_ scores: [ImageScore]) {
    images += scores.count
    for score in scores {
      for remark in score.remarks {
        counts[remark, default: 0] += 1
        if first[remark] == nil { first[remark] = score.path }
      }
    }
  }

  /// Sentences for standard error.
  ///
  /// - Parameter kinds: of what is to be told.
  public func sentences(_ kinds: [ImageRemark] = [.burnedInAnnotation, .negative]) -> [String] {
    kinds.compactMap { kind in
      guard let path = first[kind], let count = counts[kind] else { return nil }
      let these = count == 1 ? "it alone" : "\(count)"
      switch kind {
      case .burnedInAnnotation:
        return "\(path): its tags say that letters are burnt into the pixels (Burned In Annotation), \(these) of "
          + "\(images) images: they may name the patient, and count as an anomaly"
      case .negative:
        return "\(path) looks like a negative of the training images, white where they are black, \(these) of "
          + "\(images) images: its score tells of that, so look at how it was exported"
      }
    }
  }
}
