/// The pixels of a picture as gray in 0...1.
struct DICOMGray {
  let samples: DICOMSamples
  let scale: DICOMGrayScale
  let padding: ClosedRange<Int>?
  let count: Int

  /// Bits up to which all values have a place in a table.
  private static let tableBits = 16

  func pixels() -> [Float] {
    samples.bytes.withUnsafeBytes { bytes in
      let bytes = UnsafeRawBufferPointer(
        rebasing: bytes[samples.start..<samples.start + count * samples.bytesPerSample])
      return switch samples.bytesPerSample {
      case 1: pixels(bytes, UInt8.self)
      case 2: pixels(bytes, UInt16.self)
      default: pixels(bytes, UInt32.self)
      }
    }
  }

  private func pixels<Raw: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: Raw.Type
  ) -> [Float] {
    samples.bits <= Self.tableBits ? lookedUp(bytes, type) : computed(bytes, type)
  }

  @inline(__always)
  private func raw<Raw: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ index: Int, swapped: Bool, _ type: Raw.Type
  ) -> Raw {
    let raw = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Raw>.size, as: Raw.self)
    return swapped ? raw.byteSwapped : raw
  }

  // MARK: By a table

  private func lookedUp<Raw: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: Raw.Type
  ) -> [Float] {
    let entries = 1 << samples.bits
    var limits: ClosedRange<Double> = 0...0
    if case .percentiles = scale.interest {
      var counts = [Int](repeating: 0, count: entries)
      each(bytes, type) { _, value in counts[value] += 1 }
      limits = DICOMGrayScale.limits(
        counts.indices.compactMap { value in
          let stored = stored(value)
          guard counts[value] > 0, !(padding?.contains(stored) ?? false) else { return nil }
          return (scale.measured(stored), counts[value])
        })
    }
    let table = (0..<entries).map { scale.gray(scale.measured(stored($0)), limits: limits) }
    return [Float](unsafeUninitializedCapacity: count) { pixels, initializedCount in
      table.withUnsafeBufferPointer { table in
        each(bytes, type) { index, value in pixels[index] = table[value] }
      }
      initializedCount = count
    }
  }

  /// Calls `body` with each pixel's place and its value's bits, which are no more than the table has entries for.
  @inline(__always)
  private func each<Raw: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: Raw.Type, _ body: (_ index: Int, _ value: Int) -> Void
  ) {
    let mask = Raw(truncatingIfNeeded: (1 << samples.bits) - 1)
    let shift = Raw(samples.shift)
    let isSwapped = samples.isBigEndian != (1.bigEndian == 1)
    if samples.isClamped {
      for index in 0..<count {
        body(index, Int(min(raw(bytes, index, swapped: isSwapped, type) &>> shift, mask)))
      }
    } else if isSwapped {
      for index in 0..<count { body(index, Int(raw(bytes, index, swapped: true, type) &>> shift & mask)) }
    } else {
      for index in 0..<count { body(index, Int(raw(bytes, index, swapped: false, type) &>> shift & mask)) }
    }
  }

  /// The number that bits mean.
  private func stored(_ bits: Int) -> Int {
    samples.isSigned && bits >> (samples.bits - 1) & 1 == 1 ? bits - (1 << samples.bits) : bits
  }

  // MARK: One by one

  private func computed<Raw: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: Raw.Type
  ) -> [Float] {
    let mask = (1 << samples.bits) - 1
    let isSwapped = samples.isBigEndian != (1.bigEndian == 1)
    let values = (0..<count).map { stored(Int(raw(bytes, $0, swapped: isSwapped, type)) >> samples.shift & mask) }
    var limits: ClosedRange<Double> = 0...0
    if case .percentiles = scale.interest {
      limits = DICOMGrayScale.limits(
        values.compactMap { padding?.contains($0) ?? false ? nil : (scale.measured($0), 1) })
    }
    return values.map { scale.gray(scale.measured($0), limits: limits) }
  }
}
