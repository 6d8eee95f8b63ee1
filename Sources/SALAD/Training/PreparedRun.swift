import Foundation
import MPI
import Radiographs

/// A run that is ready to train: its folder locked, its images read, the checkpoint found from which it goes on.
public struct PreparedRun: Sendable {
  public let directory: RunDirectory
  public let record: RunRecord
  public let scan: DataScan
  /// nil: it starts at the beginning.
  public let checkpoint: Checkpoint?

  /// What a preparation needs to know of this job.
  public struct Job: Sendable {
    public var communicator: Communicator
    public var watchdog: Watchdog
    public var log: Log
    /// Threads of this rank.
    public var workers: Int
    /// Whether they were asked for: then they are micro-batches at a time, whatever the threads of each.
    public var hasAskedForWorkers: Bool
    /// What this rank may use, and bytes that its kept activations may take of it.
    public var host: HostResources
    public var activationMemory: Int

    public init(
      communicator: Communicator, watchdog: Watchdog, log: Log, workers: Int, hasAskedForWorkers: Bool = false,
      host: HostResources, activationMemory: Int
    ) {
      self.hasAskedForWorkers = hasAskedForWorkers
      self.host = host
      self.activationMemory = activationMemory
      self.communicator = communicator
      self.watchdog = watchdog
      self.log = log
      self.workers = workers
    }

    /// W, micro-batches that this rank computes at a time.
    public func workers(of configuration: Configuration) -> Int {
      hasAskedForWorkers ? workers : max(1, workers / configuration.threads)
    }
  }

  // MARK: A new run

  /// All ranks. A new run at `run` on a data set.
  ///
  /// - Parameters:
  ///   - run: the run's folder.
  ///   - data: the data set, with a path.
  ///   - configuration: the settings.
  ///   - execution: what changes no bit of the result.
  ///   - initialWeights: a safetensors file to start the network from; nil: all weights at random.
  ///   - allowsLeaks: whether patients and pictures of the test split, where there is one, may train.
  ///   - origins: where the settings come from, to be remembered; nil: nobody knows.
  ///   - job: what the process was started with.
  /// - Throws: `SaladError` on all ranks: 64 when there is a run already or the configuration does not suit the data,
  ///   65 when the data set is missing or empty, or has bad images or leaks, 74 when the disk refuses.
  public static func new(
    run: String, data: DataRequest, configuration: Configuration, execution: Execution, initialWeights: String?,
    allowsLeaks: Bool, origins: Origins? = nil, job: Job
  ) throws -> PreparedRun {
    // What can be refused is refused before the folder is made and every image read.
    try configuration.validate()
    try execution.validate()
    try agree(job.communicator) { try configuration.precision.requireSupport() }  // all ranks
    guard let path = data.path else { preconditionFailure("a new run without data") }
    let selection = data.selection()
    let listed = try ListedImages.training(  // all ranks
      of: path, selection, communicator: job.communicator, log: job.log)
    let count = listed.images.count
    let wished = ValidationSplit.wishedCount(fraction: configuration.validationFraction ?? 0, of: count)
    try configuration.validate(imageCount: count - wished, keptBack: wished)
    let test = try ListedImages.testIfAny(of: path, selection.allLabels, communicator: job.communicator)  // all ranks
    try LeakGuard(
      training: listed.paths, trainingPatients: listed.images.map(\.facts.patient), trainingPictures: nil,
      allowsLeaks: allowsLeaks, log: job.log
    ).checkPatients(of: test)
    try TrainingPlan(configuration, execution, images: count - wished, listed: listed, job: job)
      .checkMemory(job.host, communicator: job.communicator)  // all ranks

    let weights = try initialWeights.map {
      try RunRecord.WeightsRecord.of($0, run: run, communicator: job.communicator)  // all ranks
    }
    let directory = try RunDirectory.create(run, communicator: job.communicator)  // all ranks
    let scan = try Self.scan(  // all ranks
      listed, configuration: configuration, execution: execution, isNew: true, job: job)
    var configuration = configuration
    configuration.greyRange = scan.greyRange
    var origins = origins
    origins?.measured("grey_range")
    try configuration.validate(imageCount: scan.images.count, keptBack: scan.keptBack.count)
    let leakGuard = LeakGuard(
      training: scan.images + scan.keptBack, trainingPatients: scan.patients + scan.keptBackPatients,
      trainingPictures: scan.pictures + scan.keptBackPictures,
      allowsLeaks: allowsLeaks, log: job.log)
    try leakGuard.checkPictures(  // all ranks
      of: test, side: configuration.size, workers: job.workers, communicator: job.communicator, watchdog: job.watchdog)

    let record = RunRecord(
      configuration: configuration, execution: execution,
      data: RunRecord.DataRecord(
        path: RelativePath.of(path, from: run), fingerprint: scan.fingerprint, imageCount: scan.images.count,
        keptBack: scan.keptBack.isEmpty ? nil : scan.keptBack.count, skipped: scan.skipped,
        selection: listed.remembered(selection)),
      initialWeights: weights, origins: origins)
    try directory.writeConfiguration(record, communicator: job.communicator)  // all ranks
    return PreparedRun(directory: directory, record: record, scan: scan, checkpoint: nil)
  }

