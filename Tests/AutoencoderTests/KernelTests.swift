import CNetworkKernels
import Platform
import Radiographs
import Testing

// The passes over blocked activations against the plain loops that they stand for, for both widths of a block: bit for
// bit where the order of the operations is the loop's, within rounding where sums are taken in other orders.

@Suite("Network kernels")
struct KernelTests {
  static let blocks = [8, 16]

  /// `count` numbers in -1...1.
  private func numbers(_ count: Int, seed: UInt64 = 1) -> [Float] {
    (0..<count).map { Float(2 * CounterRandom(seed).uniform(UInt64($0)) - 1) }
  }

  /// The channel of element `index` of (images, blocks, pixels, block).
  private func channel(_ index: Int, blocks: Int, pixels: Int, block: Int) -> Int {
    index / (pixels * block) % blocks * block + index % block
  }

  @Test("Moments are the sums over images and pixels", arguments: blocks)
  func moments(block: Int) {
    let (images, blocks, pixels) = (3, 2, 35)
    let values = numbers(images * blocks * pixels * block)
    var (sum, squares) = ([Double](repeating: 0, count: blocks * block), [Double](repeating: 0, count: blocks * block))
    ck_batch_moments(values, Int64(images), Int64(blocks), Int64(pixels), Int64(block), &sum, &squares)
    var (expected, expectedSquares) = (sum.map { _ in 0.0 }, sum.map { _ in 0.0 })
    for (index, value) in values.enumerated() {
      let c = channel(index, blocks: blocks, pixels: pixels, block: block)
      expected[c] += Double(value)
      expectedSquares[c] += Double(value) * Double(value)
    }
    // 105 additions in double of numbers up to 1, in another order.
    for c in sum.indices {
      #expect(abs(sum[c] - expected[c]) < 1e-12)
      #expect(abs(squares[c] - expectedSquares[c]) < 1e-12)
    }
  }

  @Test("Normalising is a multiplication, an addition and a leaky ReLU", arguments: blocks)
  func normalise(block: Int) {
    let (images, blocks, pixels) = (2, 3, 21)
    let values = numbers(images * blocks * pixels * block)
    let (scale, shift) = (numbers(blocks * block, seed: 2), numbers(blocks * block, seed: 3))
    var output = values
    ck_normalise(values, Int64(images), Int64(blocks), Int64(pixels), Int64(block), scale, shift, 0.1, &output)
    for (index, value) in values.enumerated() {
      let c = channel(index, blocks: blocks, pixels: pixels, block: block)
      let z = value * scale[c] + shift[c]
      #expect(output[index] == (z > 0 ? z : z * 0.1))
    }
  }

  @Test("Pooling keeps the largest of each window, and its gradient goes there", arguments: blocks)
  func pool(block: Int) {
    let (images, blocks, side) = (2, 1, 6)
    let values = numbers(images * blocks * side * side * block)
    let (scale, shift) = (numbers(block, seed: 2), numbers(block, seed: 3))
    var pooled = [Float](repeating: 0, count: values.count / 4)
    let s = Int64(side)
    ck_normalise_pool(values, Int64(images), Int64(blocks), s, s, Int64(block), scale, shift, 0.1, &pooled)
    let gradient = numbers(pooled.count, seed: 4)
    // With means of zero the value gradient is scale * (the gradient through activation and maximum).
    let zeros = [Float](repeating: 0, count: block)
    var valueGradient = values
    ck_normalise_pool_backward(
      values, gradient, Int64(images), Int64(blocks), s, s, Int64(block), scale, shift, 0.1, zeros, zeros, zeros, zeros,
      &valueGradient)
    for (index, result) in pooled.enumerated() {
      let c = index % block
      let (x, y, plane) = (
        index / block % (side / 2), index / block / (side / 2) % (side / 2), index / block / (side * side / 4)
      )
      let places = [(0, 0), (0, 1), (1, 0), (1, 1)].map {
        ((plane * side + 2 * y + $0.0) * side + 2 * x + $0.1) * block + c
      }
      let activations = places.map { place -> Float in
        let z = values[place] * scale[c] + shift[c]
        return z > 0 ? z : z * 0.1
      }
      #expect(result == activations.max())
      let winner = activations.firstIndex(of: activations.max()!)!
      for (k, place) in places.enumerated() {
        let slope: Float = activations[k] > 0 ? 1 : 0.1
        #expect(valueGradient[place] == (k == winner ? scale[c] * (gradient[index] * slope) : 0))
      }
    }
  }

