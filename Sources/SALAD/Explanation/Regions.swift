// S = side of a mask

/// The connected parts of a mask: pixels that touch by an edge or a corner are one.
struct Regions: Equatable {
  /// (S, S): the number of a pixel's region, from 0; -1 outside of all.
  let numbers: [Int32]
  /// Pixels of each region, in the order of their first pixels.
  let sizes: [Int]

  /// - Parameters:
  ///   - mask: (S, S), true where something is.
  ///   - side: S.
  init(_ mask: [Bool], side: Int) {
    precondition(mask.count == side * side, "\(mask.count) pixels of a mask of \(side) x \(side)")
    var numbers = [Int32](repeating: -1, count: mask.count)
    var sizes: [Int] = []
    for start in mask.indices where mask[start] && numbers[start] < 0 {
      let number = Int32(sizes.count)
      var (reached, size) = ([start], 0)
      numbers[start] = number
      while let place = reached.popLast() {
        size += 1
        let (x, y) = (place % side, place / side)
        for v in max(0, y - 1)...min(side - 1, y + 1) {
          for u in max(0, x - 1)...min(side - 1, x + 1) where mask[v * side + u] && numbers[v * side + u] < 0 {
            numbers[v * side + u] = number
            reached.append(v * side + u)
          }
        }
      }
      sizes.append(size)
    }
    self.numbers = numbers
    self.sizes = sizes
  }
}
