// CONTRACT STUB: signatures are agreed, bodies are not.
import COneDNN
import COpenBLAS
import CKernels
import ExactSum
import Radiographs
import Safetensors

public enum Architecture: String, Codable, Sendable, CaseIterable { case unet, resnet18 }
public enum ReconstructionLoss: String, Codable, Sendable, CaseIterable { case l1, mse }

/// What fixes a network's tensors and shapes.
public struct NetworkConfiguration: Codable, Sendable, Equatable {
  public var architecture: Architecture
  public var size: Int                 // S: 64, 128, 256 or 512
  public var channels: Int             // C: 1 or 3
  public var maximumWidth: Int         // caps every level's channels
  public var embeddingDimension: Int   // D
  public init(architecture: Architecture, size: Int, channels: Int, maximumWidth: Int, embeddingDimension: Int) {
    self.architecture = architecture; self.size = size; self.channels = channels
    self.maximumWidth = maximumWidth; self.embeddingDimension = embeddingDimension
  }
}

/// What one rank has after its micro-batches of a step: exact sums, equal on all ranks after an all-reduce SUM.
public struct StepSums: ~Copyable {
  /// (gradients | batch-norm statistics | reconstruction loss | micro-batches that saw NaN, infinity or overflow), one buffer, one all-reduce.
  public var fixed: UnsafeMutableBufferPointer<Int64> { fatalError("stub") }
  /// Micro-batches that went wrong; read it after the all-reduce.
  public var faults: Int { fatalError("stub") }
  /// Mean reconstruction loss over the step's images.
  public var reconstructionLoss: Double { fatalError("stub") }
}

/// This rank's replica of the autoencoder: parameters, Adam's moments and the workers that compute micro-batches.
public final class Replica {
  public let configuration: NetworkConfiguration
  /// - microBatch: m, images in one. - workers: threads, each computing one micro-batch alone.
  /// - activationLimit: bytes for kept activations; micro-batches beyond it are recomputed in backward (same bits).
  public init(configuration: NetworkConfiguration, microBatch: Int, workers: Int, training: Bool, activationLimit: Int) throws { fatalError("stub") }
  /// Uniform draws from (seed, name, element), BN scales 1, shifts 0.
  public func initialise(seed: UInt64) { fatalError("stub") }
  public var parameterCount: Int { fatalError("stub") }

  // Training. forward, backward and update, in that order, once a step.

  /// Forward of this rank's micro-batches; activations are kept for `backward`. Local. May be called with none.
  /// - Parameters imagesInStep: of all ranks, for the divisors. microBatchesInStep: of all ranks.
  /// - Returns: (micro-batches * m, D), unit rows.
  public func forward(_ batches: [PixelBatch], imagesInStep: Int, microBatchesInStep: Int, reconstructionLoss: ReconstructionLoss, reconstructionWeight: Double) throws -> [Float] { fatalError("stub") }
  /// Backward of the micro-batches given to `forward`; their gradients are added to `sums`. Local.
  /// - Parameter embeddingGradients: (micro-batches * m, D), d total loss / d z.
  public func backward(embeddingGradients: [Float]) throws { fatalError("stub") }
  /// Cleared by `forward`, filled by `backward`; the trainer all-reduces `fixed`, then calls `update`.
  public var sums: StepSums { _read { fatalError("stub") } }
  /// Adam and the running statistics, from the all-reduced sums: the same bits on every rank. Local.
  public func update(learningRate: Double, weightDecay: Double) { fatalError("stub") }
  /// Adam steps taken.
  public var stepsTaken: Int { fatalError("stub") }

  // Scoring.

  /// Embeddings of clean images in eval mode, encoder only. Local.
  /// - Parameter images: (count, S, S) in -1...1, any count: cut into fixed micro-batches, the last padded with blanks.
  /// - Returns: (count, D), unit rows; a row depends neither on company nor on position.
  public func embed(_ images: UnsafeBufferPointer<Float>, count: Int) throws -> [Float] { fatalError("stub") }

  // Files. Tensors in the network's order, PyTorch names and shapes.

  public func saveModel(to path: String, metadata: [String: String]) throws { fatalError("stub") }
  public func loadModel(_ file: SafetensorsFile) throws { fatalError("stub") }
  /// Adam's moments named exp_avg.NAME and exp_avg_sq.NAME, the step as I64 `step`; `extra` tensors follow.
  public func saveOptimizer(to path: String, extra: [(TensorDescription, [Int64])]) throws { fatalError("stub") }
  public func loadOptimizer(_ file: SafetensorsFile) throws { fatalError("stub") }
}
