// n = pixels of all images

/// How well heat maps find what masks mark, over all thresholds.
///
/// A pixel is flagged when its heat is at least the threshold; pixels of equal heat are flagged together. Between two
/// thresholds both measures are joined by straight lines, as scikit-learn's `roc_auc_score` and Bergmann et al., "The MVTec
/// anomaly detection dataset" (IJCV 2021), do it.
struct PixelCurve {
  /// Area under the receiver operating characteristic of all pixels, in 0...1: the chance that a marked pixel is hotter than
  /// one that is not, ties counting half. nil without pixels of both sorts.
  let areaUnderROC: Double?
  /// The mean share of each region that is flagged, as the share of flagged pixels outside of all regions goes from 0 to
  /// `limit`: its area, over `limit`, in 0...1. Small regions count as much as large ones. nil likewise.
  let areaUnderPRO: Double?

  /// The false positive rate up to which regions are measured.
  static let limit = 0.3

  /// Adds up images' pixels.
  struct Pixels {
    fileprivate var heats: [Float] = []
    /// The region of each pixel among those of all images; -1 outside.
    fileprivate var regions: [Int32] = []
    fileprivate var sizes: [Int] = []

    /// Adds an image.
    ///
    /// - Parameters:
    ///   - heats: (S, S), finite.
    ///   - marked: its regions; nil: a normal image, without any.
    mutating func add(_ heats: [Float], _ marked: Regions?) {
      precondition(heats.allSatisfy(\.isFinite), "a heat that is not finite")
      let first = Int32(sizes.count)
      self.heats += heats
      regions += marked?.numbers.map { $0 < 0 ? -1 : first + $0 } ?? [Int32](repeating: -1, count: heats.count)
      sizes += marked?.sizes ?? []
    }
  }

  /// O(n log n).
  init(_ pixels: Pixels) {
    let (heats, regions, sizes) = (pixels.heats, pixels.regions, pixels.sizes)
    let marked = sizes.reduce(0, +)
    let normal = heats.count - marked
    guard marked > 0, normal > 0 else {
      (areaUnderROC, areaUnderPRO) = (nil, nil)
      return
    }
    let order = heats.indices.sorted { heats[$0] > heats[$1] }
    // Each marked pixel is worth its part of its region, and each region the same.
    let worth = sizes.map { 1 / Double($0) / Double(sizes.count) }
    var (flagged, falsely, overlap) = (0, 0, 0.0)
    var (roc, pro) = (0.0, 0.0)
    var place = 0
    while place < order.count {
      let heat = heats[order[place]]
      let (flaggedBefore, falselyBefore, overlapBefore) = (flagged, falsely, overlap)
      while place < order.count, heats[order[place]] == heat {
        let region = regions[order[place]]
        if region < 0 {
          falsely += 1
        } else {
          flagged += 1
          overlap += worth[Int(region)]
        }
        place += 1
      }
      let (from, to) = (Double(falselyBefore) / Double(normal), Double(falsely) / Double(normal))
      roc += (to - from) * Double(flaggedBefore + flagged) / 2 / Double(marked)
      guard from < Self.limit, to > from else { continue }
      let end = min(to, Self.limit)
      let overlapAtEnd = overlapBefore + (overlap - overlapBefore) * (end - from) / (to - from)
      pro += (end - from) * (overlapBefore + overlapAtEnd) / 2
    }
    (areaUnderROC, areaUnderPRO) = (roc, pro / Self.limit)
  }
}
