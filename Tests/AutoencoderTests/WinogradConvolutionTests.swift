import CNetworkKernels
import Platform
import Radiographs
import Testing

@testable import Autoencoder

// ConvolutionTests compares the passes with their definition.

@Suite("Winograd's convolution", .enabled(if: WinogradConvolution.isAvailable, "this CPU is no x86-64"))
struct WinogradConvolutionTests {
  @Test(
    "Normalising on the way to memory is normalising afterwards",
    arguments: [(side: 8, pools: false), (8, true), (36, true)],
    Precision.allCases.filter(\.isSupported))
  func normalisation(_ map: (side: Int, pools: Bool), precision: Precision) throws {
    let (images, inputBlocks, outputBlocks, pixels) = (2, 2, 3, map.side * map.side)
    let block = OneDNN.block
    let kernel = WinogradConvolution(
      images: images, inputBlocks: inputBlocks, outputBlocks: outputBlocks, side: map.side, layout: precision.layout)
    let random = CounterRandom(7)
    func numbers(_ count: Int, from first: UInt64) throws -> AlignedBuffer<Float> {
      let buffer = try AlignedBuffer<Float>(count: count)
      for index in 0..<count { buffer.pointer[index] = Float(random.uniform(first + UInt64(index))) - 0.5 }
      return buffer
    }
    let source = try numbers(images * inputBlocks * pixels * block, from: 0)
    if precision == .bfloat16 { ck_round_to_bfloat16(source.pointer, Int64(source.count), source.pointer) }
    let weights = try numbers(inputBlocks * outputBlocks * 9 * block * block, from: 1 << 32)
    let (scale, shift) = (
      try numbers(outputBlocks * block, from: 2 << 32), try numbers(outputBlocks * block, from: 3 << 32)
    )
    let scratch = try AlignedBuffer<UInt8>(count: kernel.scratchSize)
    let count = images * outputBlocks * pixels * block
    let (values, expected, result) = (
      try AlignedBuffer<Float>(count: count), try AlignedBuffer<Float>(count: count),
      try AlignedBuffer<Float>(count: count)
    )

    kernel.forward(source.pointer, weights: weights.pointer, into: values.pointer, scratch: scratch.pointer)
    let (n, blocks, side) = (Int64(images), Int64(outputBlocks), Int64(map.side))
    if map.pools {
      ck_normalise_pool(
        values.pointer, n, blocks, side, side, precision.layout, scale.pointer, shift.pointer, 0.1, expected.pointer)
    } else {
      ck_normalise(
        values.pointer, n, blocks, side * side, precision.layout, scale.pointer, shift.pointer, 0.1, expected.pointer)
    }
    kernel.forward(
      source.pointer, weights: weights.pointer,
      then: ck_normalisation(scale: scale.pointer, shift: shift.pointer, slope: 0.1, pools: map.pools ? 1 : 0),
      into: result.pointer, scratch: scratch.pointer)

    let (width, channels) = (map.pools ? map.side / 2 : map.side, outputBlocks * block)
    func plain(_ buffer: AlignedBuffer<Float>) -> [Float] {
      var plain = [Float](repeating: .nan, count: images * channels * width * width)
      ck_from_blocked(buffer.pointer, n, Int64(channels), Int64(width * width), precision.layout, &plain)
      return plain
    }
    switch precision {
    case .float32: #expect(plain(result) == plain(expected))
    case .bfloat16:
      // Afterwards, what is normalised has been rounded already: values of up to 2^4, by 2^-9 of them, scaled by 1/2.
      #expect(zip(plain(result), plain(expected)).allSatisfy { abs($0 - $1) <= 0x1p-6 + 0x1p-8 * abs($1) })
    }
  }
}
