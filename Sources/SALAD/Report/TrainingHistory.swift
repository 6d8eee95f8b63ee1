/// What a run's `metrics.jsonl` tells of its training.
struct TrainingHistory: Sendable, Equatable {
  /// One optimiser step.
  struct Step: Sendable, Equatable {
    var step: Int
    var round: Int
    var images: Int
    var reconstructionLoss: Double
    var embeddingLoss: Double
    var seconds: Double
  }

  /// One epoch, at its end: means over its images.
  struct Epoch: Sendable, Equatable {
    var step: Int
    var round: Int
    /// Images whose neighbours they were trained with.
    var anchors: Int
    var reconstructionLoss: Double
    var embeddingLoss: Double
  }

  var steps: [Step] = []
  var epochs: [Epoch] = []
  /// Lines that are no metrics: torn by a kill, or of another program.
  var unreadable = 0

  /// More is no log of a training.
  static let mostBytes = 1 << 30

  private struct Line: Decodable {
    struct Clock: Decodable { var seconds: Double? }
    var kind: String
    var step: Int
    var round: Int
    var images: Int?
    var anchors: Int?
    var reconstructionLoss: Double
    var embeddingLoss: Double
    var timing: Clock?

    enum CodingKeys: String, CodingKey {
      case kind, step, round, images, anchors, timing
      case reconstructionLoss = "reconstruction_loss"
      case embeddingLoss = "embedding_loss"
    }
  }

  /// Local. What the lines of a file say.
  init(_ bytes: [UInt8]) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let line = try? JSONText.decode(Line.self, from: Array(line), path: "") else {
        unreadable += 1
        continue
      }
      switch line.kind {
      case "step":
        steps.append(
          Step(
            step: line.step, round: line.round, images: line.images ?? 0, reconstructionLoss: line.reconstructionLoss,
            embeddingLoss: line.embeddingLoss, seconds: line.timing?.seconds ?? 0))
      case "epoch":
        epochs.append(
          Epoch(
            step: line.step, round: line.round, anchors: line.anchors ?? 0,
            reconstructionLoss: line.reconstructionLoss, embeddingLoss: line.embeddingLoss))
      default: break
      }
    }
  }

  /// Local. Of the file at `path`.
  ///
  /// - Throws: `SaladError` 74 where it cannot be read, 65 where it is no log of a training.
  static func read(_ path: String) throws -> TrainingHistory {
    if let size = FileSystem.size(path), size > mostBytes {
      throw SaladError(.badData, "\(path): expected at most \(mostBytes) bytes of metrics, found \(size)")
    }
    return TrainingHistory(try FileSystem.read(path))
  }

  /// Seconds that the steps took.
  var seconds: Double { steps.reduce(0) { $0 + $1.seconds } }

  /// Images that went through the network, each as often as it did.
  var images: Int { steps.reduce(0) { $0 + $1.images } }

  /// The first step of each round but the first.
  var roundStarts: [(round: Int, step: Int)] {
    zip(steps, steps.dropFirst()).filter { $0.round != $1.round }.map { ($1.round, $1.step) }
  }

  /// At most so many points of a curve: means over steps that follow one another.
  ///
  /// - Returns: the middle step of each stretch, and the mean of `value` over it.
  func curve(most: Int = 400, _ value: (Step) -> Double) -> [(step: Double, value: Double)] {
    let stretches = Share.blocks(of: steps.indices, size: max(1, (steps.count + most - 1) / most))
    return stretches.compactMap { stretch in
      let values = steps[stretch].map(value).filter(\.isFinite)
      guard !values.isEmpty else { return nil }
      let middle = Double(steps[stretch.lowerBound].step + steps[stretch.upperBound - 1].step) / 2
      return (middle, values.reduce(0, +) / Double(values.count))
    }
  }
}
