import CNetworkKernels
import Platform
import Radiographs
import Testing

// In bfloat16 every pass is the pass over floats, which other tests hold against its definition, between widening what
// it reads and rounding what it writes: bit for bit.

@Suite("Network kernels in bfloat16")
struct BFloat16KernelTests {
  private static let wide = Int64(ck_blocks_of_16)
  private static let narrow = Int64(ck_blocks_of_16_bfloat16)

  /// The nearest number of 8 significant bits, of two equally near ones that whose last bit is 0.
  private func rounded(_ x: Float) -> UInt16 {
    let below = UInt16(x.bitPattern >> 16)
    guard x.isFinite else { return x.isNaN ? below | 0x40 : below }
    // As doubles, for what lies beyond the largest float.
    func value(_ bits: UInt16) -> Double {
      let next = Float(bitPattern: UInt32(bits) << 16)
      return next.isInfinite ? (next > 0 ? 0x1p128 : -0x1p128) : Double(next)
    }
    let (toBelow, toAbove) = (abs(Double(x) - value(below)), abs(Double(x) - value(below + 1)))
    return toBelow < toAbove || toBelow == toAbove && below & 1 == 0 ? below : below + 1
  }

  private func widened(_ x: [UInt16]) -> [Float] { x.map { Float(bitPattern: UInt32($0) << 16) } }

  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    (0..<count).map { Float(2 * CounterRandom(seed).uniform(UInt64($0)) - 1) }
  }

  private func activations(_ count: Int, seed: UInt64) -> [UInt16] { numbers(count, seed: seed).map(rounded) }

  /// Two passes over as many elements as `count`, from `inputs`: in floats, then rounded, and in bfloat16.
  private func expectEqual(
    _ name: String, _ inputs: [[UInt16]], count: Int, sourceLocation: SourceLocation = #_sourceLocation,
    _ pass: ([UnsafeRawPointer], UnsafeMutableRawPointer, Int64) -> Void
  ) {
    var (floats, halves) = ([Float](repeating: 0.5, count: count), [UInt16](repeating: 0x3f00, count: count))
    let wideInputs = inputs.map(widened)
    withPointers(wideInputs) { pass($0, &floats, Self.wide) }
    withPointers(inputs) { pass($0, &halves, Self.narrow) }
    #expect(floats.map(rounded) == halves, "\(name)", sourceLocation: sourceLocation)
  }

  private func withPointers<T>(_ arrays: [[T]], _ body: ([UnsafeRawPointer]) -> Void) {
    func next(_ index: Int, _ pointers: [UnsafeRawPointer]) {
      guard index < arrays.count else { return body(pointers) }
      arrays[index].withUnsafeBytes { next(index + 1, pointers + [$0.baseAddress!]) }
    }
    next(0, [])
  }

  @Test("Rounding is to the nearest, ties to even; what is not finite stays so")
  func rounding() {
    var values: [Float] = [
      0, -0.0, 1, 1.00390625, 1.01171875, .infinity, -.infinity, .nan, .signalingNaN, .greatestFiniteMagnitude,
      .leastNonzeroMagnitude, -.leastNormalMagnitude, Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xffff_ffff),
      Float(bitPattern: 0x3f80_8000), Float(bitPattern: 0x3f81_8000), Float(bitPattern: 0x3f80_8001),
    ]
    let random = CounterRandom(1)
    while values.count < 4096 {
      values.append(Float(bitPattern: UInt32(random.uniform(UInt64(values.count)) * 0x1p32)))
    }
    var result = [UInt16](repeating: 0, count: values.count)
    ck_round_to_bfloat16(values, Int64(values.count), &result)
    #expect(result == values.map(rounded))
    // In place, as it is used.
    values.withUnsafeMutableBytes { bytes in
      ck_round_to_bfloat16(bytes.baseAddress!.assumingMemoryBound(to: Float.self), 4096, bytes.baseAddress!)
      #expect(Array(bytes.assumingMemoryBound(to: UInt16.self).prefix(4096)) == result)
    }
  }

  @Test("Normalising, its gradient and its sums, with a maximum and without")
  func normalisation() {
    let (images, blocks, side) = (2, 2, 6)
    let (n, b, s, pixels) = (Int64(images), Int64(blocks), Int64(side), Int64(side * side))
    let count = images * blocks * side * side * 16
    let values = activations(count, seed: 1)
    let channels = (2...7).map { numbers(blocks * 16, seed: UInt64($0)) }
    let (scale, shift, mean, deviation) = (channels[0], channels[1], channels[2], channels[3])
    let (meanGradient, meanProduct) = (channels[4], channels[5])
    expectEqual("normalise", [values], count: count) {
      ck_normalise($0[0], n, b, pixels, $2, scale, shift, 0.1, $1)
    }
    expectEqual("pool", [values], count: count / 4) {
      ck_normalise_pool($0[0], n, b, s, s, $2, scale, shift, 0.1, $1)
    }
    let (gradient, small) = (activations(count, seed: 8), activations(count / 4, seed: 9))
    expectEqual("backward", [values, gradient], count: count) {
      ck_normalise_backward(
        $0[0], $0[1], n, b, pixels, $2, scale, shift, 0.1, mean, deviation, meanGradient, meanProduct, $1)
    }
    expectEqual("pool backward", [values, small], count: count) {
      ck_normalise_pool_backward(
        $0[0], $0[1], n, b, s, s, $2, scale, shift, 0.1, mean, deviation, meanGradient, meanProduct, $1)
    }
    func sums(_ p: [UnsafeRawPointer], _ layout: Int64) -> [[Double]] {
      func two(_ pass: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void) -> [[Double]] {
        var (first, second) = ([Double](repeating: 0, count: blocks * 16), [Double](repeating: 0, count: blocks * 16))
        pass(&first, &second)
        return [first, second]
      }
      return two { ck_batch_moments(p[0], n, b, pixels, layout, $0, $1) }
        + two {
          ck_normalise_backward_sums(
            p[0], p[1], n, b, pixels, layout, scale, shift, 0.1, mean, deviation, $0, $1)
        }
        + two {
          ck_normalise_pool_backward_sums(
            p[0], p[2], n, b, s, s, layout, scale, shift, 0.1, mean, deviation, $0, $1)
        }
    }
    let inputs = [values, gradient, small]
    var results: [[[Double]]] = []
    withPointers(inputs.map(widened)) { results.append(sums($0, Self.wide)) }
    withPointers(inputs) { results.append(sums($0, Self.narrow)) }
    #expect(results[0] == results[1])
  }

  @Test("Upsampling and back, means, rectifying and adding")
  func others() {
    let (planes, side) = (3, 5)
    let (p, s) = (Int64(planes), Int64(side))
    let count = planes * side * side * 16
    let (values, gradient, large) = (
      activations(count, seed: 1), activations(count, seed: 2), activations(4 * count, seed: 3)
    )
    expectEqual("upsample", [values], count: 4 * count) { ck_upsample($0[0], p, s, s, $2, $1) }
    expectEqual("upsample backward", [large], count: count) { ck_upsample_backward($0[0], p, s, s, $2, $1) }
    expectEqual("rectify", [values], count: count) { ck_rectify($0[0], Int64(count), $2, $1) }
    expectEqual("rectify backward", [values, gradient], count: count) {
      ck_rectify_backward($0[0], $0[1], Int64(count), $2, $1)
    }
    expectEqual("add rectified", [values, gradient], count: count) {
      ck_add_rectified($0[0], $0[1], Int64(count), $2, $1)
    }
    expectEqual("add", [values], count: count) { ck_add($0[0], Int64(count), $2, $1) }
    let means = numbers(planes * 16, seed: 4)
    expectEqual("mean backward", [], count: count) { ck_mean_over_pixels_backward(means, p, 1, s * s, $2, $1) }
    let plain = numbers(planes * 13 * side * side, seed: 5)
    expectEqual("to blocked", [], count: count) { ck_to_blocked(plain, p, 13, s * s, $2, $1) }
  }

  @Test("What reads activations and writes floats, and the last convolution")
  func readers() {
    let (images, channels, side) = (2, 3, 10)
    let (n, c, pixels) = (Int64(images), Int64(channels), Int64(side * side))
    let values = activations(images * 2 * side * side * 16, seed: 1)
    let weights = numbers(channels * 32, seed: 2)
    let image = numbers(images * channels * side * side, seed: 3)
    func results(_ x: UnsafeRawPointer, _ layout: Int64) -> [[Double]] {
      var means = [Float](repeating: 0, count: images * 32)
      ck_mean_over_pixels(x, n, 2, pixels, layout, &means)
      var plain = [Float](repeating: 0, count: images * 29 * side * side)
      ck_from_blocked(x, n, 29, pixels, layout, &plain)
      var projected = [Float](repeating: 0, count: images * channels * side * side)
      ck_project(x, weights, n, c, 2, pixels, layout, &projected)
      var gradient = [Double](repeating: 0, count: 2 * channels * 9 * 16)
      ck_image_weight_gradient(image, x, n, c, 2, Int64(side), 3, 1, layout, &gradient)
      return [means.map(Double.init), plain.map(Double.init), projected.map(Double.init), gradient]
    }
    let narrow = values.withUnsafeBytes { results($0.baseAddress!, Self.narrow) }
    #expect(widened(values).withUnsafeBytes { results($0.baseAddress!, Self.wide) } == narrow)
    var weightGradients: [[Double]] = []
    expectEqual("project backward", [values], count: values.count) {
      var weightGradient = [Double](repeating: 0, count: channels * 32)
      ck_project_backward($0[0], weights, image, n, c, 2, pixels, $2, $1, &weightGradient)
      weightGradients.append(weightGradient)
    }
    #expect(weightGradients[0] == weightGradients[1])
  }

  @Test("Weights are packed in pairs, rounded, padded with zeros", arguments: [1, 9])
  func packing(taps: Int) {
    let (outputs, inputs) = (19, 37)
    let (outputBlocks, inputBlocks) = (2, 3)
    let weights = numbers(outputs * inputs * taps, seed: 1)
    for order in [ck_OIhw8i16o2i, ck_OIhw8o16i2o, ck_IOhw8o16i2o] {
      var packed = [UInt16](repeating: 0xffff, count: outputBlocks * inputBlocks * taps * 256)
      ck_pack_weights_bfloat16(weights, Int64(outputs), Int64(inputs), Int64(taps), order, &packed)
      #expect(packed.count { $0 == 0 } == packed.count - weights.count)
      var isRight = true
      for (index, weight) in weights.enumerated() {
        let (o, i, k) = (index / taps / inputs, index / taps % inputs, index % taps)
        let tile = order == ck_IOhw8o16i2o ? i / 16 * outputBlocks + o / 16 : o / 16 * inputBlocks + i / 16
        // The innermost of a pair, the middle one of 16, and where the pair is among 8.
        let (paired, single) = order == ck_OIhw8i16o2i ? (i % 16, o % 16) : (o % 16, i % 16)
        let place = (((tile * taps + k) * 8 + paired / 2) * 16 + single) * 2 + paired % 2
        if packed[place] != rounded(weight) { isRight = false }
      }
      #expect(isRight, "order \(order.rawValue)")
    }
  }
}
