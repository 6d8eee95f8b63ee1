import ArgumentParser
import Autoencoder
import ExactSum
import Foundation
import MPI
import MemoryBank
import Platform
import SALAD

struct Bench: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Measure how fast this machine trains, scores and searches, without data.",
    discussion: """
      Choose what to measure; training and scoring by default. Alone or under mpirun: all ranks take part, and a time is \
      that of the slowest. Each number is the median of --steps repetitions, with the fastest and slowest beside it.

        salad bench --workers 2
        mpirun -n 2 salad bench --train --workers 1 --json

      Inputs are random and fit in memory: --train times forward, bank, backward, reduction and Adam of whole steps, \
      --score the encoder on clean images. The share of the peak is that of OpenBLAS's best matrix product on the same \
      threads, measured first; Winograd's operations count as direct ones.
      """)

  @Flag(help: "Whole training steps.")
  var train = false

  @Flag(help: "Embeddings, as scoring makes them.")
  var score = false

  @Flag(help: "The exact search of the nearest prototypes, for 1 and for 32 queries.")
  var topK = false

  @Flag(help: "The choice of a round's anchors and their neighbours.")
  var anchors = false

  @Flag(help: "Sums of gradients over the ranks, by each reduction.")
  var reduce = false
  @Flag(help: "Merging a sharded bank of --rows rows into a deployment.")
  var merge = false

  @Flag(help: "Images decoded and resized to --size.")
  var dataLoading = false

  @Option(help: "Images for --data-loading. (default: a few phantoms of 1024 x 1024)")
  var folder: String?

  @Option(help: "The autoencoder.")
  var architecture = Architecture.unet

  @Option(help: "Side of the images: 64, 128, 256 or 512.")
  var size = 256

  @Option(help: "Images in a step.")
  var batchSize = 32

  @Option(help: "Images in a micro-batch.")
  var microBatch = 8

  @Option(help: "Threads that compute one micro-batch together. (default: 1)")
  var threadsPerMicroBatch: Int?

  @Option(help: "Caps every level's channels.")
  var maxWidth = 1024

  @Option(help: "What activations are stored and multiplied as.")
  var precision = Precision.float32

  @Option(help: "How gradients are summed over the ranks.")
  var reduction = Reduction.exact

  @Option(
    help: """
      What --score makes of an image and --merge writes of it: stages of the encoder between commas, or z. \
      (default: the network's)
      """)
  var levels: Levels?

  @Option(help: "Numbers in a row for --top-k. (default: those of the levels)")
  var dimension: Int?

  @Option(help: "Whether --top-k looks at a small copy of the rows first: automatic, always or never. Same results.")
  var smallCopy = SmallCopyUse.automatic

  @Option(help: "Rows of the memory bank.")
  var rows = 10_000

  @Option(help: "Repetitions to time, after one to warm up.")
  var steps = 5

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @OptionGroup var work: WorkOptions

  private static let ranges: [NumberRange<Self>] = [
    .whole("--dimension", \.dimension, 1...65536),
    .whole("--steps", \.steps, 1...1_000_000),
    .whole("--rows", \.rows, 1...Configuration.mostImages),
  ]
  static let numbers =
    NumberDescription.all(ranges) + NumberDescription.work
    + NumberDescription.all(Configuration.ranges).filter {
      ["--size", "--batch-size", "--micro-batch", "--threads-per-micro-batch", "--max-width"].contains($0.flag)
    }

  func validate() throws {
    try asUsage { try settings.validate() }
    for range in Self.ranges { try asUsage { try range.validate(self) } }
    guard rows >= batchSize else {
      throw ValidationError("--rows is \(rows): give at least --batch-size, \(batchSize)")
    }
  }

  private var settings: Configuration {
    var configuration = Configuration()
    configuration.architecture = architecture
    configuration.size = size
    configuration.batchSize = batchSize
    configuration.microBatch = microBatch
    configuration.threadsPerMicroBatch = threadsPerMicroBatch
    configuration.maximumWidth = maxWidth
    configuration.precision = precision
    configuration.reduction = reduction
    configuration.levels = levels ?? architecture.defaultLevels
    return configuration
  }

  private var subjects: [any BenchSubject] {
    var subjects: [any BenchSubject] = []
    if train { subjects.append(TrainBench()) }
    if score { subjects.append(ScoreBench()) }
    if topK { subjects.append(TopKBench(dimension: dimension ?? settings.scoring.featureCount, smallCopy: smallCopy)) }
    if anchors { subjects.append(AnchorsBench()) }
    if reduce { subjects.append(ReduceBench()) }
    if merge { subjects.append(MergeBench()) }
    if dataLoading { subjects.append(DataLoadingBench(folder: folder)) }
    return subjects.isEmpty ? [TrainBench(), ScoreBench()] : subjects
  }

  /// All ranks. Refuses what this machine has no room for.
  private func checkMemory(_ session: Session, workers: Int) throws {
    let (communicator, host) = (session.communicator, session.host)
    if train || !(score || topK || anchors || reduce || merge || dataLoading) {
      let plan = try agree(communicator) {  // all ranks
        try TrainingPlan(
          configuration: settings, execution: Execution(), images: rows, samples: [], ranks: communicator.size,
          workers: workers, activationMemory: .max)
      }
      try plan.checkMemory(host, communicator: communicator)  // all ranks
    }
    let widest = max(
      topK ? dimension ?? settings.scoring.featureCount : 0, merge ? settings.scoring.featureCount : 0,
      anchors || merge ? settings.embeddingDimension : 0)
    try agree(communicator) {  // all ranks
      let bytes = rows / communicator.size * widest * MemoryLayout<Float>.stride
      guard bytes <= host.memory else {
        throw SaladError(
          .usage,
          "--rows \(rows) of \(widest) numbers take \(bytes) bytes on each rank, and \(host.memory) are free: give "
            + "fewer, or more hosts")
      }
    }
  }

  func run() throws {
    var execution = Execution()
    work.apply(to: &execution)
    Launch.onAllRanks(timeout: execution.timeout, writes: false) { session in
      let communicator = session.communicator
      let threads = session.workers(execution.workers)
      let workers = execution.workers == nil ? max(1, threads / settings.threads) : threads
      try checkMemory(session, workers: workers)  // all ranks
      session.watchdog.enter("measuring the machine", step: nil)
      let machine = try MachineDescription(workers: workers, communicator: communicator)  // all ranks
      let bench = BenchSession(
        communicator: communicator, watchdog: session.watchdog, configuration: settings, rows: rows, workers: workers,
        steps: steps, peak: machine.peakGflops * 1e9)
      var report = BenchReport(machine: machine, precision: precision)
      for subject in subjects {
        let name = type(of: subject).name
        session.watchdog.enter("measuring \(name)", step: nil)
        report.records[name] = try subject.measure(bench)  // all ranks
      }
      report.peakResidentBytes = try communicator.allReduce(Int64(Host.peakResidentMemory), .max)  // all ranks
      if communicator.isRoot { try Console.output(json ? report.line() : report.table()) }
      return .success
    }
  }
}
