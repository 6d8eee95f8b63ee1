import ArgumentParser
import Autoencoder
import Foundation
import MPI
import Radiographs
import SALAD

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how fast this machine trains and scores, without data or files.",
    discussion: """
      Times the autoencoder on random pixels, on one rank: forward, backward and update of whole steps, then embeddings as \
      scoring makes them. The median over the repetitions and the fastest and slowest are printed.

        salad bench --size 256 --batch-size 32 --workers 2
      """)

  @Option(help: "The autoencoder.")
  var architecture = Architecture.unet

  @Option(help: "Side of the images: 64, 128, 256 or 512.")
  var size = 256

  @Option(help: "Images in a step.")
  var batchSize = 32

  @Option(help: "Images in a micro-batch.")
  var microBatch = 8

  @Option(help: "Caps every level's channels.")
  var maxWidth = 1024

  @Option(help: "Steps to time, after one to warm up.")
  var repetitions = 5

  @Option(help: "Threads. (default: the cores this process may use)")
  var workers: Int?

  func validate() throws {
    var configuration = Configuration()
    configuration.size = size
    configuration.batchSize = batchSize
    configuration.microBatch = microBatch
    configuration.maximumWidth = maxWidth
    try asUsage { try configuration.validate() }
    guard repetitions > 0 else { throw ValidationError("--repetitions is \(repetitions): give 1 or more") }
  }

  func run() throws {
    Launch.onAllRanks(timeout: Execution().timeout) { session in
      guard session.communicator.size == 1 else {
        throw SaladError(.usage, "bench measures one rank: start it without mpirun")
      }
      try measure(workers: session.workers(workers))
      return .success
    }
  }

  private func measure(workers: Int) throws {
    let replica = try Replica(
      configuration: NetworkConfiguration(
        architecture: architecture, size: size, channels: 1, maximumWidth: maxWidth, embeddingDimension: 200),
      microBatch: microBatch, workers: workers, training: true, activationLimit: .max)
    replica.initialise(seed: 1)
    let batches = (0..<batchSize / microBatch).map { index in
      let random = CounterRandom(UInt64(index))
      return PixelBatch(
        imageIndices: Array(index * microBatch..<(index + 1) * microBatch),
        pixels: (0..<microBatch * size * size).map { Float(2 * random.uniform(UInt64($0)) - 1) })
    }
    let pixels = batches.flatMap(\.pixels)
    var times: [(String, [Double])] = ["forward", "backward", "update", "training step", "embedding"].map { ($0, []) }
    for repetition in 0...repetitions {
      let clock = ContinuousClock()
      let start = clock.now
      let rows = try replica.forward(
        batches, imagesInStep: batchSize, microBatchesInStep: batches.count, reconstructionLoss: .l1,
        reconstructionWeight: 1)
      let forward = clock.now
      try replica.backward(embeddingGradients: rows)
      let backward = clock.now
      replica.update(learningRate: 3e-4, weightDecay: 1e-6)
      let update = clock.now
      let embedded = try pixels.withUnsafeBufferPointer { try replica.embed($0, count: batchSize) }
      let end = clock.now
      precondition(embedded.count == rows.count, "\(embedded.count) elements embedded, \(rows.count) trained")
      guard repetition > 0 else { continue }
      let spans = [forward - start, backward - forward, update - backward, update - start, end - update]
      for (index, span) in spans.enumerated() { times[index].1.append(span / .seconds(1)) }
    }
    print(
      "\(architecture.rawValue), \(batchSize) images of \(size) x \(size), \(OneDNN.instructionSet), oneDNN \(OneDNN.version), \(workers) workers"
    )
    for (name, spans) in times {
      let sorted = spans.sorted()
      let median = sorted[sorted.count / 2]
      print(
        String(
          format: "%@ %.3f s (%.3f to %.3f)  %.1f images/s", name.padding(toLength: 14, withPad: " ", startingAt: 0),
          median, sorted[0], sorted[sorted.count - 1], Double(batchSize) / median))
    }
  }
}
