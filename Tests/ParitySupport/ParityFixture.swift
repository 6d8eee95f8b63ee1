import Autoencoder
import Foundation
import Platform
import Radiographs

/// What PyTorch says of one case: `Tests/Reference/make_fixtures.py` wrote it.
public struct ParityFixture: Decodable, Sendable {
  public let `case`: ParityCase
  public let quantities: [Quantity]
  public let choices: [Choice]

  /// One tensor in float64, whole or as random projections.
  public struct Quantity: Decodable, Sendable {
    public let name: String
    public let count: Int
    /// What an error is relative to.
    public let scale: Double
    /// The error of PyTorch's own float32.
    public let torch: Double
    public let tolerance: Double
    let values: [Double]?
    let projections: [Double]?
  }

  /// Images, or pairs of an image and its neighbour as image * N + neighbour.
  public struct Choice: Decodable, Sendable {
    public let name: String
    let values: [Int]
    /// How many may be chosen otherwise: by PyTorch in float32, and at most.
    let torch: Int
    let tolerance: Int
  }

  public init(path: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

/// `Case` of `scenario.py`.
public struct ParityCase: Decodable, Sendable {
  public let name: String
  let architecture: Architecture
  let size: Int
  let channels: Int
  let maximumWidth: Int
  let dimension: Int
  let centre: Centre
  let bankStart: Start
  let rows: Int
  let microBatch: Int
  let batch: Int
  let steps: Int
  let anchorRound: Int
  let augmented: Bool
  let imageSeed: UInt64
  let reconstructionLoss: ReconstructionLoss
  let reconstructionWeight: Double
  let aggregationWeight: Double
  let temperature: Double
  let momentum: Double
  let learningRate: Double
  let weightDecay: Double
  let anchorRate: Double
  let neighbours: Int
  let levels: Levels
  let topK: Int
  let scoreTemperature: Double

  /// What the bank's rows start as.
  enum Start: String, Decodable, Sendable { case pass, random }

  var network: NetworkConfiguration {
    NetworkConfiguration(
      architecture: architecture, size: size, channels: channels, maximumWidth: maximumWidth,
      embeddingDimension: dimension, centre: centre)
  }

  var order: DataOrder {
    DataOrder(imageCount: rows, batchSize: batch, microBatch: microBatch, seed: ParityInputs.orderSeed)
  }
}

// MARK: - Errors

extension ParityFixture {
  /// Ours beside PyTorch's.
  public struct Comparison: Sendable {
    public let quantity: Quantity
    /// Relative to the quantity's scale; estimated to a quarter of itself where only projections are stored.
    public let ours: Double

    public var isMet: Bool { ours <= quantity.tolerance }
  }

  /// Compares what we computed with the quantity of this name.
  public func compare(_ name: String, _ ours: [Double]) -> Comparison {
    guard let quantity = quantities.first(where: { $0.name == name }) else {
      preconditionFailure("\(self.case.name) has no quantity \(name): run make reference")
    }
    precondition(ours.count == quantity.count, "\(name): \(ours.count) elements, expected \(quantity.count)")
    let error: Double
    if let values = quantity.values {
      error = zip(ours, values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    } else {
      let projected = Self.projections(name, ours)
      let differences = zip(projected, quantity.projections ?? []).map { $0 - $1 }
      error = (differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)).squareRoot()
    }
    return Comparison(quantity: quantity, ours: error / quantity.scale)
  }

  /// Eight sums of all elements with random signs: `projections` of `counter_random.py`.
  ///
  /// The difference of two tensors' projections is a sum of their errors with random signs: its square has the mean
  /// |error|^2, whatever the errors are, so none can hide from all eight.
  static func projections(_ name: String, _ values: [Double]) -> [Double] {
    let random = CounterRandom(seed: 0, name: name)
    var sums = SIMD8<Double>()
    for start in stride(from: 0, to: values.count, by: 8) {
      // Byte i of a word belongs to its i-th element, bit k of the byte to projection k.
      var bits = random.bits(UInt64(start / 8))
      for value in values[start..<min(start + 8, values.count)] {
        sums += signs[Int(bits & 255)] * value
        bits >>= 8
      }
    }
    return (0..<8).map { sums[$0] }
  }

  /// For each byte, -1 where a bit is set and 1 where not.
  private static let signs = (0..<256).map { byte in
    SIMD8<Double>((0..<8).map { byte >> $0 & 1 == 0 ? 1 : -1 })
  }
}
