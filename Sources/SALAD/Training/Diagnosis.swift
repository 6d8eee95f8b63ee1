import Autoencoder
import MPI
import Platform
import Radiographs

// B = images in a step, m = images in a micro-batch, tau = temperature

/// Why a step's numbers went out of hand, and what helps: a cure for a cause that it can be, and no other.
struct Diagnosis {
  let configuration: Configuration
  let replica: Replica
  /// The training images' paths by index.
  let images: [String]
  let communicator: Communicator

  /// What one rank knows of it.
  private struct Finding: Codable {
    var rank: Int
    var host: String
    var layer: String?
    /// Some of the images of its first micro-batch that is not sound.
    var images: [String]
  }

  /// All ranks. The error of step `step`.
  ///
  /// - Parameters:
  ///   - step: steps taken before it.
  ///   - what: what was seen, such as `2 micro-batches have gradients that are not finite`.
  ///   - pixels: this rank's micro-batches.
  ///   - image: of the batch, where it is known whose number it is.
  func error(step: Int, _ what: String, pixels: [PixelBatch], image: Int? = nil) throws -> SaladError {
    let faults = replica.faults
    let batch =
      image.map { image in pixels.first { $0.imageIndices.contains(image) } }
      ?? faults.microBatches.first.flatMap { pixels.indices.contains($0) ? pixels[$0] : nil }
    var mine: [Finding] = []
    if batch != nil || faults.layer != nil {
      mine = [
        Finding(
          rank: communicator.rank, host: Host.name, layer: faults.layer,
          images: image.map { [name($0)] } ?? batch.map { $0.imageIndices.prefix(3).map(name) } ?? [])
      ]
    }
    let all = try communicator.allGather(records: mine)  // all ranks
    // Whoever knows images knows most.
    let first = all.first { !$0.images.isEmpty } ?? all.first
    let place = first.map { finding in
      "rank \(finding.rank) on \(finding.host)" + (finding.layer.map { ", layer \($0)" } ?? "")
        + (finding.images.isEmpty
          ? ""
          : ", \(image == nil ? "the micro-batch of " : "")\(finding.images.joined(separator: ", "))"
            + (image == nil ? " ..." : ""))
    }
    let alike = try communicator.allGather(  // all ranks
      records: pixels.filter(\.areAlike).map { $0.imageIndices.prefix(3).map(name) })
    let cure = cure(step: step, alike: alike.first)
    return SaladError(
      .internalError, "step \(step)\(place.map { ", \($0)" } ?? ""): \(what), and the step is not applied: \(cure)")
  }

  /// What can be done, from what is equal on all ranks.
  func cure(step: Int, alike: [String]? = nil) -> String {
    let (tensor, magnitude) = replica.largestWeight
    if magnitude > Self.largestSoundWeight {
      let size = magnitude.isFinite ? "\(magnitude)" : "not finite"
      return step == 0
        ? "the weights that it starts with are too large (one of \(tensor) is \(size)): give other --initial-weights"
        : "the weights have grown out of hand (one of \(tensor) is \(size)): begin another run with a --learning-rate below "
          + "\(configuration.learningRate)"
    }
    if let alike {
      return
        "the images of a micro-batch are all alike (\(alike.joined(separator: ", ")) ...), so that nothing is left of "
        + "them when their mean is taken off: remove copies and blank plates, or let --augmentation standard tell them "
        + "apart"
    }
    // The gradient of an embedding is a difference of unit vectors times this.
    let factor = 2 * configuration.aggregationWeight / (configuration.temperature * Double(configuration.batchSize))
    if factor > Self.largestSoundFactor {
      return configuration.aggregationWeight > 100
        ? "--aggregation-weight \(configuration.aggregationWeight) makes gradients too large: begin another run with a "
          + "lower one"
        : "--temperature \(configuration.temperature) makes gradients too large: begin another run with a higher one"
    }
    if configuration.reconstructionWeight > Self.largestSoundFactor {
      return
        "--reconstruction-weight \(configuration.reconstructionWeight) makes gradients too large: begin another run "
        + "with a lower one"
    }
    if configuration.precision == .bfloat16 {
      return
        "the weights are sound, so activations may need more than bfloat16: begin another run with --precision float32"
    }
    return step == 0
      ? "no step was taken yet and the weights are sound, so no smaller step helps: look at the images"
      : "the weights are sound, but losses may have grown before (metrics.jsonl tells): begin another run with a "
        + "--learning-rate below \(configuration.learningRate), or look at the images"
  }

  /// Trained weights are below 10.
  private static let largestSoundWeight: Float = 30
  /// By default it is 0.6.
  private static let largestSoundFactor = 1e4

  private func name(_ image: Int) -> String { images.isEmpty ? "\(image)" : images[image] }
}

extension PixelBatch {
  /// Whether all images show the same.
  fileprivate var areAlike: Bool {
    let count = pixels.count / max(1, imageIndices.count)
    return (1..<max(1, imageIndices.count)).allSatisfy { pixels[$0 * count..<($0 + 1) * count] == pixels[..<count] }
  }
}
