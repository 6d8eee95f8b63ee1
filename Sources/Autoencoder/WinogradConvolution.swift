import CNetworkKernels
import Platform

/// A 3 x 3 convolution of stride 1, padded by 1, by Winograd's F(4 x 4, 3 x 3), on one fixed shape: a quarter of the
/// multiplications. Needs AVX-512 with blocks of 16 channels.
///
/// It runs on the calling thread alone and has no state: any number of threads may use it, each with its own scratch.
struct WinogradConvolution: Sendable {
  let images: Int
  /// Of `OneDNN.block` channels.
  let inputBlocks: Int
  let outputBlocks: Int
  /// A multiple of 4.
  let side: Int
  /// Of activations; weights are floats, and so is all that is computed.
  let layout: Int64

  /// Whether this process may use it.
  static var isAvailable: Bool {
    #if arch(x86_64)
      OneDNN.block == 8 || CPULevel.inUse >= .avx512
    #else
      false
    #endif
  }

  /// Bytes.
  var scratchSize: Int {
    MemoryLayout<Float>.stride
      * Int(ck_winograd_scratch(Int64(images), Int64(inputBlocks), Int64(outputBlocks), Int64(side), layout))
  }

  /// One of its passes, for a team; what it reads and writes is still to be filled in.
  func pass(_ kind: ck_winograd_kind) -> ck_winograd_pass {
    var pass = ck_winograd_pass()
    pass.kind = kind
    (pass.images, pass.input_blocks, pass.output_blocks) = (Int64(images), Int64(inputBlocks), Int64(outputBlocks))
    (pass.side, pass.layout) = (Int64(side), layout)
    return pass
  }

  /// - Parameters:
  ///   - weights: OIhw<block>i<block>o.
  ///   - normalisation: of the output, where one follows on the way to memory.
  func forward(
    _ source: UnsafeRawPointer, weights: UnsafePointer<Float>, then normalisation: ck_normalisation? = nil,
    into destination: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer
  ) {
    func run(_ then: UnsafePointer<ck_normalisation>?) {
      ck_winograd_convolve(
        source, weights, Int64(images), Int64(inputBlocks), Int64(outputBlocks), Int64(side), layout, then, destination,
        scratch.assumingMemoryBound(to: Float.self))
    }
    guard let normalisation else { return run(nil) }
    withUnsafePointer(to: normalisation) { run($0) }
  }

  /// - Parameter weights: OIhw<block>o<block>i.
  func backwardData(
    _ gradient: UnsafeRawPointer, weights: UnsafePointer<Float>, into sourceGradient: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    ck_winograd_source_gradient(
      gradient, weights, Int64(images), Int64(inputBlocks), Int64(outputBlocks), Int64(side), layout, sourceGradient,
      scratch.assumingMemoryBound(to: Float.self))
  }

  /// - Parameter weightGradient: OIhw<block>i<block>o.
  func backwardWeights(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, into weightGradient: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    ck_winograd_weight_gradient(
      source, gradient, Int64(images), Int64(inputBlocks), Int64(outputBlocks), Int64(side), layout, weightGradient,
      scratch.assumingMemoryBound(to: Float.self))
  }
}