  @Test("Upsampling aligns the corners, and its gradient is its transpose", arguments: blocks)
  func upsample(block: Int) {
    for side in [1, 2, 5] {
      let planes = 3
      let values = numbers(planes * side * side * block)
      var output = [Float](repeating: 0, count: 4 * values.count)
      ck_upsample(values, Int64(planes), Int64(side), Int64(side), Int64(block), &output)
      let big = 2 * side
      for plane in 0..<planes {
        for (corner, place) in [(0, 0), (side - 1, big - 1)] {
          let from = ((plane * side + corner) * side + corner) * block
          let to = ((plane * big + place) * big + place) * block
          #expect(Array(values[from..<from + block]) == Array(output[to..<to + block]))
        }
      }
      let gradient = numbers(output.count, seed: 5)
      var transposed = values
      ck_upsample_backward(gradient, Int64(planes), Int64(side), Int64(side), Int64(block), &transposed)
      let forward = zip(output, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      let backward = zip(values, transposed).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(forward - backward) < 1e-5 * Double(output.count).squareRoot())
    }
  }

  @Test("A plain image is upsampled as a block of channels is, bit for bit, there and back")
  func upsampleImage() {
    let (side, planes, block) = (5, 3, 8)
    let images = numbers(planes * side * side)
    func blocked(_ plain: [Float]) -> [Float] { plain.flatMap { [Float](repeating: $0, count: block) } }
    func first(_ blocked: [Float]) -> [Float] { stride(from: 0, to: blocked.count, by: block).map { blocked[$0] } }
    var (output, outputs) = (images + images + images + images, blocked(images + images + images + images))
    ck_upsample_image(images, Int64(planes), Int64(side), Int64(side), &output)
    ck_upsample(blocked(images), Int64(planes), Int64(side), Int64(side), Int64(block), &outputs)
    #expect(output == first(outputs))
    let gradient = numbers(output.count, seed: 2)
    var (back, backs) = (images, blocked(images))
    ck_upsample_image_backward(gradient, Int64(planes), Int64(side), Int64(side), &back)
    ck_upsample_backward(blocked(gradient), Int64(planes), Int64(side), Int64(side), Int64(block), &backs)
    #expect(back == first(backs))
  }

