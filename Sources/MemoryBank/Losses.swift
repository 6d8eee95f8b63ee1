import ExactSum
import Foundation
public import MPI

// B = batch size, N = bank rows, D = embedding dimension, A' = neighbours of an anchor, tau = temperature

/// The embedding losses of a batch, and their gradient. Equal on all ranks.
public struct EmbeddingLoss: Sendable {
  /// Over the batch: each image's instance loss or, for an anchor, its aggregation loss.
  public var mean: Double
  /// Over the images that are no anchors; 0 when there is none.
  public var instanceMean: Double
  public var instanceCount: Int
  /// Over the anchors; 0 when there is none.
  public var aggregationMean: Double
  public var aggregationCount: Int
  /// (B, D): weight * d mean / d z.
  public var gradient: [Float]
}

extension MemoryBank {
  /// The embedding losses of a batch and their gradient, through the softmax over all N rows. All ranks.
  ///
  /// Instance loss of image i: -log p_ii. Aggregation loss of an anchor i: -log(p_ii + sum over its neighbours p_ij).
  /// With S_i the image and, for an anchor, its neighbours, and w_ij = p_ij / sum over S_i of p_ik, both have the
  /// gradient
  ///
  ///     d loss_i / d z_i = (sum over all N of p_ij m_j - sum over S_i of w_ij m_j) / tau
  ///
  /// No gradient reaches the bank.
  ///
  /// - Parameters:
  ///   - imageIndices: the whole batch's, B of 0 ..< N, equal on all ranks.
  ///   - embeddings: (B, D), the whole batch's, rows of unit length, equal on all ranks.
  ///   - temperature: tau, above 0.
  ///   - weight: factor of the gradient, not of the losses.
  /// - Throws: `MemoryBankError` on all ranks when an embedding or a row is not finite; `MPIError`.
  public func embeddingLoss(
    imageIndices: [Int], embeddings: [Float], neighbourhoods: AnchorNeighbourhoods, temperature: Double,
    weight: Double, communicator: Communicator
  ) throws -> EmbeddingLoss {
    let batch = imageIndices.count
    precondition(
      batch > 0 && embeddings.count == batch * dimension,
      "\(embeddings.count) values for \(batch) embeddings of dimension \(dimension)")
    let targets = Targets(imageIndices, neighbourhoods, rows: sharding.rows)
    try MemoryBankError.check(embeddings: embeddings, dimension: dimension)

    var assignment = Assignment(self, capacity: batch, temperature: temperature)
    assignment.compare(embeddings)

    // A maximum is exact in any order; so is the copy that the rank that owns a row makes of its similarity.
    let (maxima, faults) = assignment.maxima()
    var largest = maxima + targets.similarities { assignment.similarity(of: $0, to: $1) }
    try communicator.allReduce(&largest, .max)  // all ranks
    let maximum = Array(largest[..<batch])

    var sums = ExactSum(assignment.exponentialSums(maxima: maximum), faults: faults, scale: .probability)
    try sums.allReduce(communicator)  // all ranks
    try MemoryBankError.check(faults: sums.faults, step: "softmax")
    let denominators = sums.values

    let assigned = targets.assigned(
      similarities: largest[batch...].map(Double.init), maxima: maximum.map(Double.init), denominators: denominators,
      temperature: temperature)

    assignment.becomeProbabilities(maxima: maximum, denominators: denominators)
    for (target, coefficient) in zip(targets.all, assigned.coefficients) {
      assignment.setCoefficient(coefficient, of: target.embedding, for: target.image)
    }
    var gradient = assignment.weightedSums()
    try gradient.allReduce(communicator)  // all ranks
    try MemoryBankError.check(faults: gradient.faults, step: "gradient")

    let factor = weight / (temperature * Double(batch))
    return EmbeddingLoss(
      losses: assigned.losses, areAnchors: targets.areAnchors,
      gradient: gradient.values.map { Float(factor * $0) })
  }
}

extension EmbeddingLoss {
  fileprivate init(losses: [Double], areAnchors: [Bool], gradient: [Float]) {
    // In the batch's order, which is equal on all ranks.
    var sums = (instance: 0.0, aggregation: 0.0)
    for (loss, isAnchor) in zip(losses, areAnchors) {
      if isAnchor { sums.aggregation += loss } else { sums.instance += loss }
    }
    aggregationCount = areAnchors.count { $0 }
    instanceCount = losses.count - aggregationCount
    aggregationMean = aggregationCount == 0 ? 0 : sums.aggregation / Double(aggregationCount)
    instanceMean = instanceCount == 0 ? 0 : sums.instance / Double(instanceCount)
    mean = (sums.instance + sums.aggregation) / Double(losses.count)
    self.gradient = gradient
  }
}

/// What each image of a batch should be assigned to: S_i, the image itself and, for an anchor, its neighbours.
private struct Targets {
  struct Target {
    let embedding: Int
    let image: Int
  }
  /// Image after image.
  private(set) var all: [Target] = []
  /// B: which of `all` are this image's.
  private var ranges: [Range<Int>] = []
  /// B.
  private(set) var areAnchors: [Bool] = []

  init(_ imageIndices: [Int], _ neighbourhoods: AnchorNeighbourhoods, rows: Int) {
    for (embedding, image) in imageIndices.enumerated() {
      let neighbours = neighbourhoods.neighbours(of: image)
      areAnchors.append(neighbours != nil)
      let first = all.count
      for target in [image] + (neighbours ?? []) {
        precondition((0..<rows).contains(target), "image \(target) of \(rows)")
        all.append(Target(embedding: embedding, image: target))
      }
      ranges.append(first..<all.count)
    }
  }

  /// The similarity of every target, -infinity where `similarity` has none or none that is a number.
  func similarities(_ similarity: (Int, Int) -> Float?) -> [Float] {
    all.map { target in
      guard let value = similarity(target.embedding, target.image), value.isFinite else { return -.infinity }
      return value
    }
  }

  /// The losses (B), and p_ij - w_ij of every target, in double on every rank.
  ///
  /// Through log-sum-exp over the targets: at a small tau their probabilities are 0, their logarithms are not.
  func assigned(
    similarities: [Double], maxima: [Double], denominators: [Double], temperature: Double
  ) -> (losses: [Double], coefficients: [Double]) {
    var losses: [Double] = []
    var coefficients: [Double] = []
    for (embedding, range) in ranges.enumerated() {
      let nearest = range.reduce(-.infinity) { max($0, similarities[$1]) }
      let terms = range.map { exp((similarities[$0] - nearest) / temperature) }
      let sum = terms.reduce(0, +)
      losses.append((maxima[embedding] - nearest) / temperature + log(denominators[embedding]) - log(sum))
      for (target, term) in zip(range, terms) {
        let probability = exp((similarities[target] - maxima[embedding]) / temperature) / denominators[embedding]
        coefficients.append(probability - term / sum)
      }
    }
    return (losses, coefficients)
  }
}
