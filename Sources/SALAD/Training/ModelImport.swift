import Autoencoder
import MPI
import MemoryBank
import Radiographs
import Safetensors

// N = bank rows, D = embedding dimension

/// Makes a deployment of weights that came from elsewhere, such as a published PyTorch checkpoint.
public struct ModelImport {
  /// Where the memory bank comes from.
  public enum BankSource: Sendable {
    /// A safetensors file with the one tensor `bank`, (N, F) float32: unit rows where
    /// the bottleneck scores.
    case file(String)
    /// The training images of the data set in this folder: each becomes the prototype of its clean image.
    case data(DataRequest)
  }

  /// What the weights do not tell. A network's own fields are overwritten.
  private let configuration: Configuration
  private let communicator: Communicator
  private let watchdog: Watchdog
  private let log: Log
  private let replica: Replica
  private let workers: Int
  private let host: HostResources

  /// All ranks.
  ///
  /// - Parameters:
  ///   - model: a safetensors file with exactly a network's tensors.
  ///   - size: S, or nil for what the weights tell.
  ///   - levels: nil: the network's default.
  ///   - configuration: how it will score: fit, rule, top-k, micro-batch.
  ///   - workers: threads of this rank.
  ///   - host: what this rank may use.
  ///   - communicator: of the ranks that take part.
  ///   - watchdog: told what is being done.
  ///   - log: for notes.
  /// - Throws: `SaladError` 65 on all ranks, naming the file and the tensor that is missing, foreign, misshapen or not
  ///   finite; 64 where one rank's memory does not suffice.
  public init(
    model: String, size: Int?, levels: Levels?, configuration: Configuration, workers: Int, host: HostResources,
    communicator: Communicator, watchdog: Watchdog, log: Log
  ) throws {
    watchdog.enter("loading the model", step: nil)
    (replica, self.configuration) = try agree(communicator) {  // all ranks
      try FileSystem.require(model, "a model's safetensors file")
      let file = try SafetensorsFile(path: model)
      let network = try NetworkConfiguration(recognising: file, size: size)
      var configuration = configuration
      configuration.network = network
      configuration.levels = levels ?? network.architecture.defaultLevels
      try configuration.validate()
      try Self.requireMemory(of: host, configuration, rows: 0, workers: workers, ranks: communicator.size)
      let replica = try Replica(
        configuration: network, precision: configuration.precision, microBatch: configuration.microBatch,
        workers: workers, training: false, activationLimit: 0)
      try replica.loadModel(file)
      return (replica, configuration)
    }
    self.workers = workers
    self.host = host
    self.communicator = communicator
    self.watchdog = watchdog
    self.log = log
  }

  /// Local. Throws `SaladError` 64 where this rank's memory does not suffice.
  ///
  /// - Parameter rows: N; 0 as long as nobody knows.
  private static func requireMemory(
    of host: HostResources, _ configuration: Configuration, rows: Int, workers: Int, ranks: Int
  ) throws {
    let memory = ScoringMemory(
      scoring: configuration.scoring, precision: configuration.precision, rows: rows,
      features: configuration.scoring.featureCount, topK: configuration.topK, holdsBank: true, measuresBank: true,
      workers: workers, ranks: ranks)
    try memory.require(of: host, for: "this import", cure: "a smaller --micro-batch or --top-k")
  }

  private func requireMemory(rows: Int) throws {
    try Self.requireMemory(of: host, configuration, rows: rows, workers: workers, ranks: communicator.size)
  }

  /// All ranks. Makes the folder `output`, whole or not at all.
  ///
  /// - Returns: N.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists, 65 when bank or data are bad, 74 when the disk refuses.
  public func write(bank source: BankSource, to output: String) throws -> Int {
    try Deployment.refuseExisting(output, communicator: communicator)  // all ranks
    let bank =
      switch source {
      case .file(let path): try read(path)  // all ranks
      case .data(let data): try embed(data)  // all ranks
      }
    let embedder = bank.embedder
    var scoring = configuration.scoring
    scoring.greyRange = bank.greyRange
    scoring.exposureDamping = embedder.exposure?.damping
    let pass = LeftOutPass(communicator: communicator, watchdog: watchdog)
    let measured = try pass.run(  // all ranks
      bank.memory, kind: .refreshed, patients: bank.patients,
      rules: Calibration.rules(unitRows: scoring.levels.isBottleneck),
      topK: min(scoring.topK, bank.imageIDs.count), scoreTemperature: scoring.scoreTemperature,
      falseAlarmRate: configuration.falseAlarmRate ?? ConformalThreshold.defaultFalseAlarmRate)
    guard var calibration = measured else {
      throw SaladError(.interrupted, "\(output): a signal asked to stop, nothing is written")
    }
    calibration.exposureAxis = embedder.exposure?.axis
    let scorer = Scorer(
      scoring, models: [Scorer.Model(embedder: embedder, bank: bank.memory, calibration: calibration)],
      kind: .refreshed, rule: scoring.scoreRule, communicator: communicator, watchdog: watchdog)
    let selfTest = try scorer.selfTest()  // all ranks
    watchdog.enter("writing \(output)", step: nil)
    let values = try communicator.gatherV(bank.memory.shard, root: 0)  // all ranks
    let instructionSet = try InstructionSet.ofAllRanks(communicator).joined(separator: ", ")  // all ranks
    try agree(communicator) {  // all ranks
      guard communicator.isRoot else { return }
      try Deployment.write(to: output) { folder in
        try replica.saveModel(to: "\(folder)/\(Manifest.modelName)", metadata: [:])
        let files = try Deployment.writeBank(
          rows: bank.memory.sharding.rows, dimension: dimension, metadata: BankTensor.metadata(of: .refreshed, scoring),
          in: folder
        ) { writer in
          for shard in values { try writer.write(shard) }
        }
        return DeploymentManifest(
          importing: scoring, instructionSet: instructionSet, dataFingerprint: bank.fingerprint,
          dimension: dimension, imageIDs: bank.imageIDs, patients: bank.patients, pictures: bank.pictures,
          files: files, calibration: calibration, selfTest: selfTest)
      }
    }
    return bank.memory.sharding.rows
  }

