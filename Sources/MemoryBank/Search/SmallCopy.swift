import CBankKernels
import Platform

// M = rows of this rank, D = embedding dimension, S = D rounded up to a multiple of 4

/// A byte an element of a rank's rows: what tells which of them may be among the nearest, at a quarter of the memory traffic.
///
/// With mu a centre that all rows have in common, x = m - mu and f' = f - mu, |f - m|^2 is |f' - x|^2, and f . m is f . x and a
/// constant. So what is compared is the key x . f' - |x|^2 / 2, or x . f. Rows and queries are rounded to bytes:
///
///     x = s c + e,  f' = t g + h,  c and g whole numbers in -127...127
///     x . f' = s t (c . g) + h . (s c) + f' . e <= s t (c . g) + |h| |s c| + |f'| |e|
///
/// by Cauchy and Schwarz. c . g is exact. |e|, |s c|, |h| and |f'| are computed from the vectors themselves and rounded up, and so
/// is the sum, so that a key of the copy is never below the true one: whatever scale was chosen, and however bad it is for a row,
/// only that row is harder to tell. Without mu the bound would be useless: features of an encoder have a long mean in common.
final class SmallCopy: @unchecked Sendable {
  // @unchecked: nobody writes after `init`.

  /// S.
  let stride: Int
  /// (D): mu.
  let centre: [Float]
  /// No row m is longer.
  let longest: Double
  /// (M, S) and what kernels may read behind it.
  let bytes: UnsafePointer<UInt8>
  /// A strip of rows each.
  let traits: UnsafePointer<ck_bank_small_traits>
  /// M: the rows' squares in double, which exact comparisons need, too.
  let squares: UnsafePointer<Double>
  private let pages: Pages

  /// The longest vector whose keys cannot overflow.
  static let longestVector = 0x1p20

  /// Memory for so many rows, in bytes.
  static func bytes(rows: Int, dimension: Int) -> Int {
    squaresOffset(rows: rows, dimension: dimension) + rows * MemoryLayout<Double>.stride
  }

  /// S.
  static func stride(dimension: Int) -> Int { (dimension + 3) / 4 * 4 }

  private static func traitsOffset(rows: Int, dimension: Int) -> Int {
    (rows * stride(dimension: dimension) + 127) / 64 * 64
  }

  private static func squaresOffset(rows: Int, dimension: Int) -> Int {
    let strips = (rows + Shortlists.strip - 1) / Shortlists.strip
    return traitsOffset(rows: rows, dimension: dimension) + strips * MemoryLayout<ck_bank_small_traits>.stride
  }

  /// Reads all rows once, on all workers. nil where rows are not finite or longer than 2^20, or memory cannot be had.
  ///
  /// - Parameters:
  ///   - rows: (M, D), M at least 1.
  ///   - dimension: D.
  ///   - workers: share the rows.
  init?(_ rows: UnsafeBufferPointer<Float>, dimension: Int, workers: Workers) {
    let (count, stride) = (rows.count / dimension, Self.stride(dimension: dimension))
    let (values, centre) = (rows.baseAddress!, Self.centre(rows, dimension: dimension))
    guard let pages = try? Pages(bytes: Self.bytes(rows: count, dimension: dimension)) else { return nil }
    let bytes = pages.start.assumingMemoryBound(to: UInt8.self)
    let traits = (pages.start + Self.traitsOffset(rows: count, dimension: dimension))
      .assumingMemoryBound(to: ck_bank_small_traits.self)
    let squares = (pages.start + Self.squaresOffset(rows: count, dimension: dimension))
      .assumingMemoryBound(to: Double.self)
    let numbers = (0..<Int32(Shortlists.strip)).map { $0 }
    let longest = Scratch<Float>(repeating: 0, count: workers.count)
    workers.run(elements: count, piece: 8 * Shortlists.strip) { worker, range in
      for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: Shortlists.strip) {
        let strip = min(Shortlists.strip, range.upperBound - first)
        let length = ck_bank_small_strip(
          values + first * dimension, strip, centre, dimension, stride, bytes + first * stride,
          traits + first / Shortlists.strip)
        ck_bank_squares(values + first * dimension, numbers, strip, dimension, squares + first)
        longest.elements[worker] = max(longest.elements[worker], length)
      }
    }
    let away = Double(longest.buffer.reduce(0, max))
    let own = SearchMetric.square(centre, dimension: dimension).squareRoot()
    guard away <= Self.longestVector, own <= Self.longestVector else { return nil }
    self.stride = stride
    self.centre = centre
    self.longest = (away + own) * (1 + 0x1p-20)
    self.bytes = UnsafePointer(bytes)
    self.traits = UnsafePointer(traits)
    self.squares = UnsafePointer(squares)
    self.pages = pages
  }

  /// |e|, |s c| and |x|^2 / 2 of one row, rounded as the kernels say.
  func bounds(of row: Int) -> (residual: Float, length: Float, halfSquare: Float) {
    let (strip, place) = (traits + row / Shortlists.strip, row % Shortlists.strip)
    let values = UnsafeRawPointer(strip).assumingMemoryBound(to: Float.self)
    // Four arrays of a strip's floats: scales, residuals, lengths and half squares.
    return (
      values[Shortlists.strip + place], values[2 * Shortlists.strip + place], values[3 * Shortlists.strip + place]
    )
  }

  /// The mean of a thousand rows from everywhere: any other centre would give true bounds, too.
  private static func centre(_ rows: UnsafeBufferPointer<Float>, dimension: Int) -> [Float] {
    let count = rows.count / dimension
    let step = max(1, count / 1000)
    var sums = [Double](repeating: 0, count: dimension)
    for row in Swift.stride(from: 0, to: count, by: step) {
      for element in 0..<dimension { sums[element] += Double(rows[row * dimension + element]) }
    }
    let taken = Double((count + step - 1) / step)
    return sums.map { Float($0 / taken) }
  }
}
