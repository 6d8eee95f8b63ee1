import CNetworkKernels
import Platform

/// What activations, their gradients and the weights that convolutions read are stored as.
///
/// Whatever it is, parameters, Adam's moments, gradients of weights, statistics of batch normalisation, what goes into and
/// comes out of the bottleneck, reconstructions and losses are 32-bit floats, and sums are no coarser.
public enum Precision: String, Codable, Sendable, CaseIterable {
  case float32
  /// The upper half of a float: 8 significant bits, to which results are rounded, ties to even.
  case bfloat16

  /// - Throws: `AutoencoderError` where this machine cannot compute so.
  public func requireSupport() throws(AutoencoderError) {
    guard self == .float32 || OneDNN.hasBFloat16 else {
      // Those of the CPU were perhaps not to be used.
      let cure = CPULevel.isHeld && CPULevel.best == .avx512BFloat16 ? ", or --cpu avx512_bf16" : ""
      throw AutoencoderError(
        .refused,
        "--precision \(rawValue) needs a CPU with instructions for it (AVX-512 BF16 or AMX), found "
          + "\(OneDNN.instructionSet): give --precision float32\(cure)")
    }
  }

  /// Whether `requireSupport` succeeds.
  public var isSupported: Bool { self == .float32 || OneDNN.hasBFloat16 }

  /// Bytes.
  var elementSize: Int { self == .float32 ? 4 : 2 }

  /// How blocked activations lie in memory, as the kernels number it.
  var layout: Int64 {
    switch self {
    case .float32: Int64(OneDNN.block)
    case .bfloat16: Int64(ck_blocks_of_16_bfloat16)
    }
  }
}
