import Autoencoder
import Foundation
import MPI
import Platform
import MemoryBank
import Radiographs
import Safetensors

/// Trains a network and its memory bank, all ranks together.
public struct Trainer {
  private let prepared: PreparedRun
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log
  private let workers: Int
  private let instructionSet: String
  private let start: ContinuousClock.Instant
  private let schedule: Schedule
  private let curves: EventFile

  // What training changes, and what a checkpoint holds.
  private let replica: Replica
  private var bank: MemoryBank
  private var anchors = AnchorNeighbourhoods.none
  private var stepsTaken = 0
  private var epochLosses = EpochLosses()
  /// The one that is being written, on all ranks or on none.
  private var unfinished: UnfinishedCheckpoint?

  /// All ranks. A trainer at the run's newest checkpoint, or at its beginning.
  ///
  /// - Parameters:
  ///   - prepared: the run, its data and its settings.
  ///   - workers: threads of this rank.
  ///   - activationMemory: bytes that this rank's kept activations may take.
  ///   - instructionSet: of all ranks' CPUs, equal on all ranks.
  ///   - start: from when the time counts after which the run is to stop.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  public init(
    _ prepared: PreparedRun, workers: Int, activationMemory: Int, instructionSet: String,
    start: ContinuousClock.Instant = .now, communicator: Communicator, watchdog: Watchdog, log: Log
  ) throws {
    let configuration = prepared.record.configuration
    let imageCount = prepared.scan.images.count
    self.prepared = prepared
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
    self.workers = workers
    self.instructionSet = instructionSet
    self.start = start
    schedule = Schedule(configuration: configuration, imageCount: imageCount)

    watchdog.enter("building the network", step: nil)
    let replica = try agree(communicator) {  // all ranks
      try Replica(
        configuration: configuration.network, precision: configuration.precision,
        microBatch: configuration.microBatch, workers: workers, threads: configuration.threads, training: true,
        activationLimit: activationMemory)
    }
    self.replica = replica
    if let checkpoint = prepared.checkpoint {
      watchdog.enter("reading the checkpoint", step: checkpoint.manifest.step)
      let progress = try agree(communicator) {  // all ranks
        try replica.loadModel(SafetensorsFile(path: checkpoint.modelPath))
        let optimizer = try SafetensorsFile(path: checkpoint.optimizerPath)
        try replica.loadOptimizer(optimizer)
        return try TrainingProgress(optimizer, images: imageCount)
      }
      bank = try checkpoint.bank(.momentum, workers: replica.workers, communicator: communicator)  // all ranks
      anchors = progress.anchors
      epochLosses = progress.epochLosses
      stepsTaken = checkpoint.manifest.step
    } else {
      replica.initialise(seed: configuration.seed)
      if let weights = prepared.record.initialWeights {
        let loaded = try agree(communicator) {  // all ranks
          let path = try weights.verifiedPath(run: prepared.directory.path)
          return try replica.loadInitialWeights(SafetensorsFile(path: path))
        }
        for sentence in loaded.sentences { log.note(sentence) }
      }
      bank = MemoryBank(
        rows: imageCount, dimension: configuration.embeddingDimension, seed: configuration.seed,
        workers: replica.workers, communicator: communicator)
    }
    curves = EventFile(run: prepared.directory.path)
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try prepared.directory.cutBackMetrics(toStep: stepsTaken)
      try curves.cutBack(toStep: stepsTaken)
    }
  }

  private var configuration: Configuration { prepared.record.configuration }

  // MARK: The whole training

  /// All ranks. Trains to the end, or to the end of the step in which a signal came or the time was up.
  public mutating func run() throws -> Ending {
    var job = JobNote(ranks: communicator.size, workers: workers, firstStep: stepsTaken)
    func note(_ ending: String?) {
      job.ending = ending
      if communicator.isRoot { prepared.directory.note(job) }
    }
    note(nil)
    do {
      let ending = try train()  // all ranks
      note(ending.sentence)
      return ending
    } catch {
      note("by an error of status \(SaladError(error).status.rawValue)")
      throw error
    }
  }

  private mutating func train() throws -> Ending {
    let step = TrainingStep(
      configuration: configuration, replica: replica, images: prepared.scan.images, communicator: communicator,
      watchdog: watchdog)
    var order = StepOrder(schedule)
    if stepsTaken == 0, configuration.bankStart == .pass {
      let pass = StartingPass(
        replica: replica, configuration: configuration, workers: workers, scan: prepared.scan,
        communicator: communicator, watchdog: watchdog)
      guard let started = try pass.run(bank) else { return .interruptedBeforeStart }  // all ranks
      bank = started
    }
    let prefetcher = prefetch()
    defer { prefetcher.cancel() }
    let progress = ProgressDisplay(
      "training", unit: "images", total: schedule.images(before: schedule.steps) - schedule.images(before: stepsTaken),
      isShown: communicator.isRoot)
    let imagesBefore = schedule.images(before: stepsTaken)
    var lastCheckpoint = ContinuousClock.now

    while stepsTaken < schedule.steps {
      guard try chooseAnchors() else {  // all ranks, at the beginning of a round
        // The last round ended with a checkpoint.
        try finishCheckpoint()  // all ranks
        return .interrupted
      }
      let start = ContinuousClock.now
      let losses = try step.run(  // all ranks
        number: stepsTaken, order: order.microBatches(of: stepsTaken),
        learningRate: schedule.learningRate(of: stepsTaken), source: prefetcher, bank: &bank, anchors: anchors)
      stepsTaken += 1
      try record(losses, seconds: (ContinuousClock.now - start).inSeconds)  // rank 0
      progress.show(schedule.images(before: stepsTaken) - imagesBefore, note: note(losses))

      let next = try agreeOnNext(since: lastCheckpoint)  // all ranks
      if next != .nextStep {
        try beginCheckpoint(refreshed: nil)  // all ranks
        lastCheckpoint = .now
      }
      if next == .stop || next == .timeIsUp {
        try finishCheckpoint()  // all ranks
        return next == .stop ? .interrupted : .outOfTime
      }
    }

    let final: (bank: MemoryBank, calibration: Calibration)?
    do {
      final = try refreshAndCalibrate()  // all ranks
    } catch let error as MemoryBankError {
      let diagnosis = Diagnosis(
        configuration: configuration, replica: replica, images: prepared.scan.images, communicator: communicator)
      throw SaladError(
        .internalError, "after step \(stepsTaken): \(error.description): \(diagnosis.cure(step: stepsTaken))")
    }
    try beginCheckpoint(refreshed: final?.bank, calibration: final?.calibration)  // all ranks
    try finishCheckpoint()  // all ranks
    return final == nil ? .interrupted : .finished
  }

  // MARK: Before a step

  /// Reads and augments this rank's micro-batches ahead of the steps that are left.
  private func prefetch() -> Prefetcher {
    let requests = MicroBatchRequests(
      schedule, firstStep: stepsTaken, rank: communicator.rank, ranks: communicator.size)
    let perStep = configuration.batchSize / configuration.microBatch / communicator.size + 1
    return Prefetcher(
      cache: prepared.scan.cache, augmentation: configuration.augmentation, seed: configuration.seed,
      side: configuration.size, threads: workers, depth: 2 * perStep, requests: { requests.next() })
  }

  /// All ranks. Before the first step of each round but the first: which images are anchors, and their neighbours.
  ///
  /// - Returns: false on all ranks when a signal asked to stop.
  private mutating func chooseAnchors() throws -> Bool {
    let round = schedule.round(of: stepsTaken)
    guard round > 0, stepsTaken == round * schedule.stepsPerRound else { return true }
    watchdog.enter("choosing anchors", step: stepsTaken)
    do {
      anchors = try bank.anchorNeighbourhoods(  // all ranks
        round: round, rate: configuration.anchorRate, neighbours: configuration.neighbours,
        temperature: configuration.temperature, communicator: communicator
      ) { [watchdog, communicator] _ in
        watchdog.progress()
        try Signals.throwIfAnyRankReceivedOne(communicator, "while anchors were chosen")  // all ranks
      }
    } catch let error as SaladError where error.status == .interrupted {
      return false
    }
    log.note("round \(round) of \(configuration.rounds): \(anchors.anchors.count) of \(bank.sharding.rows) are anchors")
    return true
  }

  // MARK: After the last step

  /// All ranks. The bank that scores, and what makes scores and p-values of its distances; nil when a signal asked to stop.
  private func refreshAndCalibrate() throws -> (bank: MemoryBank, calibration: Calibration)? {
    let trained = Embedder(
      replica: replica, microBatch: configuration.microBatch, workers: workers, levels: configuration.levels,
      scale: configuration.featureScale)
    let scan = prepared.scan
    let refresh = Refresh(
      embedder: trained, exposureDamping: configuration.scoring.exposureDamping, scan: scan, communicator: communicator,
      watchdog: watchdog)
    guard let (refreshed, embedder) = try refresh.run() else { return nil }  // all ranks

    let pass = LeftOutPass(communicator: communicator, watchdog: watchdog)
    let measured = try pass.run(  // all ranks
      refreshed, kind: .refreshed, patients: scan.patients,
      rules: Calibration.rules(unitRows: configuration.levels.isBottleneck),
      topK: min(configuration.topK, scan.images.count), scoreTemperature: configuration.scoreTemperature,
      falseAlarmRate: configuration.falseAlarmRate ?? ConformalThreshold.defaultFalseAlarmRate)
    guard var calibration = measured else { return nil }
    calibration.exposureAxis = embedder.exposure?.axis
    if !scan.keptBack.isEmpty {
      let scorer = Scorer(
        configuration.scoring,
        models: [Scorer.Model(embedder: embedder, bank: refreshed, calibration: calibration)], kind: .refreshed,
        rule: configuration.scoreRule, communicator: communicator, watchdog: watchdog)
      let judging = try calibration.judging(  // all ranks
        by: scan.keptBack.map { "\(scan.root)/\($0)" }, scorer: scorer)
      guard let judging else { return nil }
      calibration = judging
    }
    if let scale = ScoreScale([calibration], rule: configuration.scoreRule) {
      log.note(scale.threshold().sentence)
      if let warning = scale.warning { log.warn(warning) }
    }
    return (refreshed, calibration)
  }

  // MARK: After a step

  /// Rank 0 writes the step's line, and the epoch's at its end.
  private mutating func record(_ losses: StepLosses, seconds: Double) throws {
    epochLosses.add(losses, seconds: seconds)
    let epoch = schedule.epoch(of: stepsTaken - 1)
    let round = schedule.round(of: stepsTaken - 1)
    let endsEpoch = stepsTaken % schedule.stepsPerEpoch == 0
    if communicator.isRoot {
      watchdog.enter("writing metrics", step: stepsTaken)
      try alone {
        let line = StepMetrics(step: stepsTaken, epoch: epoch, round: round, losses: losses, seconds: seconds)
        try prepared.directory.appendMetrics(line)
        let draws = prepared.record.execution.tensorboard
        if draws {
          try curves.append(
            step: stepsTaken, line.scalars(learningRate: schedule.learningRate(of: stepsTaken - 1)))
        }
        guard endsEpoch else { return }
        let epochLine = EpochMetrics(
          step: stepsTaken, epoch: epoch, round: round, anchors: anchors.anchors.count, losses: epochLosses)
        try prepared.directory.appendMetrics(epochLine)
        if draws { try curves.append(step: stepsTaken, epochLine.scalars) }
      }
    }
    if endsEpoch { epochLosses = EpochLosses() }
  }

  private func note(_ losses: StepLosses) -> String {
    "epoch \(schedule.epoch(of: stepsTaken - 1) + 1)/\(configuration.epochs), "
      + "loss \(losses.total.rounded(toPlaces: 4))"
  }

  private enum Next: Int32 { case nextStep, save, timeIsUp, stop }

  /// Seconds between checkpoints unless `--checkpoint-every` counts steps.
  private static let secondsBetweenCheckpoints = 600.0

  /// All ranks. What to do after this step: the most that any rank wants. Finishes a checkpoint that all have written.
  private mutating func agreeOnNext(since lastCheckpoint: ContinuousClock.Instant) throws -> Next {
    watchdog.enter("agreeing on what is next", step: stepsTaken)
    var wanted = Next.nextStep
    // The last step's checkpoint waits for the refreshed bank.
    if stepsTaken < schedule.steps {
      let isDue =
        if let every = prepared.record.execution.checkpointEvery {
          stepsTaken % every == 0
        } else {
          (ContinuousClock.now - lastCheckpoint).inSeconds >= Self.secondsBetweenCheckpoints
        }
      if isDue || stepsTaken % schedule.stepsPerRound == 0 { wanted = .save }
    }
    if isOutOfTime { wanted = .timeIsUp }
    if Signals.received != nil { wanted = .stop }
    var agreed = [wanted.rawValue, unfinished?.isWritten ?? true ? 0 : 1]
    try communicator.allReduce(&agreed, .max)  // all ranks
    if agreed[1] == 0 { try finishCheckpoint() }  // all ranks
    guard let next = Next(rawValue: agreed[0]) else { preconditionFailure("no rank wants \(agreed[0])") }
    return next
  }

  /// By rank 0's clock alone: the others follow it.
  private var isOutOfTime: Bool {
    guard communicator.isRoot, let limit = prepared.record.execution.stopAfter else { return false }
    return (ContinuousClock.now - start).inSeconds >= limit.seconds
  }

  /// All ranks. Finishes the last checkpoint, then has the next one written while training goes on.
  private mutating func beginCheckpoint(refreshed: MemoryBank?, calibration: Calibration? = nil) throws {
    try finishCheckpoint()  // all ranks
    // Rank 0 makes the folder and publishes it: where its disk is stuck, the others say that they wait.
    enter("beginning a checkpoint")
    var description = Checkpoint.Description(
      step: stepsTaken, epoch: stepsTaken / schedule.stepsPerEpoch, saladVersion: saladVersion,
      instructionSet: instructionSet, reduction: configuration.reduction,
      dataFingerprint: prepared.record.data.fingerprint, run: prepared.record.identity,
      imageIDs: prepared.scan.images, patients: prepared.scan.patients, pictures: prepared.scan.pictures,
      scoring: configuration.scoring,
      calibration: calibration)
    if configuration.threads > 1 { description.threadsPerMicroBatch = configuration.threads }
    let progress = TrainingProgress(anchors: anchors, epochLosses: epochLosses).tensors
    // The next step changes what rank 0 writes.
    let state = communicator.isRoot ? try replica.state.copied() : replica.state
    unfinished = try UnfinishedCheckpoint(  // all ranks
      description, to: prepared.directory, momentum: bank, refreshed: refreshed, communicator: communicator,
      model: { try state.saveModel(to: $0, metadata: [:]) },
      optimizer: { try state.saveOptimizer(to: $0, extra: progress) })
  }

  /// All ranks. Waits for the checkpoint that is being written, if one is: it is then whole.
  private mutating func finishCheckpoint() throws {
    guard let last = unfinished else { return }
    unfinished = nil
    try last.awaitFiles(step: stepsTaken, communicator: communicator, watchdog: watchdog)  // all ranks
    enter("finishing a checkpoint")
    try last.finish(keep: prepared.record.execution.keep, communicator: communicator)  // all ranks
    log.detail("the last checkpoint is whole")
  }

  /// What rank 0 does alone.
  private func enter(_ activity: String) {
    watchdog.enter(communicator.isRoot ? activity : "waiting for rank 0 (\(activity))", step: stepsTaken)
  }
}
