import MPI
import Radiographs

/// The images that a report looks at beside the bank, as far as they are there; equal on all ranks.
public struct ReportData: Sendable {
  /// What a run says of itself; nil: a deployment, or a run that has lost it.
  let record: RunRecord?
  /// The data set's folder, where the training images are that a bank names; nil: it is not known or not there.
  let root: String?
  /// nil: there are none.
  public let tests: ListedImages?
  /// Why there are no test images, in a sentence.
  let absence: String?
  /// The data set as it was asked for.
  let request: DataRequest

  /// All ranks.
  ///
  /// - Parameters:
  ///   - model: a run's folder, or a deployment's.
  ///   - request: the data set; without a path: what the run was trained on.
  ///   - communicator: of the ranks that take part.
  ///   - log: is told of what is missing, not read or left out.
  /// - Throws: `SaladError` 65 on all ranks when a data set that was asked for is not there.
  public init(of model: String, data request: DataRequest, communicator: Communicator, log: Log) throws {
    self.request = request
    record = try Self.record(of: model, communicator)  // all ranks
    let given = request.path
    guard let path = given ?? record.map({ $0.dataPath(run: model) }) else {
      (root, tests) = (nil, nil)
      absence = "\(model) does not say where its images are: --data DIR gives them"
      return
    }
    let selection = request.selection(over: given == nil ? record?.data.selection : nil)
    if given != nil {
      try agree(communicator) { try FileSystem.require(path, "a data set") }  // all ranks
    }
    let tests = try Self.unlessMissing {
      try ListedImages.test(of: path, selection, communicator: communicator, log: log)  // all ranks
    }
    self.tests = try? tests.get()
    switch tests {
    case .success(let listed): (root, absence) = (listed.root, nil)
    case .failure(let reason):
      absence = reason.sentence
      log.note("without test images: \(reason.sentence)")
      root = try? Self.unlessMissing {
        try ListedImages.training(of: path, selection, communicator: communicator, log: nil)  // all ranks
      }.get().root
    }
  }

  struct Missing: Error { let sentence: String }

  /// All ranks. What the body finds, or why there is none; the same on all ranks, as its errors are.
  static func unlessMissing<R>(_ body: () throws -> R) throws -> Result<R, Missing> {
    do {
      return .success(try body())
    } catch let error as SaladError where [.badData, .usage, .inputOutput].contains(error.status) {
      return .failure(Missing(sentence: error.description))
    }
  }

  /// All ranks. What a run's config.json says, where there is one that can be read.
  private static func record(of model: String, _ communicator: Communicator) throws -> RunRecord? {
    let isRun = try communicator.broadcast(bytes: [RunDirectory.hasRun(model) ? 1 : 0], root: 0) == [1]  // all ranks
    guard isRun else { return nil }
    return try? unlessMissing {
      try agree(communicator) { try RunDirectory.open(model) }.record(communicator)  // all ranks
    }.get()
  }
}