  /// All ranks. What training will take, of the run at `run` or of a new one; nothing is changed or allocated.
  ///
  /// - Parameters:
  ///   - run: an existing run to go on with, or nil for a new one.
  ///   - data: the data set; without a path where the run has it.
  ///   - change: what the command line says, applied to defaults or to what the run remembers.
  ///   - job: what the process was started with.
  /// - Throws: `SaladError` on all ranks: 64 when the configuration does not suit the data, 65 when the data set is
  ///   missing or empty.
  public static func plan(
    run: String?, data: DataRequest, change: (inout Configuration, inout Execution) throws -> Void, job: Job
  ) throws -> TrainingPlan {
    var (configuration, execution) = (Configuration(), Execution())
    var (path, imageCount, remembered) = (data.path, Int?.none, DataSelection?.none)
    if let run {
      let directory = try agree(job.communicator) { try RunDirectory.open(run) }  // all ranks
      let record = try directory.record(job.communicator)  // all ranks
      (configuration, execution) = (record.configuration, record.execution)
      (path, imageCount) = (data.path ?? record.dataPath(run: run), record.data.imageCount)
      remembered = record.data.selection
    }
    try change(&configuration, &execution)
    try configuration.validate()
    try execution.validate()
    try agree(job.communicator) { try configuration.precision.requireSupport() }  // all ranks
    guard let path else { preconditionFailure("a new run without data") }
    let listed = try ListedImages.training(  // all ranks
      of: path, data.selection(over: remembered), communicator: job.communicator, log: job.log)
    let count = listed.images.count
    let wished = ValidationSplit.wishedCount(fraction: configuration.validationFraction ?? 0, of: count)
    let images = imageCount ?? count - wished
    try configuration.validate(imageCount: images, keptBack: imageCount == nil ? wished : 0)
    return try TrainingPlan(configuration, execution, images: images, listed: listed, job: job)
  }

  // MARK: A run to go on with

