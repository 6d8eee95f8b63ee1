import COneDNN

/// oneDNN's convolution on one fixed shape: the only file that calls it.
///
/// It runs on the calling thread alone and has no state: any number of threads may use it, each with its own scratch.
final class OneDNNConvolution: @unchecked Sendable {
  private let handle: OpaquePointer

  init(_ shape: ck_convolution_shape) throws {
    var shape = shape
    var reason = [CChar](repeating: 0, count: 200)
    guard let handle = ck_convolution_create(&shape, &reason, reason.count) else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw AutoencoderError(
        .unsupported,
        "No convolution of \(shape.images) x \(shape.input_channels) x \(shape.height) x \(shape.width) to"
          + " \(shape.output_channels) channels could be made: \(text).")
    }
    self.handle = handle
  }

  deinit { ck_convolution_destroy(handle) }

  /// Bytes.
  var scratchSize: Int { ck_convolution_scratch_size(handle) }

  func forward(
    _ source: UnsafeRawPointer, weights: UnsafeRawPointer, into destination: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    check(ck_convolution_run_forward(handle, source, weights, destination, scratch))
  }

  func backwardData(
    _ gradient: UnsafeRawPointer, weights: UnsafeRawPointer, into sourceGradient: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    check(ck_convolution_run_backward_data(handle, gradient, weights, sourceGradient, scratch))
  }

  func backwardWeights(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, into weightGradient: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    check(ck_convolution_run_backward_weights(handle, source, gradient, weightGradient, scratch))
  }

  /// A primitive that was made runs: oneDNN can only fail for want of the few bytes of its arguments.
  private func check(_ status: Int32) {
    precondition(status == 0, "oneDNN returned status \(status) from a convolution that it had prepared")
  }
}

/// What oneDNN found on this machine.
public enum OneDNN {
  /// Channels side by side in a blocked activation: 16 with AVX-512, 8 without.
  static let block = Int(ck_onednn_block())

  /// Whether the convolutions use the CPU's own instructions for bfloat16.
  static var hasBFloat16: Bool { ck_onednn_has_bfloat16() == 1 }

  /// The instruction set that the convolutions use, such as `avx512_core_bf16`.
  public static var instructionSet: String { String(cString: ck_onednn_instruction_set()) }

  /// Such as `2.6.0`.
  public static var version: String {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    ck_onednn_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }
}

/// Channels rounded up to whole blocks.
func padded(_ channels: Int) -> Int { (channels + OneDNN.block - 1) / OneDNN.block * OneDNN.block }