  @Test("The mean over pixels and its gradient", arguments: blocks)
  func mean(block: Int) {
    let (images, blocks, pixels) = (2, 2, 9)
    let values = numbers(images * blocks * pixels * block)
    var means = [Float](repeating: 0, count: images * blocks * block)
    ck_mean_over_pixels(values, Int64(images), Int64(blocks), Int64(pixels), Int64(block), &means)
    var sums = values
    ck_mean_over_pixels_backward(means, Int64(images), Int64(blocks), Int64(pixels), Int64(block), &sums)
    for index in means.indices {
      let places = (0..<pixels).map { (index / block * pixels + $0) * block + index % block }
      let mean = places.reduce(0.0) { $0 + Double(values[$1]) } / Double(pixels)
      #expect(means[index] == Float(mean))
      for place in places { #expect(sums[place] == values[place] + means[index] / Float(pixels)) }
    }
  }

  @Test("Weights survive packing, padded channels are zero", arguments: blocks)
  func packing(block: Int) {
    let (outputs, inputs, taps) = (block + 3, 2 * block + 5, 9)
    let weights = numbers(outputs * inputs * taps)
    let count = 2 * block * 3 * block * taps
    var packed = [Float](repeating: .nan, count: count)
    ck_pack_weights(weights, Int64(outputs), Int64(inputs), Int64(taps), Int64(block), 1, &packed)
    #expect(packed.count { $0 == 0 } == count - weights.count)
    var back = weights.map { _ in Float.nan }
    ck_unpack_weights(packed, Int64(outputs), Int64(inputs), Int64(taps), Int64(block), &back)
    #expect(back == weights)
  }

  @Test("Weight gradients on the image and on tiny maps are sums of products", arguments: blocks)
  func weightGradients(block: Int) {
    let images = 3
    for (side, inputs, stride) in [(1, block, 1), (2, block, 1), (7, 1, 1), (6, 3, 1), (6, 3, 2), (10, 1, 2)] {
      let width = side / stride
      let reads = inputs < block
      let source = numbers(images * inputs * side * side, seed: 1)
      let gradient = numbers(images * block * width * width, seed: 2)
      func sourceAt(_ n: Int, _ i: Int, _ y: Int, _ x: Int) -> Double {
        guard (0..<side).contains(y), (0..<side).contains(x) else { return 0 }
        let place = reads ? ((n * inputs + i) * side + y) * side + x : ((n * side + y) * side + x) * block + i
        return Double(source[place])
      }
      var result = [Double](repeating: 0, count: 9 * inputs * block)
      if reads {
        ck_image_weight_gradient(
          source, gradient, Int64(images), Int64(inputs), 1, Int64(side), 3, Int64(stride), Int64(block), &result)
      } else {
        var packed = result.map { _ in Float(0) }
        ck_small_map_weight_gradient(
          source, gradient, Int64(images), 1, 1, Int64(side), 3, Int64(block), &packed)
        result = packed.map(Double.init)
      }
      for i in 0..<inputs {
        for tap in 0..<9 {
          for o in 0..<block {
            var sum = 0.0
            for n in 0..<images {
              for y in 0..<width {
                for x in 0..<width {
                  sum +=
                    Double(gradient[((n * width + y) * width + x) * block + o])
                    * sourceAt(n, i, y * stride + tap / 3 - 1, x * stride + tap % 3 - 1)
                }
              }
            }
            let place = reads ? (i * 9 + tap) * block + o : (tap * block + i) * block + o
            // At most 147 products up to 1, added in float.
            #expect(abs(result[place] - sum) < 1e-5)
          }
        }
      }
    }
  }

  @Test("Dense products are products of matrices, whatever rows come along")
  func dense() {
    let (images, rows, inner) = (5, 7, 37)
    let (input, weights) = (numbers(images * inner, seed: 1), numbers(rows * inner, seed: 2))
    var output = [Float](repeating: 0, count: images * rows)
    ck_dense(input, weights, Int64(images), Int64(rows), Int64(inner), &output)
    var transposed = [Float](repeating: 0, count: images * inner)
    ck_dense_transposed(output, weights, Int64(images), Int64(rows), Int64(inner), &transposed)
    var outer = weights
    ck_dense_outer(output, input, Int64(images), Int64(rows), Int64(inner), &outer)
    for n in 0..<images {
      var alone = [Float](repeating: 0, count: rows)
      ck_dense(Array(input[n * inner..<(n + 1) * inner]), weights, 1, Int64(rows), Int64(inner), &alone)
      #expect(alone == Array(output[n * rows..<(n + 1) * rows]))
      for row in 0..<rows {
        let sum = (0..<inner).reduce(0.0) { $0 + Double(input[n * inner + $1]) * Double(weights[row * inner + $1]) }
        #expect(abs(Double(output[n * rows + row]) - sum) < 1e-5)
      }
      for k in 0..<inner {
        var sum: Float = 0
        for row in 0..<rows { sum += output[n * rows + row] * weights[row * inner + k] }
        #expect(transposed[n * inner + k] == sum)
      }
    }
    for row in 0..<rows {
      for k in 0..<inner {
        var sum = output[row] * input[k]
        for n in 1..<images { sum += output[n * rows + row] * input[n * inner + k] }
        #expect(outer[row * inner + k] == sum)
      }
    }
  }

  @Test("Adam is its formula, element by element")
  func adam() {
    let count = 37
    let gradient = numbers(count, seed: 4)
    var (weights, first, second) = (
      numbers(count, seed: 1), numbers(count, seed: 2), numbers(count, seed: 3).map { $0 * $0 }
    )
    let (w, m, v) = (weights, first, second)
    ck_adam(&weights, &first, &second, gradient, Int64(count), 0.9, 0.999, 0.01, 1.5, 1e-8, 0.1)
    for i in 0..<count {
      let g = gradient[i] + w[i] * 0.1
      #expect(first[i] == m[i] * 0.9 + g * Float(1 - 0.9 as Double))
      #expect(second[i] == v[i] * 0.999 + g * g * Float(1 - 0.999 as Double))
      #expect(weights[i] == w[i] - first[i] * 0.01 / (second[i].squareRoot() * 1.5 + 1e-8))
    }
  }
}
