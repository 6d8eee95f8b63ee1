public import Autoencoder
public import MPI
import MemoryBank
import Platform
import Radiographs

/// Whole training steps on random pixels, as the trainer takes them, with the time of each of their phases.
public final class StepBenchmark {
  /// The parts of a step in the order of the step.
  public enum Phase: String, CaseIterable, Sendable { case load, forward, bank, backward, reduce, adam }

  public let replica: Replica
  private let configuration: Configuration
  private let step: TrainingStep
  private let watchdog: Watchdog
  private var bank: MemoryBank
  private let order: [[Int]]
  private let batches: [PixelBatch]
  private var stepsTaken = 0

  /// All ranks. Draws this rank's part of a batch.
  ///
  /// - Parameters:
  ///   - configuration: the settings.
  ///   - rows: N, of the memory bank, at least B.
  ///   - workers: threads of this rank.
  ///   - activationMemory: bytes that this rank's kept activations may take.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  public init(
    _ configuration: Configuration, rows: Int, workers: Int, activationMemory: Int = .max, communicator: Communicator,
    watchdog: Watchdog
  ) throws {
    self.configuration = configuration
    self.watchdog = watchdog
    precondition(rows >= configuration.batchSize, "\(rows) rows for a batch of \(configuration.batchSize)")
    replica = try agree(communicator) {  // all ranks
      try Replica(
        configuration: configuration.network, precision: configuration.precision,
        microBatch: configuration.microBatch, workers: workers, threads: configuration.threads, training: true,
        activationLimit: activationMemory)
    }
    replica.initialise(seed: configuration.seed)
    bank = MemoryBank(
      rows: rows, dimension: configuration.embeddingDimension, seed: configuration.seed,
      workers: replica.workers, communicator: communicator)
    step = TrainingStep(
      configuration: configuration, replica: replica, images: [], communicator: communicator, watchdog: watchdog)
    let m = configuration.microBatch
    order = (0..<configuration.batchSize / m).map { Array($0 * m..<($0 + 1) * m) }
    let pixels = m * configuration.size * configuration.size
    batches = order[Share.range(of: communicator.rank, ranks: communicator.size, count: order.count)].map { indices in
      let random = CounterRandom(UInt64(indices[0]))
      return PixelBatch(imageIndices: indices, pixels: (0..<pixels).map { Float(2 * random.uniform(UInt64($0)) - 1) })
    }
  }

  /// All ranks. Takes one step; seconds that this rank spent on each phase of it.
  public func run() throws -> [Phase: Double] {
    watchdog.enter("starting a step", step: stepsTaken)
    _ = watchdog.takeTimes()
    _ = try step.run(  // all ranks
      number: stepsTaken, order: order, learningRate: configuration.learningRate, source: Repeated(batches),
      bank: &bank, anchors: .none)
    watchdog.enter("ending a step", step: stepsTaken)
    stepsTaken += 1
    var seconds = Dictionary(uniqueKeysWithValues: Phase.allCases.map { ($0, 0.0) })
    for (activity, time) in watchdog.takeTimes() { seconds[Self.phase(activity), default: 0] += time }
    return seconds
  }

  /// What `TrainingStep` tells the watchdog that it does.
  private static func phase(_ activity: String) -> Phase {
    switch activity {
    case "encoding": .forward
    case "gathering embeddings", "computing the embedding loss": .bank
    case "reconstructing and going backward": .backward
    case "reducing gradients": .reduce
    case "updating weights and bank": .adam
    default: .load
    }
  }

  /// The same micro-batches in every step.
  private final class Repeated: PixelSource {
    private var left: ArraySlice<PixelBatch>
    init(_ batches: [PixelBatch]) { left = batches[...] }
    func next() -> PixelBatch? { left.popFirst() }
  }
}
