import ArgumentParser
import Foundation
import MPI
import Platform
import Radiographs
import SALAD

/// What every training is told.
struct TrainingEssentials: ParsableArguments {
  @Option(
    help: ArgumentHelp("The data set's folder or table. (default when resuming: where it was)", valueName: "dir"))
  var data: String?

  @Option(name: .customLong("run"), help: ArgumentHelp("The run's folder, made if missing.", valueName: "folder"))
  var folder: String

  @Flag(help: "Go on with the run at its newest checkpoint; start it when there is none.")
  var resume = false
}

struct Train: ParsableCommand, NumbersDescribed {
  static let configuration = CommandConfiguration(
    abstract: "Train a network and its memory bank on the normal images of a data set.",
    discussion: """
      DIR/train/good (or normal) holds the images, as \(ImageFile.names); or DIR is NIH ChestX-ray14 or MURA as \
      downloaded, or a table says which images train (--layout). RUN becomes a folder with the settings, metrics and \
      checkpoints; all ranks must see it.

        salad train --data phantoms --run run --size 64
        mpirun --hostfile hosts salad train --data /data/chest --run /shared/run
        mpirun -n 3 salad train --run run --resume     # on any number of ranks
        salad train --run run --resume --rounds 5      # further than before
        salad train --config Examples/chest.toml --data /data/chest --run run

      SIGUSR1, SIGTERM or SIGINT to a rank, or SIGUSR1 to mpirun: it finishes the step, saves a checkpoint and ends \
      with status 75, and so it does by itself with --stop-after. The number of ranks and workers changes no bit of the result.

      Options that are rarely given: salad help train --all. All of them may stand in a file instead (--config).
      """)

  @OptionGroup(title: "What to train") var essentials: TrainingEssentials
  @OptionGroup var settings: ConfigurationOptions
  @OptionGroup(title: "Which images") var selection: DataOptions
  @OptionGroup(title: "How it goes about it") var work: ExecutionOptions

  @Option(
    help: ArgumentHelp(
      "Start the network from these weights, under the model's own or torchvision's names; the rest starts at random.",
      valueName: "file.safetensors"))
  var initialWeights: String?

  @Flag(help: "Refuse ranks on CPUs with different vector instructions, whose last bits may differ.")
  var requireSameCpu = false

  @Flag(help: "Train although patients or pictures of the test split are among the images.")
  var allowLeaks = false

  @Flag(
    help: "Tell what the training will take - memory, traffic, time, disk - and do not train; nothing is written.")
  var dryRun = false

  @Flag(help: "With --dry-run: print one JSON object on one line.")
  var json = false

  @Option(
    help: "With --dry-run: images that all ranks train on in a second. (default: measured on a few steps)")
  var imagesPerSecond: Double?

  var data: String? { essentials.data }
  var folder: String { essentials.folder }
  var resume: Bool { essentials.resume }

  private static let ranges: [NumberRange<Self>] = [
    .number("--images-per-second", \.imagesPerSecond, in: Ranges.positive, "above 0, in 1e-30...1e30")
  ]
  static let numbers =
    ConfigurationOptions.numbers + NumberDescription.all(Execution.ranges) + NumberDescription.all(ranges)
    + DataOptions.numbers

  /// Refuses what is wrong whatever the run or the data.
  func validate() throws {
    guard dryRun || (!json && imagesPerSecond == nil) else {
      throw ValidationError("--json and --images-per-second go with --dry-run: give it, or leave them away")
    }
    for range in Self.ranges { try asUsage { try range.validate(self) } }
    guard !resume else { return }
    guard data != nil else { throw ValidationError("--data is missing: give the folder of the data set") }
    var configuration = Configuration()
    var execution = Execution()
    change(&configuration, &execution)
    try asUsage {
      try configuration.validate()
      try execution.validate()
    }
  }

  func run() throws {
    let start = ContinuousClock.now
    Launch.onAllRanks(
      timeout: work.work.timeout ?? Execution().timeout, writes: !dryRun, resumes: !dryRun,
      dryRun ? plan : { try train($0, since: start) })
  }

  /// All ranks. What training would take.
  private func plan(_ session: Session) throws -> ExitStatus {
    let job = job(session)
    let found: UInt8 = resume && RunDirectory.hasRun(folder) ? 1 : 0
    let isResumed = try session.communicator.allReduce(found, .max) > 0  // all ranks
    guard isResumed || data != nil else {
      throw SaladError(.usage, "\(folder) has no run to resume: give --data to start one")
    }
    let plan = try PreparedRun.plan(  // all ranks
      run: isResumed ? folder : nil, data: selection.request(data), change: change, job: job)
    try plan.checkMemory(session.host, communicator: session.communicator)  // all ranks
    let rate =
      try imagesPerSecond.map(TrainingPlanReport.Rate.given)
      ?? TrainingPlanReport.measure(  // all ranks
        plan, activationMemory: job.activationMemory, communicator: session.communicator, watchdog: session.watchdog)
    if session.communicator.isRoot {
      let report = TrainingPlanReport(plan, rate: rate, host: session.host)
      try Console.output(json ? report.line() : report.table())
    }
    return .success
  }