  /// F.
  private var dimension: Int { embedder.featureCount }
  /// Takes nothing out of features.
  private var embedder: Embedder {
    Embedder(
      replica: replica, microBatch: configuration.microBatch, workers: workers, levels: configuration.levels,
      scale: configuration.featureScale)
  }

  /// A bank on its way into a deployment.
  private struct Bank {
    var memory: MemoryBank
    /// What makes of images what its rows are.
    var embedder: Embedder
    /// N.
    var imageIDs: [String]
    /// Whose they are.
    var patients: [String?]
    /// What the images show; nil where nobody knows.
    var pictures: [PictureHash]?
    /// Of the images; empty where nobody knows them.
    var fingerprint: String
    /// White in files of 16 bits; nil: 65,535.
    var greyRange: Int?
  }

  // MARK: A bank that is given

  /// All ranks.
  private func read(_ path: String) throws -> Bank {
    try agree(communicator) {  // all ranks
      try FileSystem.require(path, "a bank's safetensors file")
      let file = try SafetensorsFile(path: path)
      guard let shape = file.tensors.first(where: { $0.name == BankTensor.name })?.shape, shape.count == 2,
        (1...Sharding.maximumRows).contains(shape[0]), shape[1] == dimension
      else {
        let found = file.tensors.prefix(3).map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        throw SaladError(
          .badData, "\(path): expected the tensor \(BankTensor.name), shape [rows, \(dimension)], found \(found)")
      }
      try requireMemory(rows: shape[0])
      let values = try BankTensor.withBytes(of: file, rows: shape[0], dimension: dimension) {
        BankTensor.floats($0, 0..<shape[0] * dimension)
      }
      guard values.allSatisfy(\.isFinite) else {
        throw SaladError(.badData, "\(path): expected finite numbers, found another: make the bank anew")
      }
      if configuration.levels.isBottleneck { try checkUnitRows(values, path: path) }
      // The rows' images are not known; a deployment names them all the same.
      let names = (0..<shape[0]).map { "row-\(padded($0, to: 7))" }
      let mine = Sharding(rows: shape[0], ranks: communicator.size).range(of: communicator.rank)
      let memory = MemoryBank(
        rows: shape[0], dimension: dimension,
        shard: Array(values[mine.lowerBound * dimension..<mine.upperBound * dimension]), workers: replica.workers,
        communicator: communicator)
      var embedder = embedder
      embedder.exposure = try BankTensor.exposure(of: file).map(ExposureDirection.init)
      return Bank(
        memory: memory, embedder: embedder, imageIDs: names, patients: names.map { _ in nil }, pictures: nil,
        fingerprint: "", greyRange: configuration.greyRange)
    }
  }

  private func checkUnitRows(_ values: [Float], path: String) throws {
    for row in 0..<values.count / dimension {
      let square = values[row * dimension..<(row + 1) * dimension].reduce(0.0) { $0 + Double($1) * Double($1) }
      // Rounding leaves far less, in half precision too.
      guard abs(square.squareRoot() - 1) < 1e-4 else {
        throw SaladError(
          .badData,
          "\(path): expected rows of length 1, found length \(square.squareRoot()) in row \(row): normalise the bank")
      }
    }
  }

  // MARK: A bank that is made

  /// All ranks. A refresh pass over the training images of a data set.
  private func embed(_ data: DataRequest) throws -> Bank {
    guard let path = data.path else { preconditionFailure("a bank of no data") }
    let listed = try ListedImages.training(  // all ranks
      of: path, data.selection(), communicator: communicator, log: log)
    try agree(communicator) { try requireMemory(rows: listed.paths.count) }  // all ranks
    let scan = try DataScan(  // all ranks
      listed, configuration: configuration, workers: workers, cacheMemory: Execution().cacheMemory,
      measuringGreyRange: true, communicator: communicator, watchdog: watchdog)
    for image in scan.skipped { log.warn("skipped: \(image.reason)") }
    scan.notes.forEach(log.note)
    let refresh = Refresh(
      embedder: embedder, exposureDamping: configuration.scoring.exposureDamping, scan: scan,
      communicator: communicator, watchdog: watchdog)
    guard let (memory, embedder) = try refresh.run() else {  // all ranks
      throw SaladError(.interrupted, "a signal asked to stop while the bank was made, nothing is written")
    }
    return Bank(
      memory: memory, embedder: embedder, imageIDs: scan.images, patients: scan.patients, pictures: scan.pictures,
      fingerprint: scan.fingerprint, greyRange: scan.greyRange)
  }
}
