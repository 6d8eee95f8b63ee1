/// How work is shared: consecutive pieces for consecutive ranks, so that gathering in rank order keeps their order.
enum Share {
  /// The pieces of `0 ..< count` that `rank` of `ranks` does; maybe none. The shares differ by at most one.
  ///
  /// With fewer pieces than ranks every so-manyth rank gets one: neighbouring ranks share a host, the pieces should not.
  static func range(of rank: Int, ranks: Int, count: Int) -> Range<Int> {
    (count * rank / ranks)..<(count * (rank + 1) / ranks)
  }

  /// `range` cut into consecutive blocks of at most `size`.
  static func blocks(of range: Range<Int>, size: Int) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: size).map {
      $0..<min(range.upperBound, $0 + size)
    }
  }
}