  /// All ranks. The run at `run`, at its newest checkpoint.
  ///
  /// - Parameters:
  ///   - run: the run's folder.
  ///   - data: the data set; without a path where it was.
  ///   - initialWeights: nil, or the file that the run was begun with.
  ///   - change: what the command line says, applied to what the run remembers.
  ///   - given: where that comes from, in words, by the key of each setting.
  ///   - job: what the process was started with.
  /// - Returns: nil when the run is finished.
  /// - Throws: `SaladError` on all ranks: 64 when there is no run, or it has another configuration or version, 65 when
  ///   the checkpoint is damaged or the data set is another.
  public static func resumed(
    run: String, data: DataRequest, initialWeights: String?,
    change: (inout Configuration, inout Execution) throws -> Void, given: [String: String] = [:], job: Job
  ) throws -> PreparedRun? {
    let directory = try RunDirectory.resume(run, communicator: job.communicator)  // all ranks
    var record = try directory.record(job.communicator)  // all ranks
    var configuration = record.configuration
    try change(&configuration, &record.execution)
    try configuration.validate()
    try record.execution.validate()
    try record.validateResume(as: configuration, run: run)
    if let initialWeights {
      let weights = try RunRecord.WeightsRecord.of(  // all ranks
        initialWeights, run: run, communicator: job.communicator)
      guard weights.sha256 == record.initialWeights?.sha256 else {
        throw SaladError(
          .usage,
          "\(run) was begun with other weights than \(initialWeights): leave --initial-weights away, or give "
            + "another --run")
      }
    }
    record.origins?.update(given: given, from: record.configuration, to: configuration)
    record.configuration = configuration
    try agree(job.communicator) { try configuration.precision.requireSupport() }  // all ranks

    let checkpoint = try Checkpoint.latest(  // all ranks
      of: directory, workers: job.workers, communicator: job.communicator)
    let steps = Schedule(configuration: configuration, imageCount: record.data.imageCount).steps
    if let checkpoint {
      if checkpoint.manifest.step == steps, checkpoint.has(.refreshed) { return nil }
      job.log.note("\(run) goes on after step \(checkpoint.manifest.step) of \(steps)")
    } else {
      job.log.note("\(run) has no checkpoint yet: it starts afresh")
    }

    let path = data.path ?? record.dataPath(run: run)
    let selection = data.selection(over: record.data.selection)
    let listed: ListedImages
    do {
      listed = try ListedImages.training(  // all ranks
        of: path, selection, communicator: job.communicator, log: job.log)
    } catch let error as SaladError where data.path == nil {
      throw SaladError(error.status, "\(error.description): if the data set has moved, give its folder by --data")
    }
    try TrainingPlan(
      configuration, record.execution, images: record.data.imageCount, listed: listed, job: job
    ).checkMemory(job.host, communicator: job.communicator)  // all ranks
    let scan = try Self.scan(  // all ranks
      listed, configuration: configuration, execution: record.execution, isNew: false, job: job)
    guard scan.fingerprint == record.data.fingerprint else {
      throw SaladError(
        .badData,
        "\(path): its images have the fingerprint \(scan.fingerprint.prefix(12)), expected "
          + "\(record.data.fingerprint.prefix(12)) as \(run) was begun with: give the same images by --data")
    }
    record.data.path = RelativePath.of(path, from: run)
    record.data.selection = listed.remembered(selection)
    try directory.writeConfiguration(record, communicator: job.communicator)  // all ranks
    return PreparedRun(directory: directory, record: record, scan: scan, checkpoint: checkpoint)
  }

  // MARK: All

  /// All ranks. Reads all images, and names on standard error those that were skipped.
  private static func scan(
    _ listed: ListedImages, configuration: Configuration, execution: Execution, isNew: Bool, job: Job
  ) throws -> DataScan {
    let scan = try DataScan(  // all ranks
      listed, configuration: configuration, workers: job.workers, cacheMemory: execution.cacheMemory,
      measuringGreyRange: isNew, communicator: job.communicator, watchdog: job.watchdog)
    for image in scan.skipped { job.log.warn("skipped: \(image.reason)") }
    if isNew { scan.notes.forEach(job.log.note) }
    return scan
  }
}

extension TrainingPlan {
  /// - Parameters:
  ///   - images: N, of the training.
  ///   - listed: the data set's training images.
  fileprivate init(
    _ configuration: Configuration, _ execution: Execution, images: Int, listed: ListedImages,
    job: PreparedRun.Job
  ) throws {
    // Reading a few tells how large they are.
    try self.init(
      configuration: configuration, execution: execution, images: images,
      samples: listed.paths.prefix(4).map { "\(listed.root)/\($0)" }, ranks: job.communicator.size,
      workers: job.workers(of: configuration), activationMemory: job.activationMemory)
  }
}
