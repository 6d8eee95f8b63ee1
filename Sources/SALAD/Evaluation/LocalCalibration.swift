import MPI
import MemoryBank
import Radiographs

/// A deployment judged by another place's normal images.
public struct LocalCalibration {
  /// Threshold and p-values of fewer images say nothing.
  public static let fewest = 20

  private let workers: Int
  private let host: HostResources
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log

  /// - Parameters:
  ///   - workers: threads of this rank.
  ///   - host: what this rank may use.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  public init(workers: Int, host: HostResources, communicator: Communicator, watchdog: Watchdog, log: Log) {
    self.workers = workers
    self.host = host
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
  }

  /// All ranks. Makes the folder `output` of the deployment, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: of the deployment to start from.
  ///   - request: a folder of normal images, searched recursively; or a data set in another layout, whose normal training
  ///     images are taken.
  ///   - falseAlarmRate: nil: what the model remembers.
  ///   - output: the deployment to make; it must not exist.
  /// - Returns: how images are judged from now on.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists or the model is a run, 65 when there are too few images,
  ///   others than normal ones, or images that the model was trained on.
  public func run(
    deployment path: String, data request: DataRequest, falseAlarmRate: Double?, output: String
  ) throws -> ConformalThreshold {
    try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    guard let data = request.path else { preconditionFailure("a calibration by no data") }
    let listed = try images(data, request.selection())  // all ranks
    let paths = listed.paths.map {
      listed.root.utf8.last == UInt8(ascii: "/") ? listed.root + $0 : "\(listed.root)/\($0)"
    }
    guard paths.count >= Self.fewest else {
      throw SaladError(
        .badData, "\(data): expected at least \(Self.fewest) normal images to calibrate with, found \(paths.count)")
    }
    watchdog.enter("verifying \(path)", step: nil)
    let source = try ModelSource.open(path, bank: nil, workers: workers, communicator: communicator)  // all ranks
    guard case .deployment = source.kind else {
      throw SaladError(.usage, "\(path): expected a deployment to calibrate, found a run: merge it first")
    }
    try LeakGuard(source, allowsLeaks: false, log: log).checkPictures(  // all ranks
      of: listed, side: source.scoring.size, workers: workers, communicator: communicator,
      watchdog: watchdog)

    let scorer = try Scorer(  // all ranks
      source, rule: nil, topK: nil, workers: workers, host: host, communicator: communicator, watchdog: watchdog)
    let rules = ScoreRule.allCases.filter { rule in source.models.allSatisfy { $0.calibration?.judges(rule) != nil } }
    guard let distances = try scorer.distances(of: paths, rules: rules, title: "calibrating") else {  // all ranks
      throw SaladError(.interrupted, "\(output): a signal asked to stop, nothing is written")
    }
    let byName = distances.map(\.byName)
    var calibrations = zip(source.models, byName).map { $0.calibration!.judging(by: $1, origin: .local) }
    if let falseAlarmRate { calibrations[0].falseAlarmRate = falseAlarmRate }
    guard let scale = ScoreScale(calibrations, rule: scorer.rule) else {
      preconditionFailure("a model that is not calibrated for \(scorer.rule.rawValue)")
    }
    // The self-test's scores are on the new scale.
    let selfTest = try scorer.selfTest(scale: scale)  // all ranks
    try Deployment.recalibrate(  // all ranks
      source, distances: byName, falseAlarmRate: falseAlarmRate, selfTest: source.selfTest == nil ? nil : selfTest,
      output: output, communicator: communicator)
    return scale.threshold()
  }

  /// All ranks. The normal images to calibrate with.
  private func images(_ data: String, _ selection: DataSelection) throws -> ListedImages {
    let isPlain = try agree(communicator) {  // all ranks
      // A folder of normal images has no layout.
      guard communicator.isRoot, selection == DataSelection() else { return false }
      do {
        return try DataSet(data).layout == .folder
      } catch let error as RadiographError where error.kind == .badData {
        return true
      }
    }
    guard try communicator.broadcast(bytes: [isPlain ? 1 : 0], root: 0) == [1] else {  // all ranks
      return try ListedImages.training(of: data, selection, communicator: communicator, log: log)  // all ranks
    }
    let paths = try ImagePaths.expand([data], communicator: communicator, log: log)  // all ranks
    try Self.requireNormal(paths, root: data)
    let images = paths.map {
      LabelledImage(
        path: String(decoding: $0.utf8.dropFirst(data.utf8.count).drop { $0 == UInt8(ascii: "/") }, as: UTF8.self),
        kind: "normal", isAnomalous: false)
    }
    return ListedImages(root: data, images: images)
  }

  /// Throws `SaladError` 65 where a data set with a class beside the normal one was given.
  private static func requireNormal(_ paths: [String], root: String) throws {
    func isNormal(_ path: String) -> Bool {
      let folders = path.utf8.dropFirst(root.utf8.count).split(separator: UInt8(ascii: "/")).dropLast()
      return folders.contains { ImageFolder.normalNames.contains(String(decoding: $0, as: UTF8.self).lowercased()) }
    }
    guard let normal = paths.first(where: isNormal), let other = paths.first(where: { !isNormal($0) }) else { return }
    throw SaladError(
      .badData,
      "\(root): expected normal images alone to calibrate with, found \(other) beside \(normal): give the folder of the "
        + "normal ones")
  }
}
