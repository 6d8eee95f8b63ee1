import Platform
import Radiographs

// N = normal images of the training folder

/// Which normal training images are kept back from training, so that scores can be calibrated on them.
enum ValidationSplit {
  /// How many of N images a fraction keeps back: round(fraction * N), at least 1; 0 for the fraction 0.
  static func wishedCount(fraction: Double, of count: Int) -> Int {
    fraction > 0 && count > 0 ? max(1, Int((fraction * Double(count)).rounded())) : 0
  }

  /// Indices of the images kept back, ascending.
  ///
  /// All images of a patient stay on one side, and so do equal pictures; an image of an unknown patient stands for
  /// itself. Units that belong together are drawn one after the other, each taken while it fits into `wishedCount`, so
  /// that a few images may be missing from it; if not one fits, the smallest is taken. When a unit's turn comes follows
  /// from the seed and the patient (of an unknown one: the path) alone, not from the other images, ranks or time.
  ///
  /// - Parameters:
  ///   - paths: N relative paths.
  ///   - patients: N, whose they are; nil where that is unknown.
  ///   - pictures: N hashes.
  static func keptBack(
    paths: [String], patients: [String?], pictures: [PictureHash], fraction: Double, seed: UInt64
  ) -> [Int] {
    let wished = wishedCount(fraction: fraction, of: paths.count)
    guard wished > 0 else { return [] }
    let labels = zip(patients, paths).map { $0 ?? $1 }
    let turns = labels.map { CounterRandom(seed: seed, name: "validation split of \($0)").bits(0) }
    // Equal pictures may join patients: the unit's turn is that of its first.
    let units = units(labels: labels, contents: pictures.map(\.content))
      .map { unit in (turn: unit.lazy.map { turns[$0] }.min() ?? 0, images: unit) }
      .sorted { $0.turn < $1.turn }

    var keptBack: [Int] = []
    for unit in units where keptBack.count + unit.images.count <= wished { keptBack += unit.images }
    if keptBack.isEmpty, let smallest = units.min(by: { $0.images.count < $1.images.count }) {
      keptBack = smallest.images
    }
    return keptBack.sorted()
  }

  /// Indices that share a label or a content, directly or through others, together; every index in one unit.
  private static func units(labels: [String], contents: [UInt64]) -> [[Int]] {
    var parents = Array(labels.indices)
    func root(_ index: Int) -> Int {
      var root = index
      while parents[root] != root { root = parents[root] }
      return root
    }
    // As bytes: Unicode calls names equal that are those of two files.
    let labels = labels.map { Array($0.utf8) }
    var withLabel: [[UInt8]: Int] = [:]
    var withContent: [UInt64: Int] = [:]
    for index in labels.indices {
      for earlier in [withLabel[labels[index]], withContent[contents[index]]].compactMap({ $0 }) {
        let (a, b) = (root(earlier), root(index))
        parents[max(a, b)] = min(a, b)
      }
      withLabel[labels[index]] = root(index)
      withContent[contents[index]] = root(index)
    }
    return Dictionary(grouping: labels.indices, by: root).values.sorted { $0[0] < $1[0] }
  }
}