  private func job(_ session: Session) -> PreparedRun.Job {
    PreparedRun.Job(
      communicator: session.communicator, watchdog: session.watchdog, log: session.log,
      workers: session.workers(work.work.workers), hasAskedForWorkers: work.work.workers != nil, host: session.host,
      activationMemory: work.activationMemory?.bytes ?? session.host.memory / 2)
  }

  /// All ranks.
  ///
  /// - Parameter start: of the command, from which `--stop-after` counts.
  private func train(_ session: Session, since start: ContinuousClock.Instant) throws -> ExitStatus {
    let communicator = session.communicator
    let job = job(session)
    guard let prepared = try prepare(session, job: job) else {  // all ranks
      session.log.note("\(folder) is finished: raise --rounds to train on")
      return .success
    }
    let configuration = prepared.record.configuration
    let workers = job.workers(of: configuration)
    warn(session, workers: workers, configuration: configuration)
    let instructionSets = try checkInstructionSets(session)  // all ranks

    var trainer = try Trainer(  // all ranks
      prepared, workers: workers, activationMemory: job.activationMemory,
      instructionSet: instructionSets.joined(separator: ", "), start: start, communicator: communicator,
      watchdog: session.watchdog, log: session.log)
    let ending = try trainer.run()  // all ranks
    // Another rank's is not known here.
    let cause = Signals.receivedName ?? "a signal"
    switch ending {
    case .finished:
      session.log.note("\(folder) is finished")
      session.log.note(next(data: prepared.record.dataPath(run: folder)))
      return .success
    case .interrupted:
      session.log.note("stopped by \(cause) with a checkpoint saved: go on with salad train --run \(folder) --resume")
      return .interrupted
    case .outOfTime:
      let time = prepared.record.execution.stopAfter?.text ?? ""
      session.log.note(
        "stopped by --stop-after \(time) with a checkpoint saved: go on with salad train --run \(folder) --resume")
      return .interrupted
    case .interruptedBeforeStart:
      session.log.note(
        "stopped by \(cause) before the first step: begin again with salad train --run \(folder) --resume")
      return .interrupted
    }
  }

  /// What to do with a finished run.
  private func next(data: String) -> String {
    let (run, data) = (ShellWord.of(folder), ShellWord.of(self.data ?? data))
    return "next: salad evaluate \(run) --data \(data) measures it where there is a test split; salad merge \(run) "
      + "--output DEPLOY makes one model and one bank of it"
  }

  /// All ranks. A new run or a resumed one; nil when it is finished.
  private func prepare(_ session: Session, job: PreparedRun.Job) throws -> PreparedRun? {
    if resume {
      let found: UInt8 = RunDirectory.hasRun(folder) ? 1 : 0
      if try session.communicator.allReduce(found, .max) > 0 {  // all ranks
        return try PreparedRun.resumed(  // all ranks
          run: folder, data: selection.request(data), initialWeights: initialWeights, change: change,
          given: given, job: job)
      }
      session.log.note("\(folder) has no run yet: it starts afresh")
    }
    guard data != nil else {
      throw SaladError(.usage, "\(folder) has no run to resume: give --data to start one")
    }
    var configuration = Configuration()
    var execution = Execution()
    change(&configuration, &execution)
    return try PreparedRun.new(  // all ranks
      run: folder, data: selection.request(data), configuration: configuration, execution: execution,
      initialWeights: initialWeights, allowsLeaks: allowLeaks, origins: Origins(given: given, recipe: settings.recipe),
      job: job)
  }

  /// Where what was given comes from, in words, by its key.
  private var given: [String: String] {
    let keys = Array(settings.given.keys) + work.given
    let origins = Invocation.current.origins
    return Dictionary(
      uniqueKeysWithValues: keys.map { key in
        (key, origins["--" + key.replacingOccurrences(of: "_", with: "-")]?.text ?? "command line")
      })
  }

  /// What the command line says, applied to defaults or to what a run remembers.
  private func change(_ configuration: inout Configuration, _ execution: inout Execution) {
    settings.apply(to: &configuration)
    work.apply(to: &execution)
  }

  private func warn(_ session: Session, workers: Int, configuration: Configuration) {
    let microBatches = configuration.batchSize / configuration.microBatch
    for warning in session.host.warnings(
      workers: workers, threads: configuration.threads, ranksInAll: session.communicator.size,
      microBatches: microBatches)
    {
      session.log.warn(warning)
    }
    switch configuration.reduction {
    case .exact: break
    case .float32:
      session.log.warn("--reduction float32: the last bits of the result depend on the number of ranks")
    case .bfloat16:
      session.log.warn(
        "--reduction bfloat16: gradients are rounded to 8 bits on the way, and the number of ranks shows")
    }
  }

  /// All ranks.
  private func checkInstructionSets(_ session: Session) throws -> [String] {
    let sets = try InstructionSet.ofAllRanks(session.communicator)  // all ranks
    guard sets.count > 1 else { return sets }
    guard !requireSameCpu else {
      throw SaladError(
        .usage,
        "the ranks' CPUs differ (\(sets.joined(separator: ", "))), and so may the last bits of their results: give --cpu "
          + "what all of them have, hosts of one kind, or leave --require-same-cpu away")
    }
    // `Launch` has said which rank's.
    return sets
  }
}
