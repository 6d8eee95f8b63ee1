import CResizeKernels

// The fast way through `Resampling`'s sums, equal to the plain one in every bit: they are sums of integers.

extension Resampling {
  /// Every row resampled, rounded to 8 bits.
  ///
  /// - Parameter pixels: (rows, imageCount).
  /// - Returns: (rows, taps.count).
  func alongRows(_ pixels: [UInt8]) -> [UInt8] {
    let height = pixels.count / imageCount
    return [UInt8](unsafeUninitializedCapacity: height * taps.count) { result, initializedCount in
      let scratch = (imageCount + taps.count) * Int(CK_RESIZE_ROWS)
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: scratch) { scratch in
        ck_resize_rows(
          pixels, Int64(height), Int64(imageCount), kernelTaps, Int64(taps.count), fixedWeights, scratch.baseAddress,
          result.baseAddress)
      }
      initializedCount = height * taps.count
    }
  }

  /// Every column resampled, rounded to 8 bits.
  ///
  /// - Parameter pixels: (imageCount, width).
  /// - Returns: (taps.count, width).
  func alongColumns(_ pixels: [UInt8], width: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: taps.count * width) { result, initializedCount in
      ck_resize_columns(pixels, Int64(width), kernelTaps, Int64(taps.count), fixedWeights, result.baseAddress)
      initializedCount = taps.count * width
    }
  }

  private var kernelTaps: [ck_taps] {
    taps.map { ck_taps(start: Int32($0.start), count: Int32($0.count), weight: Int32($0.weightStart)) }
  }
}
