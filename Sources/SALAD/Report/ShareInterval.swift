/// How exactly a share is known from a count.
enum ShareInterval {
  /// Wilson's 95 % interval of `hits` of `count` (E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
  /// Inference", Journal of the American Statistical Association 1927), of independent images.
  static func wilson(_ hits: Int, of count: Int) -> ClosedRange<Double> {
    guard count > 0 else { return 0...1 }
    let (z, n) = (1.959963984540054, Double(count))
    let share = Double(hits) / n
    let middle = share + z * z / (2 * n)
    let reach = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    return max(0, (middle - reach) / scale)...min(1, (middle + reach) / scale)
  }
}
