import MemoryBank
import Safetensors

/// What a checkpoint must hold beside weights, moments and bank, so that a resumed run takes the same steps and
/// writes the same metrics as one that never stopped. Travels in optimizer.safetensors as I64 tensors.
struct TrainingProgress {
  var anchors: AnchorNeighbourhoods
  var epochLosses: EpochLosses

  init(anchors: AnchorNeighbourhoods, epochLosses: EpochLosses) {
    self.anchors = anchors
    self.epochLosses = epochLosses
  }

  /// - Parameters:
  ///   - file: optimizer.safetensors of a checkpoint.
  ///   - images: N.
  init(_ file: SafetensorsFile, images imageCount: Int) throws {
    let images = try file.int64s("anchors").map(Int.init)
    let neighbours = try file.int64s("neighbours").map(Int.init)
    let perAnchor = try file.int64s("neighbours_per_anchor", shape: [1]).map(Int.init)[0]
    // In this order the product stays small: there are at least as many neighbours as one anchor has.
    guard perAnchor >= 0, images.isEmpty || perAnchor <= neighbours.count, neighbours.count == images.count * perAnchor
    else {
      throw SaladError(
        .badData,
        "\(file.path): neighbours has \(neighbours.count) elements, expected \(perAnchor) for each of "
          + "\(images.count) anchors")
    }
    if let stranger = (images + neighbours).first(where: { !(0..<imageCount).contains($0) }) {
      throw SaladError(
        .badData, "\(file.path): expected anchors and neighbours among \(imageCount) images, found \(stranger)")
    }
    anchors = AnchorNeighbourhoods(anchors: images, neighbours: neighbours, neighboursPerAnchor: perAnchor)
    epochLosses = EpochLosses(bits: try file.int64s("epoch_losses", shape: [4]))
  }

  var tensors: [(TensorDescription, [Int64])] {
    func tensor(_ name: String, _ values: [Int64], _ shape: [Int]) -> (TensorDescription, [Int64]) {
      (TensorDescription(name: name, type: .int64, shape: shape), values)
    }
    let perAnchor = anchors.neighboursPerAnchor
    return [
      tensor("anchors", anchors.anchors.map(Int64.init), [anchors.anchors.count]),
      tensor("neighbours", anchors.neighbours.map(Int64.init), [anchors.anchors.count, perAnchor]),
      tensor("neighbours_per_anchor", [Int64(perAnchor)], [1]),
      tensor("epoch_losses", epochLosses.bits, [4]),
    ]
  }
}
